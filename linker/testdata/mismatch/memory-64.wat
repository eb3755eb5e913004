;;< "memory" | index type
(module
  (import "lib" "memory" (memory i64 1))
  (func (export "g") (result i32) (i32.const 0)))
