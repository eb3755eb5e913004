;; Free slots between live ones hold one function that traps, which is shorter
;; than null and than further segments.
;;# functions=4 globals=0 tables=1 memories=0 data=0 elements=1 types=1 imports=
;;> f(0) => 1
;;> f(1) => trap
;;> f(2) => 1
;;> f(5) => 2
;;> f(6) => trap
;;> f(8) => 1
(component
  (core module $m
    (type $v (func (param i32) (result i32)))
    (table 10 funcref)
    (elem (i32.const 0) func $one $d $one $d $one $two $d $one $one $d)
    (func $one (type $v) (i32.const 1))
    (func $two (type $v) (i32.const 2))
    (func $d (param f64) (drop (call $gone)))
    (func $gone (result f32) (f32.const 0))
    (func (export "f") (param i32) (result i32) (call_indirect (type $v) (local.get 0) (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f"))))
