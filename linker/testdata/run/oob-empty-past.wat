;; An empty segment past the end of a memory traps, like any other.
;;
;;> f() => trap
(component
  (core module $A
    (memory (export "mem") 1)
    (func (export "f") (result i32) (i32.const 1)))
  (core module $B
    (import "a" "mem" (memory 1))
    (data (i32.const 65537) ""))
  (core instance $a (instantiate $A))
  (core instance $b (instantiate $B (with "a" (instance $a))))
  (func (export "f") (result u32) (canon lift (core func $a "f"))))
