;;< "funcs" | 3
(module
  (import "lib" "funcs" (table $t 2 3 funcref))
  (func (export "g") (result i32) (table.size $t)))
