;;< any: async
(component
  (import "f" (func $f async))
  (core func $f (canon lower (func $f) async))
  (func (export "g") (result u32) (canon lift (core func $f))))
