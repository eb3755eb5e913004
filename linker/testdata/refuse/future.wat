;;< any: the result | future
(component
  (core module $m (func (export "f") (result i32) (i32.const 0)))
  (core instance $i (instantiate $m))
  (func (export "f") (result (future u8)) (canon lift (core func $i "f"))))
