package opt

import (
	"slices"

	"github.com/wbundle/wbundle/internal/wasm"
)

// typeClasses says which entries of the type section are the same type. Entries
// that are written in the short form, alone, and of types without an index are
// the same when they look the same; for all others, only an entry itself is
// known to be.
type typeClasses struct {
	m *wasm.Module
	// of is, for each type, the first that is the same.
	of []uint32
	// plain are the types that can have no subtypes and are not subtypes: two of
	// them in different classes never match.
	plain []bool
	index map[string]uint32
}

func newTypeClasses(m *wasm.Module) *typeClasses {
	c := &typeClasses{m: m, of: make([]uint32, len(m.Types)), plain: make([]bool, len(m.Types)), index: map[string]uint32{}}
	for _, g := range m.RecGroups {
		for i := g.Start; i < g.Start+g.Count; i++ {
			t := &m.Types[i]
			c.of[i] = i
			if g.Count != 1 || t.Kind != wasm.CompFunc || !t.Final || len(t.Supers) > 0 || hasIndex(t.Params) || hasIndex(t.Results) {
				continue
			}
			c.plain[i] = true
			key := typeKey(t.Params, t.Results)
			if first, ok := c.index[key]; ok {
				c.of[i] = first
			} else {
				c.index[key] = i
			}
		}
	}
	return c
}

// hasIndex reports whether a type is named by its index.
func hasIndex(ts []wasm.ValType) bool {
	return slices.ContainsFunc(ts, func(t wasm.ValType) bool { return t.Kind == wasm.KindRef && t.Heap >= 0 })
}

func typeKey(params, results []wasm.ValType) string {
	return string(wasm.AppendValTypes(wasm.AppendValTypes(nil, params), results))
}

// find returns the index of a function type, which it adds to the module if
// there is none.
func (c *typeClasses) find(params, results []wasm.ValType) uint32 {
	key := typeKey(params, results)
	if i, ok := c.index[key]; ok {
		return i
	}
	i := uint32(len(c.m.Types))
	c.m.Types = append(c.m.Types, wasm.SubType{Final: true, Short: true, Params: params, Results: results})
	c.m.RecGroups = append(c.m.RecGroups, wasm.RecGroup{Start: i, Count: 1})
	c.of = append(c.of, i)
	c.plain = append(c.plain, true)
	c.index[key] = i
	return i
}
