// Package conformance runs other projects' test suites against the linker.
//
// It has tests and no code. The core specification's scripts come with wazero
// (package spectest reads them) and need nothing else: each runs in wazero
// before and after its modules are linked.
//
// The component suites are not part of this repository: they lie in
// ../shared/conformance beside it, with a script that turns them into JSON and
// binaries. Without them, without python3 or without wasm-tools their tests
// are skipped. Every component of wasmtime's suite is run three times, and a
// fourth time for reference, with the same calls and the same expectations:
//
//   - executor: unbundled, by the interpreter of package runtime;
//   - core: linked to one core module with one memory, in wazero;
//   - component: linked to one component with a core module of several
//     memories, in wasmtime;
//   - reference: unbundled, in wasmtime, which shows that the test host and
//     the reading of values are right.
//
// What does not run is named, counted and kept in docs/conformance.md, which
// go test ./internal/conformance -update writes and every other run compares.
package conformance
