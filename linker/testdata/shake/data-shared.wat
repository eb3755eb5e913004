;; Two instances write one memory, the second over what the first wrote, with
;; zeros; and a third its own, which begins at another address of a single memory.
;;> f(8) => 97
;;> f(9) => 0
;;> f(10) => 0
;;> g(9) => 122
;;> g(8) => 0
(component
  (core module $a (memory (export "mem") 1) (data (i32.const 8) "axx"))
  (core module $b
    (import "a" "mem" (memory 1))
    (data (i32.const 9) "\00\00")
    (func (export "f") (param i32) (result i32) (i32.load8_u (local.get 0))))
  (core module $c
    (memory 1)
    (data (i32.const 5) "\00\00\00\00z\00\00")
    (func (export "f") (param i32) (result i32) (i32.load8_u (local.get 0))))
  (core instance $a (instantiate $a))
  (core instance $b (instantiate $b (with "a" (instance $a))))
  (core instance $c (instantiate $c))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $b "f")))
  (func (export "g") (param "n" u32) (result u32) (canon lift (core func $c "f"))))
