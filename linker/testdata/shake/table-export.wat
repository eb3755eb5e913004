;; The host has the table: everything in it stays.
;;# functions=3 globals=0 tables=1 memories=0 data=0 elements=1 types=3 imports=
;;> f(1) => 1
;;> f(0) => trap
(module
  (type $v (func (result i32)))
  (table (export "table") 2 funcref)
  (elem (i32.const 0) func $d $one)
  (func $d (param f64))
  (func $one (type $v) (i32.const 1))
  (func $unused (type $v) (i32.const 2))
  (func (export "f") (param i32) (result i32) (call_indirect (type $v) (local.get 0))))
