package linker

import (
	"github.com/wbundle/wbundle/graph"
)

// Input is one component or core module to link; which of the two it is is
// told from its header.
type Input struct {
	// ID is how the configuration and messages call the input; unique.
	ID string
	// Path is what errors about its bytes name; defaults to ID.
	Path string
	// Bytes is the file. Link borrows it until the Result is dropped.
	Bytes []byte
}

// Format is the form of the output.
type Format string

// The output formats.
const (
	FormatCore      Format = "core"
	FormatComponent Format = "component"
)

// Target is the engine that the output is for, where that changes the output.
type Target string

// The targets. Without one, the output asks of its host what the inputs ask
// of theirs.
const (
	TargetAny Target = ""
	// TargetWazero is package runtime: wazero with WASI preview 1 and 0.2.
	TargetWazero Target = "wazero"
	// TargetPreview1 is any engine for core modules that offers WASI preview 1
	// and nothing else of WASI.
	TargetPreview1 Target = "wasi-preview1"
)

// preview1 reports whether the target offers WASI preview 1 to core modules.
func (t Target) preview1() bool { return t == TargetWazero || t == TargetPreview1 }

// Memory is the memory layout of the output.
type Memory string

// The memory layouts; MemoryAuto is single for core output and multi for
// component output.
const (
	MemoryAuto   Memory = "auto"
	MemorySingle Memory = "single"
	MemoryMulti  Memory = "multi"
)

// Isolation is what keeps the components of a single memory apart.
type Isolation string

// The isolations; IsolationAuto is none. Where every component has a memory of
// its own, the engine keeps them apart whatever is asked for here.
const (
	IsolationAuto Isolation = "auto"
	// IsolationNone lets a wild pointer reach a neighbour.
	IsolationNone Isolation = "none"
	// IsolationMask keeps every access in the component's window, wherever its
	// pointer points to.
	IsolationMask Isolation = "mask"
	// IsolationTrap traps where a memory of its own would.
	IsolationTrap Isolation = "trap"
)

// Unresolved says what becomes of an import that no input exports.
type Unresolved string

// The policies for unresolved imports. WASI imports (wasi:* and
// wasi_snapshot_preview1) are always left to the host.
const (
	UnresolvedError  Unresolved = "error"
	UnresolvedImport Unresolved = "import"
	UnresolvedTrap   Unresolved = "trap"
)

// Provider names what satisfies an import: an export of another input.
type Provider struct {
	From   string // input id
	Export string // export name; "" means the import's own name (semver-compatible)
}

// Optimize says how much work goes into a small or fast output.
type Optimize string

// The levels of optimisation.
const (
	// OptimizeNone leaves code as it is: what is not reached is gone, and
	// everything else has the instructions that it had.
	OptimizeNone Optimize = "none"
	// OptimizeSize makes the output small.
	OptimizeSize Optimize = "size"
	// OptimizeSpeed makes it fast, and small where that costs no speed.
	OptimizeSpeed Optimize = "speed"
)

// Names says what becomes of the name section.
type Names string

// The treatments of names.
const (
	NamesKeep  Names = "keep"
	NamesStrip Names = "strip"
)

// Options are the settings of one link. The zero value of each field means
// its default.
type Options struct {
	Format Format // default FormatCore
	Memory Memory // default MemoryAuto
	Target Target // default TargetAny
	// Name is the bundle's name, for example acme:shop@1.4.0; it names the
	// world of the component-type section.
	Name string

	Root       string                         // input id; "": the input nobody imports from
	NoAuto     bool                           // wire only what Connect says
	Connect    map[string]map[string]Provider // importer id or "*" -> import name -> provider
	Unresolved Unresolved                     // default UnresolvedError

	WASI WASI // what becomes of WASI imports

	Keep   []string          // exports to keep; empty: all of the root's
	Rename map[string]string // export name -> new name (core exports)

	Isolation Isolation // default IsolationAuto
	// IsolationRequired makes it an error that components share a memory and
	// nothing keeps them apart.
	IsolationRequired bool
	// MemoryLimit bounds the window of an input's memories, in bytes, by input id.
	MemoryLimit map[string]uint64
	Names       Names    // default NamesStrip
	Optimize    Optimize // default OptimizeNone
	// NoVectors keeps vector instructions, which not every engine has, out of
	// the adapters. Those of the inputs stay.
	NoVectors bool
	// Check validates the emitted module. It finds the linker's own mistakes;
	// inputs are not validated, and what is ill-typed in them stays so.
	Check bool

	// OutputOnly says that nobody will ask where the output comes from:
	// Result.Program and Result.Origins are nil, and their memory is there for
	// the optimiser.
	OutputOnly bool
	// Consume, with OutputOnly, hands the inputs over: a link that optimises takes
	// Input.Bytes away when it needs them no more.
	Consume bool

	marking marking // markPrecise, except in measurements

	// Progress, when set, is called as passes begin and advance. It may be
	// called from several goroutines.
	Progress func(Progress)
}

// Progress is one step of a pass.
type Progress struct {
	Pass        string // decode, flatten, graph, adapters, mark, layout, emit
	Done, Total int    // items of the pass; Total 0: not known
}

// Result is a finished link.
type Result struct {
	// Output is the module or component; the same bytes for the same inputs and options.
	Output []byte
	// Program is the linked program, for graph, inspect and reports; nil with
	// Options.OutputOnly.
	Program *graph.Program
	Summary Summary
	// Origins tells where every item of the output comes from; nil with
	// Options.OutputOnly.
	Origins *Origins
}

// Summary says what a link did, for people and for --json.
type Summary struct {
	Inputs  []InputSummary `json:"inputs"`
	Links   []LinkSummary  `json:"links"`
	Imports []string       `json:"imports"` // what the output asks of its host
	Exports []string       `json:"exports"`
	Memory  Memory         `json:"memory"`
	Windows []Window       `json:"windows,omitempty"`
	// Isolation is what keeps the windows apart; "" without windows.
	Isolation Isolation `json:"isolation,omitempty"`

	Functions Count `json:"functions"`
	Globals   Count `json:"globals"`
	Tables    Count `json:"tables"`
	Memories  Count `json:"memories"`
	Data      Count `json:"data"` // segments
	Elements  Count `json:"elements"`
	Types     Count `json:"types"`
	Adapters  int   `json:"adapters"` // functions generated for the canonical ABI
	// AdaptersLeft is how many of them the output has: the optimiser inlines
	// those that are small or have one caller.
	AdaptersLeft int `json:"adapters_left"`
	// Unprotected lists the inputs that share a memory without isolation.
	Unprotected []string `json:"unprotected,omitempty"`
	Warnings    []string `json:"warnings,omitempty"`
}

// Count is how many items of a kind went in and came out.
type Count struct {
	In  int `json:"in"`
	Out int `json:"out"`
}

// InputSummary describes one input.
type InputSummary struct {
	ID        string   `json:"id"`
	Path      string   `json:"path"`
	Kind      string   `json:"kind"` // component or core module
	Bytes     int      `json:"bytes"`
	Languages []string `json:"languages,omitempty"` // from producers sections
	Instances int      `json:"instances"`           // core instances it became
	Root      bool     `json:"root,omitempty"`
}

// LinkSummary is one resolved import.
type LinkSummary struct {
	Importer string `json:"importer"`
	Import   string `json:"import"`
	Provider string `json:"provider"` // input id; "" for the host
	Export   string `json:"export,omitempty"`
}

// Window is one input's share of the single memory.
type Window struct {
	Owner    string `json:"owner"`     // input and instance
	Base     uint64 `json:"base"`      // bytes
	MinPages uint64 `json:"min_pages"` // pages of 64 KiB at the start
	MaxPages uint64 `json:"max_pages"` // pages it may grow to
}
