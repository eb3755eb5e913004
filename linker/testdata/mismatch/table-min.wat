;;< "funcs" | 2 | 3
(module
  (import "lib" "funcs" (table $t 3 4 funcref))
  (func (export "g") (result i32) (table.size $t)))
