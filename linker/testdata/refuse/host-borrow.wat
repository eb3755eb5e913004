;; A borrow of the host's resource that one component lends another.
;;< any: borrow | host's resource "r"
(component
  (import "host:res/things" (instance $h
    (export "r" (type $r (sub resource)))
    (export "make" (func (result (own $r))))))
  (alias export $h "r" (type $r))
  (component $provider
    (import "host:res/things" (instance $h (export "r" (type $r (sub resource)))))
    (alias export $h "r" (type $r))
    (core func $drop (canon resource.drop $r))
    (core module $m
      (import "" "drop" (func $drop (param i32)))
      (func (export "f") (param i32) (result i32) (call $drop (local.get 0)) (i32.const 1)))
    (core instance $i (instantiate $m (with "" (instance (export "drop" (func $drop))))))
    (func (export "use") (param "r" (borrow $r)) (result u32) (canon lift (core func $i "f"))))
  (instance $p (instantiate $provider (with "host:res/things" (instance $h))))
  (component $consumer
    (import "host:res/things" (instance $h
      (export "r" (type $r (sub resource)))
      (export "make" (func (result (own $r))))))
    (alias export $h "r" (type $r))
    (import "use" (func $use (param "r" (borrow $r)) (result u32)))
    (core func $make (canon lower (func $h "make")))
    (core func $use (canon lower (func $use)))
    (core module $m
      (import "" "make" (func $make (result i32)))
      (import "" "use" (func $use (param i32) (result i32)))
      (func (export "f") (result i32) (call $use (call $make))))
    (core instance $i (instantiate $m (with "" (instance (export "make" (func $make)) (export "use" (func $use))))))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (instance $c (instantiate $consumer (with "host:res/things" (instance $h)) (with "use" (func $p "use"))))
  (export "f" (func $c "f")))
