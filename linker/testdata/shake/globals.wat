;; A global that only initialises others is folded into them and goes; so do
;; types that no live item names, those of a recursion group together.
;;# functions=1 globals=1 tables=0 memories=0 data=0 elements=0 types=1 imports=
;;> f() => 42
(component
  (core module $env (global (export "g") i32 (i32.const 40)))
  (core module $m
    (rec (type $x (func (param (ref null $y)))) (type $y (func (param (ref null $x)))))
    (import "env" "g" (global $g i32))
    (global $h (mut i32) (i32.add (global.get $g) (i32.const 2)))
    (global $k i32 (global.get $g))
    (func $unused (type $x))
    (func (export "f") (result i32) (global.get $h)))
  (core instance $env (instantiate $env))
  (core instance $m (instantiate $m (with "env" (instance $env))))
  (func (export "f") (result u32) (canon lift (core func $m "f"))))
