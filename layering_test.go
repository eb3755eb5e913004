package wbundle_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport says which packages of ours each package may import. The reasons
// are in ARCHITECTURE.md; the one that matters most is that runtime, which
// verifies bundles, knows nothing of the code that makes them.
var mayImport = map[string][]string{
	"internal/wasm":      {},
	"internal/component": {"internal/wasm"},
	"internal/nearest":   {},
	"internal/wit":       {"internal/component", "internal/nearest", "internal/wasm"},
	"graph":              {"internal/wasm", "internal/component"},
	"internal/ir":        {"internal/wasm", "graph"},
	"shake":              {"graph", "internal/component", "internal/wasm", "internal/ir"},
	"internal/adapter":   {"graph", "internal/component", "internal/ir", "internal/wasm"},
	"internal/opt":       {"internal/ir", "internal/wasm"},
	"internal/source":    {"internal/wasm"},
	"linker":             {"graph", "shake", "internal/adapter", "internal/component", "internal/ir", "internal/nearest", "internal/opt", "internal/source", "internal/wasm"},
	"internal/wasi":      {"internal/component", "internal/wit"},
	"runtime":            {"internal/component", "internal/nearest", "internal/wasi", "internal/wasm", "internal/wit"},
	"internal/config":    {"internal/nearest"},
	"internal/report":    {"linker", "graph", "internal/component", "internal/source", "internal/symbol", "internal/wasm"},
	"internal/symbol":    {},
	"internal/gen":       {"internal/component", "internal/wasm"},
}

// anything may import whatever it likes: the program, and tools around it.
var anything = []string{"cmd/", "bench", "internal/conformance"}

func TestLayering(t *testing.T) {
	const module = "github.com/wbundle/wbundle/"
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		fields := strings.Fields(line)
		pkg, ok := strings.CutPrefix(fields[0], module)
		if !ok || slices.ContainsFunc(anything, func(p string) bool { return strings.HasPrefix(pkg, p) }) {
			continue
		}
		allowed, known := mayImport[pkg]
		if !known {
			t.Errorf("package %s has no rule in mayImport", pkg)
		}
		for _, imp := range fields[1:] {
			if own, ok := strings.CutPrefix(imp, module); ok && !slices.Contains(allowed, own) {
				t.Errorf("%s imports %s; it may import %v", pkg, own, allowed)
			}
			if strings.HasPrefix(imp, "github.com/tetratelabs/wazero") && pkg != "runtime" {
				t.Errorf("%s imports %s; only runtime runs wasm", pkg, imp)
			}
		}
	}
}
