package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/wbundle/wbundle/internal/component"
)

// TestInspectAddsUp checks that the sections of every fixture sum to the file,
// and that every component has its world told.
func TestInspectAddsUp(t *testing.T) {
	files, err := filepath.Glob("../../fixtures/*/*.wasm")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		u, err := decode(file, b)
		if err != nil {
			continue // a fixture of what is refused
		}
		seen++
		addsUp(t, file, inspect(u))
	}
	if seen == 0 {
		t.Error("there are no fixtures")
	}
}

func addsUp(t *testing.T, name string, i *inspected) {
	t.Helper()
	sum := 0
	for _, s := range i.Sections {
		sum += s.Bytes
	}
	if sum != i.Bytes {
		t.Errorf("%s: the sections sum to %d, the file has %d bytes", name, sum, i.Bytes)
	}
	if i.Kind == "component" && i.WIT == "" {
		t.Errorf("%s: no world", name)
	}
	for _, m := range i.Modules {
		addsUp(t, name+": module", m)
	}
}

// TestStripMetadata checks that what was stripped decodes, has no metadata,
// and that stripping it again changes nothing.
func TestStripMetadata(t *testing.T) {
	files, err := filepath.Glob("../../fixtures/*/*.wasm")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode(file, b); err != nil {
			continue
		}
		stripped := stripMetadata(b)
		u, err := decode(file, stripped)
		if err != nil {
			t.Errorf("%s: stripped: %v", file, err)
			continue
		}
		if tools := u.producers(); len(tools) > 0 {
			t.Errorf("%s: stripped, and yet made by %v", file, tools)
		}
		if component.IsComponent(b) != component.IsComponent(stripped) {
			t.Errorf("%s: stripped, it is something else", file)
		}
		if again := stripMetadata(stripped); string(again) != string(stripped) {
			t.Errorf("%s: stripping twice is not stripping once", file)
		}
	}
}
