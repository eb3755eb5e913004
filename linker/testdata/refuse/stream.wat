;;< any: parameter "s" | stream
(component
  (core module $m
    (memory (export "mem") 1)
    (func (export "f") (param i32)))
  (core instance $i (instantiate $m))
  (func (export "f") (param "s" (stream u8)) (canon lift (core func $i "f"))))
