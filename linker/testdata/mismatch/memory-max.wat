;;< "memory" | 1
(module
  (import "lib" "memory" (memory 1 1))
  (func (export "g") (result i32) (memory.size)))
