;;< any: canon lift | memory option | component memory64-lift | 64-bit memory
(component
  (core module $a (memory (export "mem") i64 1)
    (func (export "f") (param i64 i64) (result i32) (i32.const 0))
    (func (export "realloc") (param i64 i64 i64 i64) (result i64) (i64.const 0)))
  (core instance $a (instantiate $a))
  (func (export "f") (param "s" string) (result u32)
    (canon lift (core func $a "f") (memory (core memory $a "mem")) (realloc (core func $a "realloc")))))
