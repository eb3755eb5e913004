package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// inspected is what `wbundle inspect --json` prints, for a file and for each
// module in it.
type inspected struct {
	Path       string          `json:"path,omitempty"`
	Kind       string          `json:"kind"`
	Bytes      int             `json:"bytes"`
	Sections   []sectionInfo   `json:"sections"` // with the preamble they sum to Bytes
	Imports    []externInfo    `json:"imports"`
	Exports    []externInfo    `json:"exports"`
	Memories   []string        `json:"memories,omitempty"`
	Isolation  string          `json:"isolation,omitempty"` // of the windows
	Windows    []linker.Window `json:"windows,omitempty"`   // what a single memory is cut into
	Tables     []tableInfo     `json:"tables,omitempty"`
	Functions  int             `json:"functions,omitempty"` // defined ones
	Kinds      *functionKinds  `json:"function_kinds,omitempty"`
	Producers  []tool          `json:"producers,omitempty"`
	WIT        string          `json:"wit,omitempty"`
	Modules    []*inspected    `json:"modules,omitempty"`
	Components int             `json:"components,omitempty"` // nested ones
}

// sectionInfo is one section, or the preamble.
type sectionInfo struct {
	Name   string `json:"name"`
	Offset int    `json:"offset"`
	Bytes  int    `json:"bytes"` // header included
	Items  int    `json:"items,omitempty"`
}

// externInfo is one import or export.
type externInfo struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Type string `json:"type,omitempty"`
	Use  string `json:"use,omitempty"` // of an imported function that is not called
}

func (a *app) inspectCommand() *cobra.Command {
	var memory bool
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what is in a module or component",
		Long: `inspect prints the kind of FILE, its sections with their sizes, imports and
exports, memories, tables, kinds of functions, and the tools that made it. With -v it lists the sections of
the core modules in a component as well. With --memory it prints the memories
alone, and which part of a single memory belongs to whom.`,
		Args:        cobra.ExactArgs(1),
		Annotations: map[string]string{writesFile: "yes"},
		RunE: func(_ *cobra.Command, args []string) error {
			in, err := a.readFile(a.path(args[0]))
			if err != nil {
				return err
			}
			u, err := decode(in.path, in.bytes)
			if err != nil {
				return err
			}
			i := inspect(u)
			i.Path = in.path
			if a.json {
				return a.emitJSON(i)
			}
			var b strings.Builder
			if memory {
				i.memory(&b, "")
			} else {
				i.text(&b, "", a.verbose)
			}
			return a.emit([]byte(b.String()))
		},
	}
	cmd.Flags().BoolVar(&memory, "memory", false, "show the memories, and the windows that a single memory is cut into")
	return cmd
}

// inspect describes a decoded file.
func inspect(u *unit) *inspected {
	i := &inspected{Kind: u.kind(), Bytes: len(u.bytes), Producers: u.producers(), Components: u.nested,
		Imports: []externInfo{}, Exports: []externInfo{}}
	i.Sections = append(i.Sections, sectionInfo{Name: "preamble", Bytes: 8})
	for _, s := range sections(u.bytes) {
		info := sectionInfo{Name: s.title(u.component != nil), Offset: s.offset, Bytes: s.size}
		counted := u.component == nil && s.id != 0 && wasm.SectionID(s.id) != wasm.SectionStart
		if n, _ := wasm.ReadU32(s.payload); counted {
			info.Items = int(n)
		}
		i.Sections = append(i.Sections, info)
	}
	if u.module != nil {
		i.module(u.module)
		i.WIT = moduleWIT(u.module)
		return i
	}
	for _, def := range u.component.Defs {
		switch def := def.(type) {
		case *component.Import:
			i.Imports = append(i.Imports, externInfo{Name: def.Name.Text, Kind: def.Desc.Sort.String()})
		case *component.Export:
			i.Exports = append(i.Exports, externInfo{Name: def.Name.Text, Kind: def.Sort.String()})
		}
	}
	i.WIT = componentWIT(u.component)
	for _, m := range u.modules {
		i.Modules = append(i.Modules, inspect(m))
	}
	return i
}

// module describes the imports, exports and memories of a core module.
func (i *inspected) module(m *wasm.Module) {
	funcs := map[uint32]uint32{} // imported functions: index -> type
	var tables []wasm.TableType
	var memories []wasm.MemType
	var globals []wasm.GlobalType
	for n := range m.Imports {
		imp := &m.Imports[n]
		info := externInfo{Name: imp.Module + " " + imp.Name, Kind: imp.Kind.String()}
		switch imp.Kind {
		case wasm.ExternFunc:
			funcs[uint32(len(funcs))] = imp.TypeIndex
			info.Type = funcType(m, imp.TypeIndex)
		case wasm.ExternTable:
			tables = append(tables, imp.Table)
			info.Type = tableType(imp.Table)
		case wasm.ExternMemory:
			memories = append(memories, imp.Memory)
			info.Type = memoryType(imp.Memory)
		case wasm.ExternGlobal:
			globals = append(globals, imp.Global)
			info.Type = globalType(imp.Global)
		case wasm.ExternTag:
			info.Type = funcType(m, imp.TypeIndex)
		}
		i.Imports = append(i.Imports, info)
	}
	for _, t := range m.Tables {
		tables = append(tables, t.TableType)
	}
	memories = append(memories, m.Memories...)
	for _, g := range m.Globals {
		globals = append(globals, g.GlobalType)
	}
	for _, e := range m.Exports {
		info := externInfo{Name: e.Name, Kind: e.Kind.String()}
		switch n := int(e.Index); {
		case e.Kind == wasm.ExternFunc && n < len(funcs):
			info.Type = funcType(m, funcs[e.Index])
		case e.Kind == wasm.ExternFunc && n-len(funcs) < len(m.Funcs):
			info.Type = funcType(m, m.Funcs[n-len(funcs)])
		case e.Kind == wasm.ExternTable && n < len(tables):
			info.Type = tableType(tables[n])
		case e.Kind == wasm.ExternMemory && n < len(memories):
			info.Type = memoryType(memories[n])
		case e.Kind == wasm.ExternGlobal && n < len(globals):
			info.Type = globalType(globals[n])
		}
		i.Exports = append(i.Exports, info)
	}
	for n, mem := range memories {
		text := memoryType(mem)
		if n < int(m.NumImported[wasm.SpaceMemory]) {
			text += ", imported"
		}
		i.Memories = append(i.Memories, text)
	}
	i.Functions = len(m.Funcs)
	kinds, use, infos := uses(m, tables)
	i.Kinds, i.Tables = &kinds, infos
	for n := range i.Imports {
		if i.Imports[n].Kind == wasm.ExternFunc.String() {
			i.Imports[n].Use, use = use[0], use[1:]
		}
	}
	for _, c := range m.Customs {
		if c.Name == linker.WindowsSection {
			// A map that cannot be read is as none: it is of another version.
			isolation, windows, err := linker.ReadWindows(c.Data)
			if err == nil {
				i.Isolation, i.Windows = string(isolation), windows
			}
		}
	}
}

// valueType is the name of a value type in the text format.
func valueType(t wasm.ValType) string {
	switch t.Kind {
	case wasm.KindI32:
		return "i32"
	case wasm.KindI64:
		return "i64"
	case wasm.KindF32:
		return "f32"
	case wasm.KindF64:
		return "f64"
	case wasm.KindV128:
		return "v128"
	}
	switch t {
	case wasm.FuncRef:
		return "funcref"
	case wasm.ExternRef:
		return "externref"
	}
	null := ""
	if t.Nullable {
		null = "null "
	}
	heap := fmt.Sprint(int64(t.Heap))
	if name, ok := heapTypes[t.Heap]; ok {
		heap = name
	}
	return "(ref " + null + heap + ")"
}

var heapTypes = map[wasm.HeapType]string{
	wasm.HeapNoExn: "noexn", wasm.HeapNoFunc: "nofunc", wasm.HeapNoExtern: "noextern", wasm.HeapNone: "none",
	wasm.HeapFunc: "func", wasm.HeapExtern: "extern", wasm.HeapAny: "any", wasm.HeapEq: "eq", wasm.HeapI31: "i31",
	wasm.HeapStruct: "struct", wasm.HeapArray: "array", wasm.HeapExn: "exn",
}

func valueTypes(types []wasm.ValType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = valueType(t)
	}
	return strings.Join(names, ", ")
}

func funcType(m *wasm.Module, index uint32) string {
	if int(index) >= len(m.Types) {
		return ""
	}
	t := m.Types[index]
	text := "(" + valueTypes(t.Params) + ")"
	switch len(t.Results) {
	case 0:
		return text
	case 1:
		return text + " -> " + valueType(t.Results[0])
	}
	return text + " -> (" + valueTypes(t.Results) + ")"
}

// limits prints limits; noun is what they count, "" for elements of a table.
func limits(l wasm.Limits, noun string) string {
	text := report.Exact(int(l.Min))
	if noun != "" {
		text = plural(int(l.Min), noun)
	}
	switch {
	case l.HasMax && l.Max != l.Min:
		text += fmt.Sprintf(" to %s", report.Exact(int(l.Max)))
	case !l.HasMax:
		text += " or more"
	}
	if l.Is64 {
		text += ", 64-bit"
	}
	if l.Shared {
		text += ", shared"
	}
	return text
}

func tableType(t wasm.TableType) string { return valueType(t.Elem) + ", " + limits(t.Limits, "") }

func memoryType(t wasm.MemType) string {
	text := limits(t.Limits, "page")
	if t.HasPageSize {
		text += fmt.Sprintf(", of %s B each", report.Exact(int(t.PageSize())))
	}
	return text
}

func globalType(t wasm.GlobalType) string {
	if t.Mutable {
		return "mut " + valueType(t.Type)
	}
	return valueType(t.Type)
}

// text prints i for people.
func (i *inspected) text(b *strings.Builder, indent string, verbose bool) {
	line := func(format string, args ...any) { fmt.Fprintf(b, indent+format+"\n", args...) }
	head := fmt.Sprintf("%s, %s B", i.Kind, report.Exact(i.Bytes))
	if i.Path != "" {
		head = i.Path + ": " + head
	}
	line("%s", head)
	i.sections(line)
	for n, mem := range i.Memories {
		line("  memory %d: %s", n, mem)
	}
	for n := range i.Tables {
		line("  table %d: %s", n, &i.Tables[n])
	}
	i.kindLines(line)
	i.tools(line)
	if i.WIT != "" {
		line("")
		for l := range strings.SplitSeq(strings.TrimRight(i.WIT, "\n"), "\n") {
			line("%s", l)
		}
	}
	if i.Kind == "core module" || i.WIT == "" {
		externs(line, "imports", i.Imports)
		externs(line, "exports", i.Exports)
	}
	for n, m := range i.Modules {
		if n == 0 || verbose {
			line("")
		}
		m.Path = fmt.Sprintf("core module %d", n)
		if verbose {
			m.text(b, indent+"  ", verbose)
			continue
		}
		line("  %s: %s B, %s, %s, %s", m.Path, report.Exact(m.Bytes), plural(m.Functions, "function"),
			plural(len(m.Imports), "import"), plural(len(m.Exports), "export"))
	}
}

// memory prints the memories and the windows, for people.
func (i *inspected) memory(b *strings.Builder, indent string) {
	line := func(format string, args ...any) { fmt.Fprintf(b, indent+format+"\n", args...) }
	line("%s: %s", i.Path, i.Kind)
	if len(i.Memories) == 0 && len(i.Modules) == 0 {
		line("  no memory")
	}
	for n, mem := range i.Memories {
		line("  memory %d: %s", n, mem)
	}
	if len(i.Windows) > 0 {
		line("  windows, isolation %s", i.Isolation)
	}
	for _, w := range i.Windows {
		line("    %s", report.WindowText(w))
	}
	for n, m := range i.Modules {
		m.Path = fmt.Sprintf("core module %d", n)
		m.memory(b, indent+"  ")
	}
}

// sections prints a table whose rows sum to the file.
func (i *inspected) sections(line func(string, ...any)) {
	wide := 0
	for _, s := range i.Sections {
		wide = max(wide, len(s.Name))
	}
	// A component interleaves small sections by the dozen; those of a kind
	// are one row.
	type row struct{ count, items, bytes int }
	var names []string
	rows := map[string]*row{}
	for _, s := range i.Sections {
		r := rows[s.Name]
		if r == nil {
			r = &row{}
			rows[s.Name] = r
			names = append(names, s.Name)
		}
		r.count++
		r.items += s.Items
		r.bytes += s.Bytes
	}
	for _, name := range names {
		r := rows[name]
		what := ""
		switch {
		case r.count > 1:
			what = fmt.Sprintf("%d sections", r.count)
		case r.items > 0:
			what = plural(r.items, "item")
		}
		text := fmt.Sprintf("  %-*s  %12s B  %5.1f%%  %s", wide, name, report.Exact(r.bytes), 100*float64(r.bytes)/float64(i.Bytes), what)
		line("%s", strings.TrimRight(text, " "))
	}
	line("  %-*s  %12s B", wide, "total", report.Exact(i.Bytes))
}

// tools prints the producers, one field a line.
func (i *inspected) tools(line func(string, ...any)) {
	var fields []string
	by := map[string][]string{}
	for _, t := range i.Producers {
		if !slices.Contains(fields, t.Field) {
			fields = append(fields, t.Field)
		}
		by[t.Field] = append(by[t.Field], strings.TrimSpace(t.Name+" "+t.Version))
	}
	for _, f := range fields {
		line("  %s: %s", f, list(by[f]))
	}
}

func externs(line func(string, ...any), what string, list []externInfo) {
	if len(list) == 0 {
		return
	}
	line("")
	line("%s", what)
	for _, e := range list {
		text := e.Kind + " " + e.Name
		if e.Type != "" {
			text += ": " + e.Type
		}
		if e.Use != "" {
			text += ", " + e.Use
		}
		line("  %s", text)
	}
}
