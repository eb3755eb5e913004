;; An active segment that does not fit into another instance's table: nothing
;; of the component can be used.
;;
;;! it ignores element segments that do not fit
;;> f() => trap
(component
  (core module $A
    (memory (export "mem") 1)
    (table (export "tab") 2 funcref)
    (func (export "f") (result i32) (i32.const 1)))
  (core module $B
    (import "a" "mem" (memory 1))
    (import "a" "tab" (table 2 funcref))
    (func $f)
    (elem (i32.const 1) func $f $f))
  (core instance $a (instantiate $A))
  (core instance $b (instantiate $B (with "a" (instance $a))))
  (func (export "f") (result u32) (canon lift (core func $a "f"))))
