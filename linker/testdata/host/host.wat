;; Two components and the host: the numbers that the host sees come in the
;; order of the calls.
;;
(component
  (import "host:log/sink" (instance $sink (export "put" (func (param "n" u32) (result u32)))))
  (component $provider
    (import "host:log/sink" (instance $sink (export "put" (func (param "n" u32) (result u32)))))
    (core func $put (canon lower (func $sink "put")))
    (core module $m
      (import "" "put" (func $put (param i32) (result i32)))
      (func (export "f") (result i32) (call $put (i32.const 2))))
    (core instance $i (instantiate $m (with "" (instance (export "put" (func $put))))))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (component $consumer
    (import "host:log/sink" (instance $sink (export "put" (func (param "n" u32) (result u32)))))
    (import "f" (func $f (result u32)))
    (core func $put (canon lower (func $sink "put")))
    (core func $f (canon lower (func $f)))
    (core module $m
      (import "" "put" (func $put (param i32) (result i32)))
      (import "" "f" (func $f (result i32)))
      (func (export "zero") (result i32) (i32.const 0))
      (func (export "run") (result i32)
        (i32.add (i32.add (call $put (i32.const 1)) (call $f)) (call $put (i32.const 3)))))
    (core instance $i (instantiate $m (with "" (instance (export "put" (func $put)) (export "f" (func $f))))))
    (func (export "zero") (result u32) (canon lift (core func $i "zero")))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $p (instantiate $provider (with "host:log/sink" (instance $sink))))
  (instance $c (instantiate $consumer (with "host:log/sink" (instance $sink)) (with "f" (func $p "f"))))
  (export "zero" (func $c "zero"))
  (export "run" (func $c "run")))
