// Package component is the binary format and the type system of the
// WebAssembly component model, without any linking.
//
//   - ast.go has the definitions of a component as plain data; Decode reads
//     them (Binary.md), Check checks indices and names, Encode writes them.
//   - valtype.go has types with every index resolved. Constructors (NewRecord,
//     NewList, ...) or ResolveValDef build them; abi.go knows their size,
//     alignment and flattening (CanonicalABI.md), compare.go whether two are
//     equal and if not, why.
//   - validate.go types a whole component, as engines do before they run it:
//     Validate checks that every index names something of the right type.
//   - name.go takes import and export names apart and compares their versions.
//
// Resolving indices to types across components is the work of whoever
// interprets the definitions; this package only needs lookup functions.
package component
