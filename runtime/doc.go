// Package runtime runs WebAssembly bundles and components in wazero and calls
// their exports with typed component values.
//
// It has two engines behind one API, chosen by the header of the binary:
//
//   - a core module (what wbundle writes with --format core) runs as one wazero
//     module. Its component-level types come from the component-type custom
//     section; a module without one is called by its core signatures;
//   - a component is executed as it stands: every core module becomes its own
//     wazero module, and instantiation, canonical lifts and lowers, and
//     resources are interpreted in Go, straight from CanonicalABI.md.
//
// The second engine shares no code with the linker beyond the decoders, so
// that running a graph unbundled (Graph) and bundled and comparing the answers
// (Verify, Compare) says something about the linker.
//
//	inst, err := runtime.Open(ctx, wasm, runtime.Config{})
//	if err != nil { … }
//	defer inst.Close(ctx)
//	out, err := inst.Invoke(ctx, `demo:calc/ops#add(2, 3)`) // "5"
//
// Run runs commands, Handler serves HTTP. A program has no rights but those
// that Config gives it; see there for the limits of memory and time.
//
// Values are written in WAVE, the text form of `wasmtime run --invoke`.
package runtime
