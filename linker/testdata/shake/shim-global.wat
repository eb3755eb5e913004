;; The same with references in globals, which a start function sets once. What
;; is left needs neither typed references nor tail calls.
;;
;;! typed function references
;;> run(20) => 41
;;# functions=2 globals=0 tables=0 memories=0 data=0 elements=0 types=1 imports=
(component
  (core module $Shim
    (type $t (func (param i32) (result i32)))
    (global $g (export "g0") (mut (ref $t)) (ref.func $stub))
    (elem declare func $stub)
    (func $stub (type $t) unreachable)
    (func (export "0") (type $t) (return_call_ref $t (local.get 0) (global.get $g))))
  (core module $Main
    (import "env" "double" (func $double (param i32) (result i32)))
    (func (export "run") (param i32) (result i32)
      (i32.add (call $double (local.get 0)) (i32.const 1))))
  (core module $Late
    (func (export "double") (param i32) (result i32) (i32.shl (local.get 0) (i32.const 1))))
  (core module $Fixup
    (type $t (func (param i32) (result i32)))
    (import "" "g0" (global $g (mut (ref $t))))
    (import "" "0" (func $f0 (type $t)))
    (elem declare func $f0)
    (func $start (global.set $g (ref.func $f0)))
    (start $start))
  (core instance $shim (instantiate $Shim))
  (core instance $main (instantiate $Main (with "env" (instance (export "double" (func $shim "0"))))))
  (core instance $late (instantiate $Late))
  (core instance (instantiate $Fixup (with "" (instance
    (export "g0" (global $shim "g0"))
    (export "0" (func $late "double"))))))
  (func (export "run") (param "n" u32) (result u32) (canon lift (core func $main "run"))))
