;;< "tag" | i64
(module
  (import "lib" "tag" (tag $t (param i64)))
  (func (export "g") (result i32) (throw $t (i64.const 0))))
