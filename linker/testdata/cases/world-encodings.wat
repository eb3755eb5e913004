;; Two encodings towards the host: that of a core module is told of UTF-8.
;; call a() = "hé"
;; call b() = "hé"
;; call c() = "hé"
(component
  (core module $m
    (memory (export "m") 1)
    (func (export "utf8") (result i32) i32.const 8)
    (func (export "utf16") (result i32) i32.const 16)
    (func (export "latin1") (result i32) i32.const 24)
    (data (i32.const 8) "\20\00\00\00\03\00\00\00\28\00\00\00\02\00\00\00\30\00\00\00\02\00\00\00h\c3\a9\00\00\00\00\00h\00\e9\00\00\00\00\00h\e9"))
  (core instance $i (instantiate $m))
  (func (export "a") (result string) (canon lift (core func $i "utf16") (memory (core memory $i "m")) string-encoding=utf16))
  (func (export "b") (result string) (canon lift (core func $i "utf8") (memory (core memory $i "m")) string-encoding=utf8))
  (func (export "c") (result string) (canon lift (core func $i "latin1") (memory (core memory $i "m")) string-encoding=latin1+utf16)))
