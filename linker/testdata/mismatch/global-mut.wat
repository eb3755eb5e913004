;;< "i32" | mut
(module
  (import "lib" "i32" (global (mut i32)))
  (func (export "g") (result i32) (global.get 0)))
