;; A destructor throws while another component drops its handle.
;; call run() = trap
(component
  (component $a
    (core module $m
      (tag $t)
      (func (export "dtor") (param i32) (throw $t)))
    (core instance $i (instantiate $m))
    (type $r' (resource (rep i32) (dtor (core func $i "dtor"))))
    (core func $new (canon resource.new $r'))
    (core module $n
      (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (result i32) (call $new (i32.const 5))))
    (core instance $j (instantiate $n (with "" (instance (export "new" (func $new))))))
    (export $r "r" (type $r'))
    (func (export "make") (result (own $r)) (canon lift (core func $j "make"))))
  (component $b
    (import "a" (instance $a
      (export "r" (type $r (sub resource)))
      (export "make" (func (result (own $r))))))
    (alias export $a "r" (type $r))
    (core func $make (canon lower (func $a "make")))
    (core func $drop (canon resource.drop $r))
    (core module $m
      (import "" "make" (func $make (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "run") (result i32)
        (block $caught
          (try_table (catch_all $caught) (call $drop (call $make)))
          (return (i32.const 2)))
        (i32.const 1)))
    (core instance $i (instantiate $m (with "" (instance (export "make" (func $make)) (export "drop" (func $drop))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $a (instantiate $a))
  (instance $b (instantiate $b (with "a" (instance $a))))
  (export "run" (func $b "run")))
