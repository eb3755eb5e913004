package shake

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
)

// pureDepth bounds the chains of calls that Pure follows.
const pureDepth = 64

// Pure reports whether a call of a function has no effect at all, whatever its
// arguments are, so that a call without results may be left out. It never errs
// on that side.
//
//	(func $ctors (local i32) (local.set 0 (i32.const 1)))   ;; pure
//	(start $ctors)                                          ;; goes
//
// It is a list of what a function may do: compute from its locals, constants and
// globals, branch forwards, call functions that are pure. What is not in the
// list has an effect or may have one: stores, growing, dropping; global.set;
// calls of the host and through references; loops and recursion, which need not
// end; loads, divisions and conversions, which may trap. The chain of calls is
// short, so that it does not exhaust a stack that it did not exhaust before.
func Pure(p *graph.Program, fn graph.FuncID) bool {
	return pure(p, fn, pureDepth, map[graph.FuncID]bool{})
}

// pure answers Pure; known has the functions that were found pure.
func pure(p *graph.Program, fn graph.FuncID, depth int, known map[graph.FuncID]bool) bool {
	fn = p.Resolve(fn)
	if known[fn] {
		return true
	}
	body, inst := p.Code(fn)
	if body == nil || depth == 0 {
		return false
	}
	var scanner wasm.SiteScanner // its sites are needed while callees are looked at
	sites, site := p.Sites(fn, &scanner), 0
	for off := body.Code; off < len(body.Bytes); {
		in, ok := wasm.NextInstr(body.Bytes, off)
		if !ok {
			return false
		}
		off = int(in.Off + in.Len)
		if in.Op == wasm.OpCall {
			for site < len(sites) && sites[site].Off < in.Imm {
				site++
			}
			// Recursion runs out of depth.
			if !pure(p, FuncAt(inst, sites[site].Target), depth-1, known) {
				return false
			}
			continue
		}
		if !pureOp(in.Op) {
			return false
		}
	}
	known[fn] = true
	return true
}

// pureOp is the list of instructions that Pure allows.
func pureOp(op wasm.Opcode) bool {
	switch op {
	case wasm.OpNop, wasm.OpBlock, wasm.OpIf, wasm.OpElse, wasm.OpEnd, wasm.OpBr, wasm.OpBrIf, wasm.OpBrTable, wasm.OpReturn,
		wasm.OpDrop, wasm.OpSelect, wasm.OpSelectT, wasm.OpLocalGet, wasm.OpLocalSet, wasm.OpLocalTee, wasm.OpGlobalGet, wasm.OpMemorySize,
		wasm.OpI32Const, wasm.OpI64Const, wasm.OpF32Const, wasm.OpF64Const, wasm.OpRefNull, wasm.OpRefIsNull, wasm.OpRefFunc:
		return true
	case wasm.OpI32DivS, wasm.OpI32DivU, wasm.OpI32RemS, wasm.OpI32RemU, wasm.OpI64DivS, wasm.OpI64DivU, wasm.OpI64RemS, wasm.OpI64RemU,
		wasm.OpI32TruncF32S, wasm.OpI32TruncF32U, wasm.OpI32TruncF64S, wasm.OpI32TruncF64U,
		wasm.OpI64TruncF32S, wasm.OpI64TruncF32U, wasm.OpI64TruncF64S, wasm.OpI64TruncF64U:
		return false
	}
	// The other numeric instructions, which are in one run.
	return op >= wasm.OpI32Eqz && op <= wasm.OpI64Extend32S
}
