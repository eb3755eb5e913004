package graph

import (
	"encoding/binary"
	"fmt"

	"github.com/wbundle/wbundle/internal/wasm"
)

// TypeTable interns core types. Two recursion groups are the same when they
// are equal after references into the group are made relative and references
// out of it are replaced by interned ids (iso-recursive equality,
// WebAssembly 3.0 "Defined types").
type TypeTable struct {
	types  []wasm.SubType // heap types >= 0 and Supers are TypeIDs
	groups []group        // by TypeID
	byKey  map[string]TypeID
	key    []byte
}

// group says which run of ids a type was defined with.
type group struct{ start, count TypeID }

// NewTypeTable returns an empty table.
func NewTypeTable() *TypeTable {
	return &TypeTable{types: make([]wasm.SubType, 1), groups: make([]group, 1), byKey: map[string]TypeID{}}
}

// Len is the number of ids, the unused 0 included.
func (t *TypeTable) Len() int { return len(t.types) }

// At returns an interned type; its references are TypeIDs.
func (t *TypeTable) At(id TypeID) *wasm.SubType { return &t.types[id] }

// Group returns the run of ids that was defined together with id.
func (t *TypeTable) Group(id TypeID) (start, count TypeID) {
	g := t.groups[id]
	return g.start, g.count
}

// Func interns a function type whose parameters and results name no types.
func (t *TypeTable) Func(params, results []wasm.ValType) TypeID {
	return t.intern([]wasm.SubType{{Kind: wasm.CompFunc, Params: params, Results: results, Final: true, Short: true}}, false, 0, nil)
}

// AddModule interns the types of a module and returns their ids by index.
func (t *TypeTable) AddModule(m *wasm.Module) ([]TypeID, error) {
	ids := make([]TypeID, len(m.Types))
	for _, g := range m.RecGroups {
		lo, hi := g.Start, g.Start+g.Count
		for _, s := range m.Types[lo:hi] {
			if bad, ok := badRef(&s, hi); ok {
				return nil, fmt.Errorf("%s: type section: unknown type %d", m.Input, bad)
			}
		}
		// A single type in an explicit group is the same type as without.
		first := t.intern(m.Types[lo:hi], g.Count > 1, lo, ids)
		for i := range g.Count {
			ids[lo+i] = first + TypeID(i)
		}
	}
	return ids, nil
}

// badRef finds a reference to a type index that is not below limit.
func badRef(s *wasm.SubType, limit uint32) (int64, bool) {
	check := func(v wasm.ValType) (int64, bool) {
		if v.Kind == wasm.KindRef && v.Heap >= wasm.HeapType(limit) {
			return int64(v.Heap), true
		}
		return 0, false
	}
	for _, v := range s.Params {
		if b, ok := check(v); ok {
			return b, ok
		}
	}
	for _, v := range s.Results {
		if b, ok := check(v); ok {
			return b, ok
		}
	}
	for _, f := range s.Fields {
		if b, ok := check(f.Type); ok {
			return b, ok
		}
	}
	for _, u := range s.Supers {
		if u >= limit {
			return int64(u), true
		}
	}
	return 0, false
}

// intern adds a group. Indices >= base refer into the group, lower ones
// through ids.
func (t *TypeTable) intern(types []wasm.SubType, rec bool, base uint32, ids []TypeID) TypeID {
	k := t.key[:0]
	if rec {
		k = append(k, 0x4e)
	}
	ref := func(k []byte, idx uint32) []byte {
		if ids != nil && idx >= base {
			k = append(k, 1)
			return binary.AppendUvarint(k, uint64(idx-base))
		}
		k = append(k, 2)
		return binary.AppendUvarint(k, uint64(ids[idx]))
	}
	val := func(k []byte, v wasm.ValType) []byte {
		k = append(k, byte(v.Kind))
		if v.Kind == wasm.KindRef {
			n := byte(0)
			if v.Nullable {
				n = 1
			}
			k = append(k, n)
			if v.Heap >= 0 {
				return ref(k, uint32(v.Heap))
			}
			k = append(k, 0, byte(v.Heap))
		}
		return k
	}
	for i := range types {
		s := &types[i]
		fin := byte(0)
		if s.Final {
			fin = 1
		}
		k = append(k, 0xff, byte(s.Kind), fin, byte(len(s.Supers)))
		for _, u := range s.Supers {
			k = ref(k, u)
		}
		k = binary.AppendUvarint(k, uint64(len(s.Params)))
		for _, v := range s.Params {
			k = val(k, v)
		}
		k = binary.AppendUvarint(k, uint64(len(s.Results)))
		for _, v := range s.Results {
			k = val(k, v)
		}
		k = binary.AppendUvarint(k, uint64(len(s.Fields)))
		for _, f := range s.Fields {
			k = val(k, f.Type)
			mut := byte(0)
			if f.Mutable {
				mut = 1
			}
			k = append(k, mut)
		}
	}
	t.key = k
	if id, ok := t.byKey[string(k)]; ok {
		return id
	}
	first := TypeID(len(t.types))
	t.byKey[string(k)] = first
	mapRef := func(idx uint32) TypeID {
		if ids != nil && idx >= base {
			return first + TypeID(idx-base)
		}
		return ids[idx]
	}
	mapVals := func(in []wasm.ValType) []wasm.ValType {
		out := in
		for i, v := range in {
			if v.Kind == wasm.KindRef && v.Heap >= 0 {
				if &out[0] == &in[0] {
					out = append([]wasm.ValType(nil), in...)
				}
				out[i].Heap = wasm.HeapType(mapRef(uint32(v.Heap)))
			}
		}
		return out
	}
	for _, s := range types {
		s.Params, s.Results = mapVals(s.Params), mapVals(s.Results)
		fields := append([]wasm.Field(nil), s.Fields...)
		for i := range fields {
			if v := &fields[i].Type; v.Kind == wasm.KindRef && v.Heap >= 0 {
				v.Heap = wasm.HeapType(mapRef(uint32(v.Heap)))
			}
		}
		s.Fields = fields
		supers := make([]uint32, len(s.Supers))
		for i, u := range s.Supers {
			supers[i] = uint32(mapRef(u))
		}
		s.Supers = supers
		t.types = append(t.types, s)
		t.groups = append(t.groups, group{first, TypeID(len(types))})
	}
	return first
}

// Subtype reports whether sub is sup or declares it as an ancestor.
func (t *TypeTable) Subtype(sub, sup TypeID) bool {
	for sub != sup {
		s := t.types[sub].Supers
		if len(s) == 0 {
			return false
		}
		sub = TypeID(s[0])
	}
	return true
}

// Matches reports whether a value of type sub may stand where sup is asked
// for; references to types are TypeIDs.
func (t *TypeTable) Matches(sub, sup wasm.ValType) bool {
	if sub.Kind != wasm.KindRef || sup.Kind != wasm.KindRef {
		return sub == sup
	}
	return (!sub.Nullable || sup.Nullable) && t.heapMatches(sub.Heap, sup.Heap)
}

// heapSupers is the hierarchy of abstract heap types above the bottoms.
var heapSupers = map[wasm.HeapType]wasm.HeapType{
	wasm.HeapStruct: wasm.HeapEq, wasm.HeapArray: wasm.HeapEq, wasm.HeapI31: wasm.HeapEq, wasm.HeapEq: wasm.HeapAny,
}

// heapTop is the top of the hierarchy that a heap type is in.
func (t *TypeTable) heapTop(h wasm.HeapType) wasm.HeapType {
	switch h {
	case wasm.HeapFunc, wasm.HeapNoFunc:
		return wasm.HeapFunc
	case wasm.HeapExtern, wasm.HeapNoExtern:
		return wasm.HeapExtern
	case wasm.HeapExn, wasm.HeapNoExn:
		return wasm.HeapExn
	}
	if h >= 0 && t.types[h].Kind == wasm.CompFunc {
		return wasm.HeapFunc
	}
	return wasm.HeapAny
}

func (t *TypeTable) heapMatches(sub, sup wasm.HeapType) bool {
	switch {
	case sub == sup:
		return true
	case sub >= 0 && sup >= 0:
		return t.Subtype(TypeID(sub), TypeID(sup))
	case sub == wasm.HeapNone || sub == wasm.HeapNoFunc || sub == wasm.HeapNoExtern || sub == wasm.HeapNoExn:
		return t.heapTop(sub) == t.heapTop(sup)
	case sup >= 0:
		return false // only bottoms are below a defined type
	case sub >= 0:
		switch t.types[sub].Kind {
		case wasm.CompFunc:
			sub = wasm.HeapFunc
		case wasm.CompStruct:
			sub = wasm.HeapStruct
		default:
			sub = wasm.HeapArray
		}
		return t.heapMatches(sub, sup)
	}
	above, ok := heapSupers[sub]
	return ok && t.heapMatches(above, sup)
}

// Refs calls f with every type id that a type's definition mentions.
func (t *TypeTable) Refs(id TypeID, f func(TypeID)) {
	s := &t.types[id]
	val := func(v wasm.ValType) {
		if v.Kind == wasm.KindRef && v.Heap >= 0 {
			f(TypeID(v.Heap))
		}
	}
	for _, v := range s.Params {
		val(v)
	}
	for _, v := range s.Results {
		val(v)
	}
	for _, fl := range s.Fields {
		val(fl.Type)
	}
	for _, u := range s.Supers {
		f(TypeID(u))
	}
}
