;; A passive segment keeps its zeros, because memory.init counts them. One that
;; is only dropped, or that is active and empty when instructions name it, is one empty segment.
;;# functions=4 globals=0 tables=0 memories=1 data=3 elements=0 types=3 imports=
;;> init(4); f(0) => ; 0
;;> init(4); f(1) => ; 97
;;> init(5) => trap
;;> drop(); init(1) => ; trap
;;> drop(); drop(); init(0) => ; ; 
;;> active(0) => 
;;> active(1) => trap
;;> f(32) => 98
(component
  (core module $m
    (memory 1)
    (data $p "\00a\00\00")
    (data $only-dropped "never read")
    (data $active (i32.const 32) "b\00\00")
    (data $zero (i32.const 64) "\00")
    (func (export "init") (param i32) (memory.init $p (i32.const 0) (i32.const 0) (local.get 0)))
    (func (export "active") (param i32) (memory.init $active (i32.const 0) (i32.const 0) (local.get 0)))
    (func (export "drop") (data.drop $p) (data.drop $only-dropped) (data.drop $active) (data.drop $zero))
    (func (export "f") (param i32) (result i32) (i32.load8_u (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f")))
  (func (export "init") (param "n" u32) (canon lift (core func $i "init")))
  (func (export "active") (param "n" u32) (canon lift (core func $i "active")))
  (func (export "drop") (canon lift (core func $i "drop"))))
