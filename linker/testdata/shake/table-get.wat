;; table.get makes values of what is in a table: all of it is live, whatever the
;; calls, and an empty slot stays one.
;;# functions=4 globals=0 tables=2 memories=0 data=0 elements=1 types=3 imports=
;;> f(0) => 1
;;> f(1) => 2
;;> f(2) => 7
(component
  (core module $m
    (type $v (func (result i32)))
    (table $a 3 funcref)
    (table $b 1 funcref)
    (elem (table $a) (i32.const 0) func $one $two)
    (func $one (type $v) (i32.const 1))
    (func $two (type $v) (i32.const 2))
    (func $unused (type $v) (i32.const 3))
    (func $check (param funcref) (result i32) (ref.is_null (local.get 0)))
    (func (export "f") (param i32) (result i32)
      (if (call $check (table.get $a (local.get 0))) (then (return (i32.const 7))))
      (table.set $b (i32.const 0) (table.get $a (local.get 0)))
      (call_indirect $b (type $v) (i32.const 0))))
  (core instance $i (instantiate $m))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f"))))
