;; A start function stays with all it reaches, even when no export needs it.
;;# functions=2 globals=1 tables=0 memories=1 data=1 elements=0 types=2 imports=
;;> f() => 1
(component
  (core module $a
    (memory (export "mem") 1)
    (data (i32.const 0) "kept: the start function reads it"))
  (core module $b
    (import "a" "mem" (memory 1))
    (global $seen (mut i32) (i32.const 0))
    (func $s (global.set $seen (i32.load8_u (i32.const 0))))
    (start $s)
    (func (export "never") (result i32) (global.get $seen)))
  (core module $c
    (func (export "f") (result i32) (i32.const 1)))
  (core instance $a (instantiate $a))
  (core instance $b (instantiate $b (with "a" (instance $a))))
  (core instance $c (instantiate $c))
  (func (export "f") (result u32) (canon lift (core func $c "f"))))
