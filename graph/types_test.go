package graph

import (
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// ref is a nullable reference to a type index.
func ref(i int) wasm.ValType {
	return wasm.ValType{Kind: wasm.KindRef, Nullable: true, Heap: wasm.HeapType(i)}
}

// fn is a final function type.
func fn(params ...wasm.ValType) wasm.SubType {
	return wasm.SubType{Kind: wasm.CompFunc, Params: params, Final: true, Short: true}
}

// module has types in groups of the given sizes.
func module(types []wasm.SubType, sizes ...uint32) *wasm.Module {
	m := &wasm.Module{Input: "m", Types: types}
	start := uint32(0)
	for _, n := range sizes {
		m.RecGroups = append(m.RecGroups, wasm.RecGroup{Start: start, Count: n, Explicit: n > 1})
		start += n
	}
	return m
}

func add(t *testing.T, table *TypeTable, m *wasm.Module) []TypeID {
	t.Helper()
	ids, err := table.AddModule(m)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestTypesOfModulesMeet(t *testing.T) {
	table := NewTypeTable()
	a := add(t, table, module([]wasm.SubType{fn(wasm.I32), fn(wasm.I64), fn(wasm.I32)}, 1, 1, 1))
	b := add(t, table, module([]wasm.SubType{fn(wasm.I64), fn(), fn(wasm.I32)}, 1, 1, 1))
	if a[0] != a[2] || a[0] != b[2] || a[1] != b[0] {
		t.Errorf("equal types have different ids: %v, %v", a, b)
	}
	if a[0] == a[1] || b[1] == a[0] || b[1] == a[1] {
		t.Errorf("different types share an id: %v, %v", a, b)
	}
	if got := table.Func([]wasm.ValType{wasm.I32}, nil); got != a[0] {
		t.Errorf("Func gives %d, the module's type is %d", got, a[0])
	}
	if got := table.Func(nil, []wasm.ValType{wasm.I32}); got == a[0] {
		t.Error("a result is not a parameter")
	}
	if table.Len() != 5 { // 0, three, and the result's
		t.Errorf("%d ids", table.Len())
	}
}

func TestReferencesAreComparedByMeaning(t *testing.T) {
	table := NewTypeTable()
	// The second module has the referenced type at another index.
	a := add(t, table, module([]wasm.SubType{fn(wasm.I32), fn(ref(0))}, 1, 1))
	b := add(t, table, module([]wasm.SubType{fn(wasm.F32), fn(wasm.I32), fn(ref(1)), fn(ref(0))}, 1, 1, 1, 1))
	if a[1] != b[2] {
		t.Errorf("the same reference at two indices: %d and %d", a[1], b[2])
	}
	if a[1] == b[3] {
		t.Error("references to different types share an id")
	}
	if got := table.At(a[1]).Params[0].Heap; got != wasm.HeapType(a[0]) {
		t.Errorf("the interned reference is %d, want the id %d", got, a[0])
	}
	nonNull := ref(0)
	nonNull.Nullable = false
	c := add(t, table, module([]wasm.SubType{fn(wasm.I32), fn(nonNull)}, 1, 1))
	if c[1] == a[1] {
		t.Error("nullable and non-nullable references share an id")
	}
}

func TestRecursionGroups(t *testing.T) {
	table := NewTypeTable()
	pair := func() []wasm.SubType { return []wasm.SubType{fn(ref(1)), fn(ref(0), wasm.I32)} }
	a := add(t, table, module(pair(), 2))
	// The same group behind another type.
	b := add(t, table, module([]wasm.SubType{fn(wasm.F64), fn(ref(2)), fn(ref(1), wasm.I32)}, 1, 2))
	if a[0] != b[1] || a[1] != b[2] {
		t.Errorf("one recursion group, two sets of ids: %v and %v", a, b[1:])
	}
	// In another order it is another group.
	c := add(t, table, module([]wasm.SubType{fn(ref(1), wasm.I32), fn(ref(0))}, 2))
	if c[0] == a[1] || c[1] == a[0] {
		t.Errorf("groups in different order share ids: %v and %v", a, c)
	}
	// With another member it is another group, too.
	d := add(t, table, module(append(pair(), fn()), 3))
	if d[0] == a[0] {
		t.Error("a group and one with a member more share ids")
	}
	for _, id := range a {
		if start, count := table.Group(id); start != a[0] || count != 2 {
			t.Errorf("group of %d: %d from %d on", id, count, start)
		}
	}
	var refs []TypeID
	table.Refs(a[0], func(id TypeID) { refs = append(refs, id) })
	if len(refs) != 1 || refs[0] != a[1] {
		t.Errorf("%d refers to %v, want %d", a[0], refs, a[1])
	}
	// A type that refers to itself needs no group around it to be one.
	self := add(t, table, module([]wasm.SubType{fn(ref(0))}, 1))
	again := add(t, table, module([]wasm.SubType{fn(), fn(ref(1))}, 1, 1))
	if self[0] != again[1] {
		t.Errorf("a type that refers to itself has the ids %d and %d", self[0], again[1])
	}
}

func TestSubtypes(t *testing.T) {
	table := NewTypeTable()
	open := wasm.SubType{Kind: wasm.CompFunc}
	sub := wasm.SubType{Kind: wasm.CompFunc, Supers: []uint32{0}}
	leaf := wasm.SubType{Kind: wasm.CompFunc, Supers: []uint32{1}, Final: true}
	ids := add(t, table, module([]wasm.SubType{open, sub, leaf, fn()}, 1, 1, 1, 1))
	for _, c := range []struct {
		sub, sup int
		want     bool
	}{{0, 0, true}, {1, 0, true}, {2, 0, true}, {2, 1, true}, {0, 1, false}, {1, 2, false}, {3, 0, false}, {0, 3, false}} {
		if got := table.Subtype(ids[c.sub], ids[c.sup]); got != c.want {
			t.Errorf("Subtype(%d, %d) = %v", c.sub, c.sup, got)
		}
	}
	// An open type, a final one and one with a supertype are three types.
	if ids[0] == ids[3] || ids[0] == ids[1] {
		t.Errorf("ids %v", ids)
	}
}

func TestMatches(t *testing.T) {
	table := NewTypeTable()
	ids := add(t, table, module([]wasm.SubType{
		{Kind: wasm.CompFunc}, {Kind: wasm.CompFunc, Supers: []uint32{0}},
		{Kind: wasm.CompStruct}, {Kind: wasm.CompArray, Fields: []wasm.Field{{Type: wasm.I32}}},
	}, 1, 1, 1, 1))
	heap := func(h wasm.HeapType) wasm.ValType {
		return wasm.ValType{Kind: wasm.KindRef, Nullable: true, Heap: h}
	}
	id := func(i int) wasm.ValType { return heap(wasm.HeapType(ids[i])) }
	nonNull := wasm.ValType{Kind: wasm.KindRef, Heap: wasm.HeapFunc}
	for _, c := range []struct {
		sub, sup wasm.ValType
		both     bool // sup matches sub as well
	}{
		{wasm.I32, wasm.I32, true},
		{wasm.FuncRef, wasm.FuncRef, true},
		{nonNull, wasm.FuncRef, false},
		{id(0), wasm.FuncRef, false},
		{id(1), id(0), false},
		{heap(wasm.HeapNoFunc), id(1), false},
		{heap(wasm.HeapNoFunc), wasm.FuncRef, false},
		{id(2), heap(wasm.HeapStruct), false},
		{id(2), heap(wasm.HeapAny), false},
		{id(3), heap(wasm.HeapArray), false},
		{heap(wasm.HeapNone), id(3), false},
		{heap(wasm.HeapI31), heap(wasm.HeapEq), false},
		{heap(wasm.HeapEq), heap(wasm.HeapAny), false},
		{heap(wasm.HeapNoExtern), heap(wasm.HeapExtern), false},
		{heap(wasm.HeapNoExn), heap(wasm.HeapExn), false},
	} {
		if !table.Matches(c.sub, c.sup) {
			t.Errorf("%s does not match %s", c.sub, c.sup)
		}
		if table.Matches(c.sup, c.sub) != c.both {
			t.Errorf("%s matches %s: %v, want %v", c.sup, c.sub, !c.both, c.both)
		}
	}
	apart := []wasm.ValType{wasm.I32, wasm.I64, wasm.FuncRef, heap(wasm.HeapExtern), heap(wasm.HeapAny), heap(wasm.HeapExn)}
	for i, a := range apart {
		for j, b := range apart {
			if i != j && table.Matches(a, b) {
				t.Errorf("%s matches %s", a, b)
			}
		}
	}
	for _, bad := range [][2]wasm.ValType{{heap(wasm.HeapNone), wasm.FuncRef}, {heap(wasm.HeapNone), id(0)}, {id(2), id(3)}, {id(2), wasm.FuncRef}, {id(0), heap(wasm.HeapAny)}} {
		if table.Matches(bad[0], bad[1]) {
			t.Errorf("%s matches %s", bad[0], bad[1])
		}
	}
}

func TestUnknownTypeIndex(t *testing.T) {
	for _, m := range []*wasm.Module{
		module([]wasm.SubType{fn(ref(1))}, 1),
		module([]wasm.SubType{{Kind: wasm.CompFunc, Results: []wasm.ValType{ref(7)}}}, 1),
		module([]wasm.SubType{{Kind: wasm.CompFunc, Supers: []uint32{3}}}, 1),
		module([]wasm.SubType{fn(ref(1)), fn()}, 1, 1), // only of a later group
	} {
		_, err := NewTypeTable().AddModule(m)
		if err == nil || !strings.Contains(err.Error(), "unknown type") || !strings.HasPrefix(err.Error(), "m: ") {
			t.Errorf("got %v", err)
		}
	}
}
