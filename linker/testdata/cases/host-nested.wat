;; An instance inside an imported instance. WIT has no such worlds; wasm does.
;; call get() = 4
(component
  (import "host" (instance $host
    (export "nested" (instance (export "four" (func (result u32)))))))
  (import "empty" (instance (export "x" (instance))))
  (alias export $host "nested" (instance $nested))
  (core func $four (canon lower (func $nested "four")))
  (core module $m
    (import "" "four" (func $four (result i32)))
    (func (export "get") (result i32) (call $four)))
  (core instance $i (instantiate $m (with "" (instance (export "four" (func $four))))))
  (func (export "get") (result u32) (canon lift (core func $i "get"))))
