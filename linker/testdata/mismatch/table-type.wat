;;< "funcs" | externref | funcref
(module
  (import "lib" "funcs" (table $t 2 4 externref))
  (func (export "g") (result i32) (table.size $t)))
