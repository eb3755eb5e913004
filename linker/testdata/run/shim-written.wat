;; What looks like a shim and is none: the slots change while the program runs,
;; one by table.set, one by table.copy, and one forwarder asks for another type
;; than its slot holds.
;;
;;> call-set() => 1
;;> call-set(); set(); call-set() => 1; ; 2
;;> call-copied() => 3
;;> call-copied(); copy(); call-copied() => 3; ; 1
;;> call-typed() => trap
;;> call-empty() => trap
(component
  (core module $Shim
    (type $t (func (result i32)))
    (type $other (func (param i32) (result i32)))
    (table $set (export "set") 1 funcref)
    (table $copied (export "copied") 1 funcref)
    (table $typed (export "typed") 2 funcref)
    (func (export "call-set") (type $t) (call_indirect $set (type $t) (i32.const 0)))
    (func (export "call-copied") (type $t) (call_indirect $copied (type $t) (i32.const 0)))
    (func (export "call-typed") (type $t) (call_indirect $typed (type $t) (i32.const 0)))
    (func (export "call-empty") (type $t) (call_indirect $typed (type $t) (i32.const 1))))
  (core module $Fixup
    (type $t (func (result i32)))
    (import "" "set" (table $set 1 funcref))
    (import "" "copied" (table $copied 1 funcref))
    (import "" "typed" (table $typed 2 funcref))
    (elem (table $set) (i32.const 0) func $one)
    (elem (table $copied) (i32.const 0) func $three)
    (elem (table $typed) (i32.const 0) func $other)
    (elem declare func $two)
    (func $one (type $t) (i32.const 1))
    (func $two (type $t) (i32.const 2))
    (func $three (type $t) (i32.const 3))
    (func $other (param i32) (result i32) (local.get 0))
    (func (export "set-it") (table.set $set (i32.const 0) (ref.func $two)))
    (func (export "copy-it") (table.copy $copied $set (i32.const 0) (i32.const 0) (i32.const 1))))
  (core instance $shim (instantiate $Shim))
  (core instance $fixup (instantiate $Fixup (with "" (instance $shim))))
  (func (export "call-set") (result u32) (canon lift (core func $shim "call-set")))
  (func (export "call-copied") (result u32) (canon lift (core func $shim "call-copied")))
  (func (export "call-typed") (result u32) (canon lift (core func $shim "call-typed")))
  (func (export "call-empty") (result u32) (canon lift (core func $shim "call-empty")))
  (func (export "set") (canon lift (core func $fixup "set-it")))
  (func (export "copy") (canon lift (core func $fixup "copy-it"))))
