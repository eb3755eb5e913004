// Package wasm reads and writes core WebAssembly modules: version 3.0 of the
// specification, threads, wide arithmetic, custom page sizes and the legacy
// exception instructions.
//
// Decode turns bytes into a Module. Declarations (types, imports, tables,
// exports, ...) become plain data; function bodies and constant expressions
// stay the bytes they were, each with a table of its sites, the immediates
// that name something outside of the body:
//
//	m, err := wasm.Decode("a.wasm", b)
//	for _, body := range m.Code {
//		for _, s := range body.Sites {
//			s.Kind.Space() // and s.Target: what is used
//		}
//	}
//
// RewriteSites writes a body back with other immediates, Encode a module.
// What Decode accepts is well-formed and its indices are within their spaces;
// that its types match as well is for Validate to check. Encode of a decoded module gives the same bytes,
// or fewer where the input padded its integers.
//
// One table (OpInfo) describes every instruction: its name, its immediates
// and its effect on the stack. The scan for sites, NextInstr and validation
// are driven by it, and an immediate that is not classified is a panic when
// the program starts, so that no operand can be overlooked.
//
// DecodeNoScan with Module.ScanRange is for decoding in parallel, ValidateDecls
// with Validation.ValidateBodies for validating in parallel. Reader and
// the Append functions are the pieces for formats that embed core types.
// Names and Producers read those custom sections. Defects of the input are
// reported as *Error, with a position.
package wasm
