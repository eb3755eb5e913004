package opt

import (
	"slices"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Results that went through globals go through locals, where the function that
// returned them has been inlined.
//
// In: what the passes results and inline left. Out: functions that neither
// return several results nor call one that does use no globals for them:
//
//	(func $caller                     (func $caller (local i64)
//	  …                                 …
//	  global.set $second                local.set 0
//	  global.get $second                local.get 0
//	  …)                                …)
//
// Then passes over locals see through it, and a global that nobody reads is gone
// when the module is optimised again.
//
// It is safe because of how the pass results uses these globals: what a function
// reads is what the call right before it wrote, and here that is code of the
// function itself, the last that wrote the global. Nobody reads what the function
// leaves behind, for everybody else reads what his own calls wrote.
//
// What it gives up: functions that also call one with several results, in the
// places of that one's results.
func (s *state) resultLocals() error {
	if len(s.moreResults) == 0 {
		return nil
	}
	if err := s.scan(); err != nil {
		return err
	}
	imported := s.imported()
	// free are the globals that a body may have as locals.
	free := func(i int) []uint32 {
		b := &s.m.Code[i]
		var used, others []uint32
		others = append(others, s.moreResults[imported+uint32(i)]...)
		for j := range b.Sites {
			switch st := &b.Sites[j]; st.Kind {
			case wasm.SiteGlobal:
				if s.resultGlobal[st.Target] && !slices.Contains(used, st.Target) {
					used = append(used, st.Target)
				}
			case wasm.SiteFunc:
				others = append(others, s.moreResults[st.Target]...)
			}
		}
		return slices.DeleteFunc(used, func(g uint32) bool { return slices.Contains(others, g) })
	}
	found := make([][]uint32, len(s.m.Code))
	for i := range s.m.Code {
		found[i] = free(i)
	}
	return s.eachFunc(func(i int) bool { return len(found[i]) > 0 }, func(i int, f *ir.Func) bool {
		local := map[uint64]uint64{}
		for _, g := range found[i] {
			local[uint64(g)] = uint64(len(f.Locals))
			f.Locals = append(f.Locals, s.c.Globals[g].Type)
		}
		replaceGlobals(f.Body, local)
		f.Finalize()
		s.touched[i] = true
		return true
	})
}

// replaceGlobals makes locals of globals.
func replaceGlobals(n *ir.Node, local map[uint64]uint64) {
	if n.Op == wasm.OpGlobalGet || n.Op == wasm.OpGlobalSet {
		if l, ok := local[n.Imm]; ok {
			n.Imm = l
			if n.Op == wasm.OpGlobalGet {
				n.Op = wasm.OpLocalGet
			} else {
				n.Op = wasm.OpLocalSet
			}
		}
	}
	for _, k := range n.Kids {
		replaceGlobals(k, local)
	}
}
