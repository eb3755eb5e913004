;;< "func" | externref | funcref
(module
  (import "lib" "func" (global externref))
  (func (export "g") (result i32) (ref.is_null (global.get 0))))
