;;< "f" | (i64) -> (i32) | (i32) -> (i32)
(module
  (import "lib" "f" (func $f (param i64) (result i32)))
  (func (export "g") (result i32) (call $f (i64.const 0))))
