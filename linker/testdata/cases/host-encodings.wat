;; The host is asked for one function by lowers with different encodings, which do
;; not matter without strings: it is one import.
;; call a() = 4
;; call b() = 4
(component
  (import "four" (func $four (param "l" (list u8)) (result u32)))
  (core module $m
    (import "" "four" (func $four (param i32 i32) (result i32)))
    (memory (export "m") 1)
    (func (export "f") (result i32) (call $four (i32.const 0) (i32.const 2))))
  (core module $mem (memory (export "m") 1))
  (core instance $am (instantiate $mem))
  (core instance $bm (instantiate $mem))
  (core func $af (canon lower (func $four) (memory (core memory $am "m")) string-encoding=utf8))
  (core func $bf (canon lower (func $four) (memory (core memory $bm "m")) string-encoding=utf16))
  (core instance $a (instantiate $m (with "" (instance (export "four" (func $af))))))
  (core instance $b (instantiate $m (with "" (instance (export "four" (func $bf))))))
  (func (export "a") (result u32) (canon lift (core func $a "f")))
  (func (export "b") (result u32) (canon lift (core func $b "f"))))
