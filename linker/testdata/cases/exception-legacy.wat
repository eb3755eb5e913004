;; A module uses the older exception instructions, which engines do not accept
;; beside the standard ones: guards use them too, and no try_table.
;; not run
(component
  (component $a
    (core module $m
      (tag $t)
      (func (export "f") (param i32) (if (local.get 0) (then (throw $t)))))
    (core instance $i (instantiate $m))
    (func (export "f") (param "throw" bool) (canon lift (core func $i "f"))))
  (component $b
    (import "f" (func $f (param "throw" bool)))
    (core func $f' (canon lower (func $f)))
    (core module $m
      (import "" "f" (func $f (param i32)))
      (tag $t)
      (func $try (param i32) (result i32)
        try (result i32)
          (call $f (local.get 0))
          i32.const 2
        catch $t
          i32.const 1
        end)
      (func (export "fine") (result i32) (call $try (i32.const 0)))
      (func (export "run") (result i32) (call $try (i32.const 1))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f'))))))
    (func (export "fine") (result u32) (canon lift (core func $i "fine")))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $a (instantiate $a))
  (instance $b (instantiate $b (with "f" (func $a "f"))))
  (export "fine" (func $b "fine"))
  (export "run" (func $b "run")))
