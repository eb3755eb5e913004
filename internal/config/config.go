// Package config reads wasm.bundle.yaml, the file that says what wbundle
// links and what becomes of it.
//
// The file is parsed into yaml nodes and walked, so that every complaint has a
// line and a column, a misspelled key is answered with the one that was meant,
// and a reader gets all complaints at once:
//
//	wasm.bundle.yaml:4:3: graph: unknown key "rot"; did you mean "root"?
//	wasm.bundle.yaml:9:11: link.memory: "separate" is not available yet
//
// What the file may contain is one table per object, in tables.go. The JSON
// Schema beside it (Schema) says the same to editors; a test compares the two.
//
// The package knows nothing of linking: values stay what they were in the
// file, paths made relative to it, and cmd turns them into options.
package config

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// FileName is what the configuration is called when nobody says otherwise.
const FileName = "wasm.bundle.yaml"

// Config is a whole configuration, defaults filled in.
type Config struct {
	// File is the name it was read from; errors quote it.
	File string
	// Dir is what the relative paths of the file were relative to. Paths in
	// the other fields have been joined with it already.
	Dir string

	Name    string // package name, such as acme:shop@1.4.0; may be empty
	Inputs  []Input
	Graph   Graph
	Exports Exports
	WASI    WASI
	Link    Link
	Outputs []Output
	Verify  Verify
	Reports []Report
}

// Pos is a place in the configuration; the zero Pos is nowhere.
type Pos struct{ Line, Col int }

// Input is one file to link. A glob has become one Input per file.
type Input struct {
	ID     string
	Path   string
	SHA256 string // lower-case hex; "": unchecked
	// MemoryLimit bounds what the input's memory may grow to, in bytes; 0: no bound.
	MemoryLimit uint64
	Pos         Pos
}

// Graph says how imports find their providers.
type Graph struct {
	Root       string // input id; "": the input nobody imports from
	Auto       bool
	Connect    map[string]map[string]Provider // importer id or "*" -> import -> provider
	Unresolved string                         // error, import or trap
}

// Provider is the right-hand side of a connection.
type Provider struct {
	From   string // input id
	Export string // "": the import's own name
	Pos    Pos
}

// Exports says which exports of the root survive, and under which names.
type Exports struct {
	Keep   []string
	Rename map[string]string
}

// Link holds the settings of the link itself.
type Link struct {
	Memory    string // auto, single or multi
	Isolation string // auto, none, mask, trap or required
	Dedupe    string // off or auto
	Optimize  string // "" (the default set of optimisations) or none
	Names     string // keep or strip
	Metadata  string // keep or strip
}

// Output is one file to write.
type Output struct {
	Format string // core or component
	Path   string
	Memory string // as Link.Memory; "": what Link says
	Target string // "" or the name of an engine
	Pos    Pos
}

// Verify says how the outputs are tried out.
type Verify struct {
	// Differential says whether outputs are compared with the unbundled
	// inputs; nil: where that is quick.
	Differential *bool
	Timeout      time.Duration // of one case; 0: no limit was set
	Cases        []Case
}

// Case is one run of an output with a known outcome: a call (Invoke) or a
// command line (Run).
type Case struct {
	Name   string
	Invoke string   // a call in WAVE; "" when Run is set
	Run    []string // argument vector of a command
	Expect Expect
	Pos    Pos
}

// Expect is the outcome of a Case.
type Expect struct {
	Value  string  // Invoke: the result in WAVE; "" when Trap is set
	Trap   bool    // Invoke: the call must trap
	Exit   int     // Run
	Stdout *string // Run; nil: anything
}

// Load reads the configuration in file and applies the named profile ("" for
// none). Its error is an Errors unless the file could not be read.
func Load(file, profile string) (*Config, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Parse(file, data, profile)
}

// Parse is Load for a file that has been read.
func Parse(file string, data []byte, profile string) (*Config, error) {
	w := &walker{file: file, dir: filepath.Dir(file)}
	root := w.document(data)
	if root == nil {
		return nil, w.err()
	}
	cfg := w.config(root, profile)
	if err := w.err(); err != nil {
		return nil, err
	}
	cfg.File, cfg.Dir = file, w.dir
	return cfg, nil
}

// Input finds an input by its id.
func (c *Config) Input(id string) (Input, bool) {
	for _, in := range c.Inputs {
		if in.ID == id {
			return in, true
		}
	}
	return Input{}, false
}

// At formats a place in the configuration as file:line:col.
func (c *Config) At(p Pos) string {
	if p == (Pos{}) {
		return c.File
	}
	return fmt.Sprintf("%s:%d:%d", c.File, p.Line, p.Col)
}
