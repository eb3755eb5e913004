;; The world of a core bundle says how its strings are encoded.
;; call get() = "hé"
(component
  (core module $m
    (memory (export "m") 1)
    (func (export "get") (result i32) i32.const 0)
    (data (i32.const 0) "\08\00\00\00\02\00\00\00h\00\e9\00"))
  (core instance $i (instantiate $m))
  (func (export "get") (result string) (canon lift (core func $i "get") (memory (core memory $i "m")) string-encoding=utf16)))
