;; Asks the host for three versions of WASI.
(component
  (import "wasi:clocks/monotonic-clock@0.2.6" (instance $clock
    (export "now" (func (result u64)))))
  (import "wasi:clocks/monotonic-clock@0.2.12" (instance $newer
    (export "resolution" (func (result u64)))))
  (import "wasi:random/random@0.2.9" (instance $random
    (export "get-random-u64" (func (result u64)))))
  (core func $now (canon lower (func $clock "now")))
  (core func $resolution (canon lower (func $newer "resolution")))
  (core func $random (canon lower (func $random "get-random-u64")))
  (core module $M
    (import "" "now" (func $now (result i64)))
    (import "" "resolution" (func $resolution (result i64)))
    (import "" "random" (func $random (result i64)))
    (func (export "run") (result i32)
      (drop (call $random))
      (i32.and (i64.ne (call $now) (i64.const 0)) (i64.ne (call $resolution) (i64.const 0)))))
  (core instance $m (instantiate $M (with "" (instance
    (export "now" (func $now)) (export "resolution" (func $resolution)) (export "random" (func $random))))))
  (func (export "run") (result bool) (canon lift (core func $m "run"))))
