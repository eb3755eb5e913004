;;< any: import "c" | component
(component
  (import "c" (component $c (export "f" (func (result u32)))))
  (instance $i (instantiate $c))
  (export "f" (func $i "f")))
