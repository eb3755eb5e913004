;; A start function without any effect goes, and what only it calls.
;;# functions=1 globals=1 tables=0 memories=0 data=0 elements=0 types=1 imports=
;;> f() => 5
(component
  (core module $m
    (memory 1)
    (global $g (mut i32) (i32.const 5))
    (func $start (local i32)
      (local.set 0 (call $sum (i32.const 1) (global.get $g)))
      (if (i32.lt_s (local.get 0) (memory.size)) (then (local.set 0 (i32.const 3))) (else (return))))
    (func $sum (param i32 i32) (result i32) (i32.add (local.get 0) (i32.mul (local.get 1) (i32.const 3))))
    (start $start)
    (func (export "f") (result i32) (global.get $g)))
  (core instance $i (instantiate $m))
  (func (export "f") (result u32) (canon lift (core func $i "f"))))
