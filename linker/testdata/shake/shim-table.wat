;; A table of forwarders that a later instance fills once: calls go straight
;; to what it was filled with, and table, segment and forwarders are gone.
;;
;;> run(20) => 41
;;# functions=2 globals=0 tables=0 memories=0 data=0 elements=0 types=1 imports=
(component
  (core module $Shim
    (type $t (func (param i32) (result i32)))
    (table (export "$imports") 2 2 funcref)
    (func (export "0") (type $t) (call_indirect (type $t) (local.get 0) (i32.const 0)))
    (func (export "1") (type $t) (return_call_indirect (type $t) (local.get 0) (i32.const 1))))
  (core module $Main
    (import "env" "double" (func $double (param i32) (result i32)))
    (func (export "run") (param i32) (result i32)
      (i32.add (call $double (local.get 0)) (i32.const 1))))
  (core module $Late
    (func (export "double") (param i32) (result i32) (i32.shl (local.get 0) (i32.const 1)))
    (func (export "unused") (param i32) (result i32) (local.get 0)))
  (core module $Fixup
    (type $t (func (param i32) (result i32)))
    (import "" "$imports" (table 2 2 funcref))
    (import "" "0" (func $f0 (type $t)))
    (import "" "1" (func $f1 (type $t)))
    (elem (i32.const 0) func $f0 $f1))
  (core instance $shim (instantiate $Shim))
  (core instance $main (instantiate $Main (with "env" (instance (export "double" (func $shim "0"))))))
  (core instance $late (instantiate $Late))
  (core instance (instantiate $Fixup (with "" (instance
    (export "$imports" (table $shim "$imports"))
    (export "0" (func $late "double"))
    (export "1" (func $late "unused"))))))
  (func (export "run") (param "n" u32) (result u32) (canon lift (core func $main "run"))))
