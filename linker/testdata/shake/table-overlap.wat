;; A later segment puts a function that nobody can call where an earlier one put
;; one that somebody can. The slot must not become the earlier one again.
;;# functions=3 globals=0 tables=1 memories=0 data=0 elements=2 types=2 imports=
;;> f(0) => 1
;;> f(1) => trap
;;> f(2) => 2
(component
  (core module $m
    (type $v (func (result i32)))
    (table 3 funcref)
    (elem (i32.const 0) func $one $one)
    (elem (i32.const 1) func $d $two)
    (func $one (type $v) (i32.const 1))
    (func $two (type $v) (i32.const 2))
    (func $d (param f32))
    (func (export "f") (param i32) (result i32) (call_indirect (type $v) (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f"))))
