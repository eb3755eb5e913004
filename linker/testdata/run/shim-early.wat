;; A start function that calls through a shim before the shim is filled finds
;; the slot empty: instantiation traps, however constant the slot is later.
;;
;;> run() => trap
(component
  (core module $Shim
    (type $t (func (result i32)))
    (table (export "table") 1 1 funcref)
    (func (export "0") (type $t) (call_indirect (type $t) (i32.const 0))))
  (core module $Main
    (import "env" "f" (func $f (result i32)))
    (func $start (drop (call $f)))
    (func (export "run") (result i32) (call $f))
    (start $start))
  (core module $Fixup
    (import "" "table" (table 1 1 funcref))
    (elem (i32.const 0) func $f)
    (func $f (result i32) (i32.const 7)))
  (core instance $shim (instantiate $Shim))
  (core instance $main (instantiate $Main (with "env" (instance (export "f" (func $shim "0"))))))
  (core instance (instantiate $Fixup (with "" (instance (export "table" (table $shim "table"))))))
  (func (export "run") (result u32) (canon lift (core func $main "run"))))
