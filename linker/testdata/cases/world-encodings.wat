;; Two encodings towards the host need a component around the module.
;; refused core: encode strings in different ways
(component
  (core module $m
    (memory (export "m") 1)
    (func (export "get") (result i32) i32.const 0))
  (core instance $i (instantiate $m))
  (func (export "a") (result string) (canon lift (core func $i "get") (memory (core memory $i "m")) string-encoding=utf16))
  (func (export "b") (result string) (canon lift (core func $i "get") (memory (core memory $i "m")) string-encoding=utf8)))
