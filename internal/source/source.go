// Package source reads what the debug sections of a module (DWARF 2 to 5) say
// of its functions: what they are called, and which file they were compiled
// from.
//
// Debug information is a help and never a condition: what is missing, broken or
// of another tool's making leaves functions without it, and nothing here fails.
package source

import (
	"cmp"
	"debug/dwarf"
	"path"
	"slices"
	"strings"

	"github.com/wbundle/wbundle/internal/wasm"
)

// Func is what debug information says of a function. Its zero value says
// nothing.
type Func struct {
	// Name is the linker's name, mangled, where the compiler wrote it down, else
	// the name in the source.
	Name string
	// File is where the function is written, in a file below the directory of
	// the compilation relative to it.
	File string
	// Crate is the Rust crate that the function was compiled in; "" in other
	// languages.
	Crate string
	// Go says that the function is written in Go.
	Go bool
}

// The languages that matter here (DWARF 5, table 3.1).
const (
	languageGo   = 0x16
	languageRust = 0x1c
)

// Funcs reads the debug sections of a module. The result has an entry for each
// function that the module defines, imports not counted; it is nil where there
// is no debug information, or none that can be read.
//
// It goes through .debug_info once, from the first entry to the last: some 20 MB
// a second.
func Funcs(m *wasm.Module) (funcs []Func) {
	section := func(name string) []byte {
		if c := m.Custom(name); c != nil {
			return c.Data
		}
		return nil
	}
	info := section(".debug_info")
	if info == nil || len(m.Code) == 0 {
		return nil
	}
	// debug/dwarf may panic on what is malformed, and says so.
	defer func() {
		if recover() != nil {
			funcs = nil
		}
	}()
	line := section(".debug_line")
	data, err := dwarf.New(section(".debug_abbrev"), nil, nil, info, line, nil, section(".debug_ranges"), section(".debug_str"))
	if err != nil {
		return nil
	}
	// DWARF 5 has more of them.
	for _, name := range []string{".debug_addr", ".debug_line_str", ".debug_str_offsets", ".debug_rnglists"} {
		if b := section(name); b != nil {
			data.AddSection(name, b) // its error is always nil
		}
	}
	r := &reader{data: data, line: line, entries: data.Reader()}
	defined := r.definitions(addresses(m), len(info))
	funcs = make([]Func, len(m.Code))
	for _, d := range defined {
		if funcs[d.index] == (Func{}) {
			funcs[d.index] = r.describe(d.entry)
		}
	}
	return funcs
}

// Names fills the gaps of a list of function names, by index; first is the index of
// the first function of funcs. The list stays as it is, the result is another.
func Names(names []string, first int, funcs []Func) []string {
	if funcs == nil {
		return names
	}
	all := make([]string, max(len(names), first+len(funcs)))
	copy(all, names)
	for i, f := range funcs {
		if all[first+i] == "" {
			all[first+i] = f.Name
		}
	}
	return all
}

// addresses maps what debug information calls the address of a function to its
// index. Addresses count from the start of the code section's content: linkers
// take the first byte of the body (WebAssembly/tool-conventions, Debugging.md),
// others the field with its size before it. Linkers leave functions that they
// removed in the debug information, at address 0 or at the highest there is.
func addresses(m *wasm.Module) map[uint64]int {
	all := make(map[uint64]int, 2*len(m.Code))
	b := m.Bytes
	for pos := preambleLen; pos < len(b); {
		size, n := wasm.ReadU32(b[pos+1:])
		start := pos + 1 + n
		if wasm.SectionID(b[pos]) != wasm.SectionCode {
			pos = start + int(size)
			continue
		}
		content := b[start : start+int(size)]
		_, at := wasm.ReadU32(content)
		for i := range m.Code {
			size, n := wasm.ReadU32(content[at:])
			all[uint64(at)], all[uint64(at+n)] = i, i
			at += n + int(size)
		}
		break
	}
	return all
}

// preambleLen is the length of the magic number and version of a module.
const preambleLen = 8

// reader reads the debug information of one module.
type reader struct {
	data    *dwarf.Data
	line    []byte
	entries *dwarf.Reader // for entries that others refer to
	units   []*unit       // by offset
}

// unit is a compilation unit.
type unit struct {
	entry *dwarf.Entry
	file  string // its main file
	dir   string
	lang  int64
	crate string
	files []*dwarf.LineFile // by number, once read
	read  bool
}

// definition is the entry of a function that is in the module.
type definition struct {
	index int
	entry *dwarf.Entry
}

// definitions finds the entries of functions, wherever they stand: in units,
// namespaces, types and functions; size is that of .debug_info. It does not use SkipChildren, which has to
// read what it skips all the same, and recurses.
func (r *reader) definitions(at map[uint64]int, size int) (all []definition) {
	entries := r.data.Reader()
	for range size { // no entry is shorter than a byte; a number that is cut off is read for ever
		e, err := entries.Next()
		if err != nil || e == nil {
			break // what has been read up to a defect will do
		}
		switch e.Tag {
		case dwarf.TagCompileUnit, dwarf.TagPartialUnit:
			u := &unit{entry: e}
			u.file, _ = e.Val(dwarf.AttrName).(string)
			u.dir, _ = e.Val(dwarf.AttrCompDir).(string)
			u.lang, _ = e.Val(dwarf.AttrLanguage).(int64)
			if u.lang == languageRust {
				// rustc writes src/lib.rs/@/demo.1a2b3c-cgu.0.
				name := ""
				u.file, name, _ = strings.Cut(u.file, "/@/")
				u.crate, _, _ = strings.Cut(name, ".")
			}
			r.units = append(r.units, u)
		case dwarf.TagSubprogram:
			pc, ok := e.Val(dwarf.AttrLowpc).(uint64)
			if i, defined := at[pc]; ok && defined {
				all = append(all, definition{i, e})
			}
		}
	}
	return all
}

// unitOf is the unit that an entry is in; nil when that was not read.
func (r *reader) unitOf(e *dwarf.Entry) *unit {
	i, exact := slices.BinarySearchFunc(r.units, e.Offset, func(u *unit, at dwarf.Offset) int { return cmp.Compare(u.entry.Offset, at) })
	if !exact {
		i--
	}
	if i < 0 {
		return nil
	}
	return r.units[i]
}

// attrLinkageName is what DW_AT_linkage_name was before DWARF 4.
const attrLinkageName = dwarf.Attr(0x2007)

// maxReferences is how many entries one description may be spread over: an
// instance refers to what is abstract, and that to its declaration.
const maxReferences = 4

// describe collects what an entry of a function and those that it refers to
// say.
func (r *reader) describe(e *dwarf.Entry) Func {
	var f Func
	plain := ""
	home := r.unitOf(e)
	if home != nil {
		f.Go, f.Crate = home.lang == languageGo, home.crate
	}
	for range maxReferences {
		for _, attr := range []dwarf.Attr{dwarf.AttrLinkageName, attrLinkageName} {
			if name, ok := e.Val(attr).(string); ok && f.Name == "" {
				f.Name = name
			}
		}
		if name, ok := e.Val(dwarf.AttrName).(string); ok && plain == "" {
			plain = name
		}
		if n, ok := e.Val(dwarf.AttrDeclFile).(int64); ok && f.File == "" {
			f.File = r.file(r.unitOf(e), n)
		}
		to, ok := e.Val(dwarf.AttrSpecification).(dwarf.Offset)
		if !ok {
			to, ok = e.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset)
		}
		if !ok || f.Name != "" && f.File != "" {
			break
		}
		r.entries.Seek(to)
		next, err := r.entries.Next()
		if err != nil || next == nil {
			break
		}
		e = next
	}
	f.Name = cmp.Or(f.Name, plain)
	if f.File == "" && home != nil && home.file != "" {
		f.File = home.relative(home.file) // what the compiler made of nothing in particular
	}
	return f
}

// file is the file of a number of a unit's line table.
func (r *reader) file(u *unit, n int64) string {
	if u == nil {
		return ""
	}
	if !u.read {
		u.read = true
		if off, ok := u.entry.Val(dwarf.AttrStmtList).(int64); ok && r.fits(off) {
			if lines, err := r.data.LineReader(u.entry); err == nil && lines != nil {
				u.files = lines.Files()
			}
		}
	}
	if n < 0 || n >= int64(len(u.files)) || u.files[n] == nil || u.files[n].Name == "" {
		return ""
	}
	return u.relative(u.files[n].Name)
}

// relative cleans the path of a file and takes the unit's directory off.
func (u *unit) relative(file string) string {
	file = path.Clean(file)
	if u.dir != "" {
		file = strings.TrimPrefix(file, strings.TrimSuffix(path.Clean(u.dir), "/")+"/")
	}
	return file
}
