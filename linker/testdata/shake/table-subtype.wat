;; A call of a type reaches functions of its subtypes, and of no supertype.
;;~ subtypes of functions
;;# functions=4 globals=0 tables=1 memories=0 data=0 elements=1 types=4 imports=
;;> f(0) => 1
;;> f(1) => 2
;;> f(2) => trap
(component
  (core module $m
    (type $top (sub (func (result i32))))
    (type $mid (sub $top (func (result i32))))
    (type $low (sub final $mid (func (result i32))))
    (table 3 funcref)
    (elem (i32.const 0) func $low $mid $top)
    (func $low (type $low) (i32.const 1))
    (func $mid (type $mid) (call $more))
    (func $more (result i32) (i32.const 2))
    (func $top (type $top) (i32.const 3))
    (func (export "f") (param i32) (result i32) (call_indirect (type $mid) (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f"))))
