;; Slots written as expressions: what nobody can call goes as null does, and what
;; is left is written as function indices.
;;# functions=2 globals=0 tables=1 memories=0 data=0 elements=2 types=2 imports=
;;> f(0) => trap
;;> f(1) => 1
;;> f(2) => trap
;;> f(3) => 1
(component
  (core module $m
    (type $v (func (result i32)))
    (table 4 funcref)
    (elem (i32.const 0) funcref (ref.func $d) (ref.func $one) (ref.null func) (ref.func $one))
    (func $one (type $v) (i32.const 1))
    (func $d (param i64) (drop (call $one)))
    (func (export "f") (param i32) (result i32) (call_indirect (type $v) (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f"))))
