package opt

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"

	"github.com/wbundle/wbundle/internal/wasm"
)

// Functions that are the same, folded into one.
//
// In: all bodies. Out: of functions with the same type and the same code, the
// first one alone is called, exported and in tables; Changes.Alias has the
// others.
//
//	(func $f … (call $h))  (func $g … (call $k))      $h and $k the same:
//	(call $f) (call $g)                               (call $f) (call $f)
//
// Whether two functions are the same may depend on whether those that they call
// are, and these may call them in turn. So all that look the same, what they
// name aside, are taken to be the same at first. Then those that name different
// ones are put apart, until no class of functions comes apart any more. It ends
// because every round but the last makes more classes, of which there cannot be
// more than functions.
//
// It is safe because no instruction tells two functions from each other that do
// the same: references to functions cannot be compared, and a table or an export
// holds whatever does what it should. In JavaScript two exports may become the
// same object.
//
// What it gives up: functions that differ in the number of a local.
func (s *state) duplicates() error {
	g, err := s.graph()
	if err != nil {
		return err
	}
	s.bury(g)
	d := &folding{s: s, class: make([]uint32, len(g.live))}
	for i := range d.class {
		d.class[i] = uint32(i)
	}
	groups := d.alike(g)
	for again := true; again; {
		groups, again = d.refine(groups)
	}
	if len(groups) == 0 {
		return nil
	}
	for fn, class := range d.class {
		if uint32(fn) != class {
			s.changes.Alias[uint32(fn)] = class
		}
	}
	d.redirect(g)
	if g, err = s.graph(); err != nil {
		return err
	}
	s.bury(g)
	return nil
}

type folding struct {
	s *state
	// class is, for each function, the first of those that are the same.
	class []uint32
}

// alike puts functions together that are the same but for the functions they
// name. Groups and their members are in the order of the functions.
func (d *folding) alike(g *callGraph) [][]uint32 {
	s := d.s
	imported := s.imported()
	types := newTypeClasses(s.m)
	seed := maphash.MakeSeed()
	byHash := make(map[uint64][]int, len(s.m.Code)) // groups
	var groups [][]uint32
	for i := range s.m.Code {
		fn := imported + uint32(i)
		if !g.live[fn] {
			continue
		}
		b := &s.m.Code[i]
		var h maphash.Hash
		h.SetSeed(seed)
		var head [4]byte
		binary.LittleEndian.PutUint32(head[:], types.of[s.c.Types[fn]])
		h.Write(head[:])
		between(b, func(part []byte) bool {
			h.Write(part)
			h.WriteByte(0)
			return true
		})
		key := h.Sum64()
		found := false
		for _, at := range byHash[key] {
			first := groups[at][0]
			if types.of[s.c.Types[first]] == types.of[s.c.Types[fn]] && sameBut(&s.m.Code[first-imported], b) {
				groups[at] = append(groups[at], fn)
				found = true
				break
			}
		}
		if !found {
			byHash[key] = append(byHash[key], len(groups))
			groups = append(groups, []uint32{fn})
		}
	}
	return d.classes(groups)
}

// classes gives the functions of each group their class, and leaves out the
// groups of one.
func (d *folding) classes(groups [][]uint32) [][]uint32 {
	n := 0
	for _, members := range groups {
		for _, fn := range members {
			d.class[fn] = members[0]
		}
		if len(members) > 1 {
			groups[n] = members
			n++
		}
	}
	return groups[:n]
}

// between calls f with the parts of a body between the functions that it names,
// until f returns false.
func between(b *wasm.Body, f func(part []byte) bool) {
	at := uint32(0)
	for j := range b.Sites {
		if st := &b.Sites[j]; st.Kind == wasm.SiteFunc {
			if !f(b.Bytes[at:st.Off]) {
				return
			}
			at = st.Off + uint32(st.Len)
		}
	}
	f(b.Bytes[at:])
}

// sameBut reports whether two bodies are the same but for the functions that
// they name.
func sameBut(a, b *wasm.Body) bool {
	var parts [][]byte
	between(a, func(part []byte) bool {
		parts = append(parts, part)
		return true
	})
	k, same := 0, true
	between(b, func(part []byte) bool {
		same = k < len(parts) && bytes.Equal(parts[k], part)
		k++
		return same
	})
	return same && k == len(parts)
}

// refine puts apart what names functions of different classes, and reports
// whether there was any.
func (d *folding) refine(groups [][]uint32) (out [][]uint32, changed bool) {
	imported := d.s.imported()
	var key []byte
	for _, members := range groups {
		byKey := make(map[string]int, 1)
		first := len(out)
		for _, fn := range members {
			key = key[:0]
			for j := range d.s.m.Code[fn-imported].Sites {
				if st := &d.s.m.Code[fn-imported].Sites[j]; st.Kind == wasm.SiteFunc {
					key = binary.LittleEndian.AppendUint32(key, d.class[st.Target])
				}
			}
			at, ok := byKey[string(key)]
			if !ok {
				at = len(out)
				byKey[string(key)] = at
				out = append(out, nil)
			}
			out[at] = append(out[at], fn)
		}
		changed = changed || len(out) > first+1
	}
	return d.classes(out), changed
}

// redirect makes everything name the first of a class.
func (d *folding) redirect(g *callGraph) {
	s := d.s
	m := s.m
	for i := range m.Code {
		var patches []patch
		for j := range m.Code[i].Sites {
			if st := &m.Code[i].Sites[j]; st.Kind == wasm.SiteFunc && d.class[st.Target] != st.Target {
				patches = append(patches, patch{st.Off, st.Off + uint32(st.Len), wasm.AppendU32(nil, d.class[st.Target])})
			}
		}
		touched := s.touched[i]
		s.patchBody(i, patches)
		s.touched[i] = touched // calls are as good as they were
	}
	for i := range m.Exports {
		if e := &m.Exports[i]; e.Kind == wasm.ExternFunc {
			e.Index = d.class[e.Index]
		}
	}
	if m.HasStart {
		m.Start = d.class[m.Start]
	}
	for i := range m.Elems {
		for j, fn := range m.Elems[i].Funcs {
			m.Elems[i].Funcs[j] = d.class[fn]
		}
	}
	// Constant expressions are left to who applies Alias.
}
