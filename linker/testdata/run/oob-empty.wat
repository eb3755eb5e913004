;; Empty segments: one at the very end fits, one past it does not.
;;
;;> f() => 1
(component
  (core module $A
    (memory (export "mem") 1)
    (table (export "tab") 2 funcref)
    (func (export "f") (result i32) (i32.const 1)))
  (core module $B
    (import "a" "mem" (memory 1))
    (import "a" "tab" (table 2 funcref))
    (data (i32.const 65536) "")
    (elem (i32.const 2) func))
  (core instance $a (instantiate $A))
  (core instance $b (instantiate $B (with "a" (instance $a))))
  (func (export "f") (result u32) (canon lift (core func $a "f"))))
