// Package conformance runs other projects' test suites against the linker.
//
// It has tests and no code. The suites are not part of this repository: they
// lie in ../shared/conformance beside it, with a script that turns them into
// JSON and binaries. Without them, without python3 or without wasm-tools the
// tests are skipped.
//
// Every component of wasmtime's suite is run three times, and a fourth time
// for reference, with the same calls and the same expectations:
//
//   - executor: unbundled, by the interpreter of package runtime;
//   - core: linked to one core module with one memory, in wazero;
//   - component: linked to one component with a core module of several
//     memories, in wasmtime;
//   - reference: unbundled, in wasmtime, which shows that the test host and
//     the reading of values are right.
//
// The suite expects an instance to be locked after a trap: the next call traps
// too. That is the host's part. Within a bundle a trap unwinds every component
// at once, so nothing in it could observe a lock; it is the host that may call
// again. Package runtime locks an instance after its first trap, wasmtime
// does, and a host that calls a core bundle's exports by itself must not call
// on after a trap: a component may have been left in the middle of an adapter.
//
// What does not run is named, counted and kept in docs/conformance.md, which
// go test ./internal/conformance -update writes and every other run compares.
package conformance
