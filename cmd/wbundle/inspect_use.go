package main

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/internal/wasm"
)

// functionKinds counts the functions of a core module. A defined function may
// be of several kinds: what is exported may be called from inside as well.
type functionKinds struct {
	Imported int `json:"imported"`
	Defined  int `json:"defined"`
	// The rest counts defined functions.
	Exported int `json:"exported"`
	InTables int `json:"in_tables"` // or in another element segment, or in a ref.func
	Called   int `json:"called"`    // by call or return_call, from inside
}

// tableInfo is a table and who uses it.
type tableInfo struct {
	Type     string `json:"type"`
	Imported bool   `json:"imported,omitempty"`
	// Filled is how many elements active segments put into it.
	Filled int `json:"filled"`
	// IndirectCalls is how many instructions call by way of it.
	IndirectCalls int `json:"indirect_calls"`
}

func (t *tableInfo) String() string {
	text := t.Type
	if t.Imported {
		text += ", imported"
	}
	return fmt.Sprintf("%s; %s filled, %s", text, report.Exact(t.Filled), plural(t.IndirectCalls, "indirect call"))
}

// How an import may be used, apart from being called; "" says that it is called.
const (
	useNever      = "never used"
	useReferenced = "never called, only referenced"
	useExported   = "never called, only exported"
)

// uses finds who uses the functions and tables of m, from its code, element
// segments and exports. Use comes in the order of the imported functions.
func uses(m *wasm.Module, tables []wasm.TableType) (kinds functionKinds, use []string, infos []tableInfo) {
	imported := int(m.NumImported[wasm.SpaceFunc])
	total := imported + len(m.Funcs)
	called, referenced, exported := make([]bool, total), make([]bool, total), make([]bool, total)
	for i, t := range tables {
		infos = append(infos, tableInfo{Type: tableType(t), Imported: i < int(m.NumImported[wasm.SpaceTable])})
	}
	sites := func(all []wasm.Site) {
		for _, s := range all {
			switch s.Kind {
			case wasm.SiteFunc:
				if s.Op == wasm.OpRefFunc {
					referenced[s.Target] = true
				} else {
					called[s.Target] = true
				}
			case wasm.SiteTable:
				if s.Op == wasm.OpCallIndirect || s.Op == wasm.OpReturnCallIndirect {
					infos[s.Target].IndirectCalls++
				}
			}
		}
	}
	for i := range m.Code {
		sites(m.Code[i].Sites)
	}
	for i := range m.Globals {
		sites(m.Globals[i].Init.Sites)
	}
	for i := range m.Tables {
		if init := m.Tables[i].Init; init != nil {
			sites(init.Sites)
		}
	}
	for i := range m.Elems {
		e := &m.Elems[i]
		for _, f := range e.Funcs {
			referenced[f] = true
		}
		for _, x := range e.Exprs {
			sites(x.Sites)
		}
		if e.Mode == wasm.SegmentActive {
			infos[e.Table].Filled += len(e.Funcs) + len(e.Exprs)
		}
	}
	for _, e := range m.Exports {
		if e.Kind == wasm.ExternFunc {
			exported[e.Index] = true
		}
	}
	if m.HasStart {
		called[m.Start] = true
	}
	kinds.Imported, kinds.Defined = imported, len(m.Funcs)
	for f := range total {
		if f < imported {
			switch {
			case called[f]:
				use = append(use, "")
			case referenced[f]:
				use = append(use, useReferenced)
			case exported[f]:
				use = append(use, useExported)
			default:
				use = append(use, useNever)
			}
			continue
		}
		kinds.Exported += count(exported[f])
		kinds.InTables += count(referenced[f])
		kinds.Called += count(called[f])
	}
	return kinds, use, infos
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// kindLines prints the kinds of functions, and whether every import is called.
func (i *inspected) kindLines(line func(string, ...any)) {
	k := i.Kinds
	if k == nil || k.Imported+k.Defined == 0 {
		return
	}
	line("  %s: %s exported, %s called by name, %s in tables", plural(k.Defined, "function"),
		report.Exact(k.Exported), report.Exact(k.Called), report.Exact(k.InTables))
	idle := 0
	for _, e := range i.Imports {
		idle += count(e.Use != "")
	}
	switch {
	case k.Imported == 0:
		line("  no imported functions")
	case idle == 0:
		line("  %s, each called", plural(k.Imported, "imported function"))
	default:
		line("  %s, %s of them not called", plural(k.Imported, "imported function"), report.Exact(idle))
	}
}
