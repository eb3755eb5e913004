;;< "f" | function | global
(module
  (import "lib" "f" (global i32))
  (func (export "g") (result i32) (global.get 0)))
