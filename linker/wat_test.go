package linker_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/linker"
)

// The programs of testdata are written in the text format and compiled ahead
// of time by testdata/rebuild.sh. Lines of a program that start with ";;>" are
// calls and what they give, in any engine and before linking as after:
//
//	;;> add(1, 2) => 3
//	;;> push(1); pop(); pop() => ; 1; trap
//
// A result "multi: …" is what holds only where each component keeps its own
// memory; without isolation, a single memory lets wild pointers through. A
// result "spec: …" is what the specification says and wasmtime does not do. A
// line that starts with ";;! " says why wazero cannot run the program as it
// is, before linking.
const (
	answerMark  = ";;> "
	multiMark   = "multi: "
	specMark    = "spec: "
	limitedMark = ";;! "
)

// programDirs are the folders of testdata with programs.
var programDirs = []string{"run", "abi"}

// program is a component of testdata with its answers.
type program struct {
	name    string
	wasm    []byte
	answers []answer
	// isolated are those of the answers that a single memory must not give.
	isolated map[string]bool
	// special are those that wasmtime's own linker answers in another way.
	special map[string]bool
	// limited says why wazero cannot run the unbundled program.
	limited string
}

// single returns the answers that a single memory gives as well.
func (p *program) single() []answer { return without(p.answers, p.isolated) }

// without returns the answers whose calls are not in a set.
func without(answers []answer, calls map[string]bool) []answer {
	var out []answer
	for _, a := range answers {
		if !calls[a.call] {
			out = append(out, a)
		}
	}
	return out
}

// readProgram reads testdata/DIR/NAME.wat and .wasm.
func readProgram(t testing.TB, path string) *program {
	t.Helper()
	p := &program{name: strings.TrimSuffix(filepath.Base(path), ".wat"), isolated: map[string]bool{}, special: map[string]bool{}}
	p.wasm = readFile(t, strings.TrimSuffix(path, ".wat")+".wasm")
	for _, line := range strings.Split(string(readFile(t, path)), "\n") {
		if why, ok := strings.CutPrefix(line, limitedMark); ok {
			p.limited = why
		}
		text, ok := strings.CutPrefix(line, answerMark)
		if !ok {
			continue
		}
		call, want, ok := strings.Cut(text, " => ")
		if !ok {
			call, want = strings.TrimSuffix(text, " =>"), ""
		}
		if w, ok := strings.CutPrefix(want, multiMark); ok {
			want = w
			p.isolated[call] = true
		}
		if w, ok := strings.CutPrefix(want, specMark); ok {
			want = w
			p.special[call] = true
		}
		p.answers = append(p.answers, answer{call, want})
	}
	if len(p.answers) == 0 {
		t.Fatalf("%s: no line starts with %q", path, answerMark)
	}
	return p
}

// readPrograms reads all programs of a folder of testdata.
func readPrograms(t testing.TB, dir string) []*program {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", dir, "*.wat"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no programs in testdata/%s: %v", dir, err)
	}
	var out []*program
	for _, path := range paths {
		out = append(out, readProgram(t, path))
	}
	return out
}

// TestPrograms runs each program before and after linking: what the unbundled
// component answers in two other implementations is what the bundle answers.
func TestPrograms(t *testing.T) {
	for _, dir := range programDirs {
		programs := readPrograms(t, dir)
		for _, p := range programs {
			t.Run(dir+"/"+p.name+"/wazero", func(t *testing.T) {
				t.Parallel()
				inputs := []linker.Input{{ID: p.name, Bytes: p.wasm}}
				if p.limited == "" {
					runWazero(t, "unbundled", p.wasm, p.answers)
				} else {
					t.Log("wazero does not run it unbundled: ", p.limited)
				}
				runWazero(t, "core single", link(t, inputs, coreSingle.as(linker.Options{})).Output, p.single())
				for _, f := range []form{coreTrapping, coreMasked} {
					answers := p.answers
					if f == coreMasked {
						answers = p.single()
					}
					runWazero(t, f.String(), link(t, inputs, f.as(linker.Options{Check: true})).Output, answers)
				}
				runWazero(t, "component single", link(t, inputs, componentSingle.as(linker.Options{})).Output, p.single())
			})
		}
		t.Run(dir+"/wasmtime", func(t *testing.T) {
			t.Parallel()
			w := newWasmtime(t)
			for _, p := range programs {
				inputs := []linker.Input{{ID: p.name, Bytes: p.wasm}}
				w.add(p.name+" unbundled", p.wasm, without(p.answers, p.special))
				w.addCore(p.name+" core multi", link(t, inputs, coreMulti.as(linker.Options{})).Output, p.answers)
				w.add(p.name+" component single", link(t, inputs, componentSingle.as(linker.Options{})).Output, p.single())
				w.add(p.name+" component multi", link(t, inputs, componentMulti.as(linker.Options{})).Output, p.answers)
			}
			w.run()
		})
	}
}

// TestProgramsAreCompiled checks that the folders of programs have a .wasm for
// each .wat, made from it, and nothing else.
func TestProgramsAreCompiled(t *testing.T) {
	if why := componentNewMissing(); why != "" {
		t.Skip(why)
	}
	for _, dir := range append([]string{"refuse", "windows", "host", "shake", "mismatch", "boundary"}, programDirs...) {
		paths, err := filepath.Glob(filepath.Join("testdata", dir, "*"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("nothing in testdata/%s: %v", dir, err)
		}
		for _, path := range paths {
			switch ext := filepath.Ext(path); ext {
			case ".wasm":
				if _, err := os.Stat(strings.TrimSuffix(path, ext) + ".wat"); err != nil {
					t.Errorf("%s has no source: %v", path, err)
				}
			case ".wat":
				want, err := exec.Command("wasm-tools", "parse", path).Output()
				if err != nil {
					t.Errorf("%s: %v", path, err)
					continue
				}
				if !bytes.Equal(want, readFile(t, strings.TrimSuffix(path, ext)+".wasm")) {
					t.Errorf("%s is not what its .wasm was compiled from; run testdata/rebuild.sh", path)
				}
			}
		}
	}
}
