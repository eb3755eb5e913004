package opt

import (
	"slices"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Functions with several results get one, and globals for the others.
//
// In: functions that are only called directly, and return several numbers. Out:
// the same functions with their first result; the others are in globals when
// the function returns, and every call reads them at once:
//
//	(func $f (result i32 i32)         (func $f (result i32)
//	  local.get 0                       local.get 0
//	  local.get 1)                      local.get 1
//	                                    global.set $second)
//	call $f                           call $f
//	                                  global.get $second
//
// What has several results has no tree (internal/ir), and neither has what calls
// it: these are the adapters that pass a string or a list on, and they would
// stay as they were generated.
//
// It is safe because nothing runs between the last instruction of a function and
// the one after its call, so that all functions can share the globals, one for
// each place and type. A trap or an exception on the way leaves them as anything,
// and nobody reads them then.
//
// What it gives up: functions left by a conditional branch with its values, by a
// tail call, or whose results are references.
func (s *state) results() error {
	g, err := s.graph()
	if err != nil {
		return err
	}
	s.bury(g)
	imported := s.imported()
	r := &resultSplit{s: s, split: make([]bool, len(g.live)), global: map[resultPlace]uint32{}}
	any := false
	for i := range s.m.Code {
		fn := imported + uint32(i)
		if t := s.c.FuncType(fn); len(t.Results) > 1 && g.live[fn] && !g.fixed[fn] && r.possible(i, t) {
			r.split[fn], any = true, true
		}
	}
	if !any {
		return nil
	}
	for i := range s.m.Code {
		for j := range s.m.Code[i].Sites {
			if st := &s.m.Code[i].Sites[j]; st.Kind == wasm.SiteFunc && st.Op == wasm.OpReturnCall {
				r.split[st.Target] = false
			}
		}
	}
	types := newTypeClasses(s.m)
	for i := range s.m.Code {
		s.patchBody(i, r.patches(i))
	}
	s.moreResults, s.resultGlobal = map[uint32][]uint32{}, map[uint32]bool{}
	for _, g := range r.global {
		s.resultGlobal[g] = true
	}
	for i := range s.m.Code {
		fn := imported + uint32(i)
		if t := s.c.FuncType(fn); r.split[fn] {
			for k, t := range t.Results[1:] {
				s.moreResults[fn] = append(s.moreResults[fn], r.place(1+k, t))
			}
			s.m.Funcs[i] = types.find(t.Params, t.Results[:1:1])
		}
	}
	s.c = ir.NewContext(s.m)
	return nil
}

// resultPlace is a result other than the first.
type resultPlace struct {
	at   int
	kind wasm.ValKind
}

type resultSplit struct {
	s      *state
	split  []bool // by function
	global map[resultPlace]uint32
}

// possible reports whether the results of a function are numbers, and it is left
// in no other way than at its end, by return and by br.
func (r *resultSplit) possible(i int, t *wasm.SubType) bool {
	if slices.ContainsFunc(t.Results, func(t wasm.ValType) bool { return t.Kind == wasm.KindRef }) {
		return false
	}
	ok := true
	r.exits(i, func(in wasm.Instr, plain bool) { ok = ok && plain })
	return ok
}

// exits calls f with the instructions that leave a function, but for its last
// end; plain says that it leaves whenever it runs, with its results on the stack.
func (r *resultSplit) exits(i int, f func(in wasm.Instr, plain bool)) {
	b := &r.s.m.Code[i]
	depth := uint64(0)
	for off := b.Code; ; {
		in, ok := wasm.NextInstr(b.Bytes, off)
		if !ok {
			return
		}
		off = int(in.Off + in.Len)
		switch in.Op {
		case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
			depth++
		case wasm.OpEnd:
			depth--
		case wasm.OpReturn:
			f(in, true)
		case wasm.OpBr:
			if in.Arg >= depth {
				f(in, true)
			}
		case wasm.OpBrIf:
			if in.Arg >= depth {
				f(in, false)
			}
		case wasm.OpBrTable:
			n, size := wasm.ReadU32(b.Bytes[in.Imm:])
			p := int(in.Imm) + size
			for range n + 1 {
				l, size := wasm.ReadU32(b.Bytes[p:])
				p += size
				if uint64(l) >= depth {
					f(in, false)
				}
			}
		case wasm.OpReturnCall, wasm.OpReturnCallIndirect, wasm.OpReturnCallRef,
			wasm.OpTry, wasm.OpTryTable, wasm.OpBrOnNull, wasm.OpBrOnNonNull:
			f(in, false)
		default:
			if in.Op&^0xfff == wasm.PrefixGC {
				f(in, false)
			}
		}
	}
}

// patches are the changes to a body: its exits, and its calls.
func (r *resultSplit) patches(i int) []patch {
	s := r.s
	b := &s.m.Code[i]
	fn := s.imported() + uint32(i)
	var list []patch
	for j := range b.Sites {
		if st := &b.Sites[j]; isCallSite(st) && r.split[st.Target] {
			at := st.Off + uint32(st.Len)
			list = append(list, patch{at, at, r.all(s.c.FuncType(st.Target).Results, wasm.OpGlobalGet)})
		}
	}
	if !r.split[fn] {
		return list
	}
	sets := r.all(s.c.FuncType(fn).Results, wasm.OpGlobalSet)
	r.exits(i, func(in wasm.Instr, _ bool) { list = append(list, patch{in.Off, in.Off, sets}) })
	end := uint32(len(b.Bytes) - 1)
	list = append(list, patch{end, end, sets})
	// A call right before an exit comes first: its results are what is stored.
	slices.SortStableFunc(list, func(a, b patch) int { return int(a.off) - int(b.off) })
	return list
}

// all is the instruction for the globals of all results but the first: reads
// from the second to the last, writes the other way.
func (r *resultSplit) all(results []wasm.ValType, op wasm.Opcode) []byte {
	var code []byte
	for k := range results[1:] {
		at := 1 + k
		if op == wasm.OpGlobalSet {
			at = len(results) - 1 - k
		}
		code = wasm.AppendU32(append(code, byte(op)), r.place(at, results[at]))
	}
	return code
}

// place is the global of a result.
func (r *resultSplit) place(at int, t wasm.ValType) uint32 {
	key := resultPlace{at, t.Kind}
	if g, ok := r.global[key]; ok {
		return g
	}
	m := r.s.m
	g := m.NumImported[wasm.SpaceGlobal] + uint32(len(m.Globals))
	m.Globals = append(m.Globals, wasm.Global{
		GlobalType: wasm.GlobalType{Type: t, Mutable: true},
		Init:       wasm.Expr{Bytes: zeroExpr(t)},
	})
	r.global[key] = g
	return g
}

// zeroExpr is the constant expression of the zero of a number type.
func zeroExpr(t wasm.ValType) []byte {
	var code []byte
	switch t.Kind {
	case wasm.KindI32:
		code = append(code, byte(wasm.OpI32Const), 0)
	case wasm.KindI64:
		code = append(code, byte(wasm.OpI64Const), 0)
	case wasm.KindF32:
		code = append(append(code, byte(wasm.OpF32Const)), make([]byte, 4)...)
	case wasm.KindF64:
		code = append(append(code, byte(wasm.OpF64Const)), make([]byte, 8)...)
	default:
		code = append(wasm.AppendOpcode(code, wasm.OpV128Const), make([]byte, 16)...)
	}
	return append(code, byte(wasm.OpEnd))
}
