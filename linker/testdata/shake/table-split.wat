;; A long run of slots that nobody can call splits the segment.
;;# functions=4 globals=0 tables=1 memories=0 data=0 elements=2 types=2 imports=
;;> f(1) => 1
;;> f(2) => trap
;;> f(12) => trap
;;> f(19) => 19
;;> f(20) => trap
(component
  (core module $m
    (type $v (func (result i32)))
    (table 21 funcref)
    (elem (i32.const 1) func $one
      $d $d $d $d $d $d $d $d $d $d $d $d $d $d $d $d $d $nineteen $d)
    (func $one (type $v) (call $same))
    (func $same (type $v) (i32.const 1))
    (func $nineteen (type $v) (i32.const 19))
    (func $d (param f32))
    (func (export "f") (param i32) (result i32) (call_indirect (type $v) (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f"))))
