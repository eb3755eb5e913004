;;< "memory" | 1 | 2
(module
  (import "lib" "memory" (memory 2))
  (func (export "g") (result i32) (memory.size)))
