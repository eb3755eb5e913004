;;< "mut" | mut
(module
  (import "lib" "mut" (global i32))
  (func (export "g") (result i32) (global.get 0)))
