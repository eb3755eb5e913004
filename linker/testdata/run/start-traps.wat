;; A start function that traps: there is no instance.
;;
;;> f() => trap
(component
  (core module $A
    (func (export "f") (result i32) (i32.const 1))
    (func $s unreachable)
    (start $s))
  (core instance $a (instantiate $A))
  (func (export "f") (result u32) (canon lift (core func $a "f"))))
