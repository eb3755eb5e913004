;; Who keeps a function that is only in a table: its slot, and the function whose
;; call reaches the slot.
;;# functions=4 globals=0 tables=1 memories=0 data=0 elements=1 types=2 imports=
;;> f(3) => 4
;;> f(2) => trap
(module
  (type $v (func (result i32)))
  (table 8 funcref)
  (elem (i32.const 2) func $dead $one $dead)
  (func $one (type $v) (call $both))
  (func $both (type $v) (i32.const 4))
  (func $dead (param i64) (drop (call $gone)))
  (func $gone (type $v) (i32.const 6))
  (func (export "f") (param i32) (result i32) (call $caller (local.get 0)))
  (func $caller (param i32) (result i32) (call_indirect (type $v) (local.get 0))))
