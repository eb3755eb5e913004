;;< any: async
(component
  (core module $m (func (export "f") (result i32) unreachable) (func (export "cb") (param i32 i32 i32) (result i32) unreachable))
  (core instance $i (instantiate $m))
  (func (export "f") async (canon lift (core func $i "f") async (callback (core func $i "cb")))))
