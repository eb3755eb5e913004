// Package wit holds what the linker and the runtime need to know about WIT as
// people write and read it: component values in Go (Value), their text form
// WAVE (Parse, Value.String), calls written in that form (ParseCall), and the
// WIT text of component types (TypeString, FuncString, WorldText).
//
// WAVE is specified by the README of the wasm-wave crate of wasm-tools; it is
// the form that `wasmtime run --invoke` reads and prints.
package wit
