;; A start function is the only caller of a lowered function: its adapter must
;; exist although no export reaches it.
;; call get() = 7
(component
  (component $a
    (core module $m (func (export "f") (result i32) i32.const 7))
    (core instance $i (instantiate $m))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (instance $a (instantiate $a))
  (component $b
    (import "f" (func $f (result u32)))
    (core func $f' (canon lower (func $f)))
    (core module $m
      (import "" "f" (func $f (result i32)))
      (global $g (mut i32) (i32.const 0))
      (func $start (global.set $g (call $f)))
      (func (export "get") (result i32) global.get $g)
      (start $start))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f'))))))
    (func (export "get") (result u32) (canon lift (core func $i "get"))))
  (instance $b (instantiate $b (with "f" (func $a "f"))))
  (export "get" (func $b "get")))
