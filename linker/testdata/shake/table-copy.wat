;; table.copy makes the calls on its destination calls on its source, through
;; any number of tables; what no call asks for is free in all of them.
;;# functions=4 globals=0 tables=3 memories=0 data=0 elements=1 types=3 imports=
;;> copy(); f(0) => ; trap
;;> copy(); f(1) => ; 2
;;> f(1) => trap
(component
  (core module $m
    (type $v (func (result i32)))
    (table $a 2 funcref)
    (table $b 2 funcref)
    (table $c 2 funcref)
    (elem (table $a) (i32.const 0) func $one $two)
    (func $one (param f64))
    (func $two (type $v) (call $more))
    (func $more (type $v) (i32.const 2))
    (func (export "copy")
      (table.copy $b $a (i32.const 0) (i32.const 0) (i32.const 2))
      (table.copy $c $b (i32.const 0) (i32.const 0) (i32.const 2)))
    (func (export "f") (param i32) (result i32) (call_indirect $c (type $v) (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f")))
  (func (export "copy") (canon lift (core func $i "copy"))))
