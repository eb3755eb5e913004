;;< any: context.get
(component
  (core func $get (canon context.get i32 0))
  (func (export "f") (result u32) (canon lift (core func $get))))
