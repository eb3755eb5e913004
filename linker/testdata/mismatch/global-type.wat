;;< "i32" | i64
(module
  (import "lib" "i32" (global i64))
  (func (export "g") (result i32) (i32.wrap_i64 (global.get 0))))
