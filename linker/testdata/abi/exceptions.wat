;; An exception that nobody catches inside a component traps at its border;
;; between core instances of one component it is caught.
;;
;;> inside() => 5
;;> outside() => trap
(component
  (component $thrower
    (core module $m
      (tag $t (export "t") (param i32))
      (func (export "throw") (result i32) (throw $t (i32.const 5))))
    (core instance $i (instantiate $m))
    (core module $c
      (import "m" "t" (tag $t (param i32)))
      (import "m" "throw" (func $throw (result i32)))
      (func (export "caught") (result i32)
        (block $h (result i32)
          (return (try_table (result i32) (catch $t $h) (call $throw))))))
    (core instance $c (instantiate $c (with "m" (instance $i))))
    (func (export "throw") (result u32) (canon lift (core func $i "throw")))
    (func (export "caught") (result u32) (canon lift (core func $c "caught"))))
  (component $catcher
    (import "throw" (func $throw (result u32)))
    (core func $throw (canon lower (func $throw)))
    (core module $m
      (import "" "throw" (func $throw (result i32)))
      (func (export "caught") (result i32)
        (block $h
          (return (try_table (result i32) (catch_all $h) (call $throw))))
        (i32.const 9)))
    (core instance $i (instantiate $m (with "" (instance (export "throw" (func $throw))))))
    (func (export "f") (result u32) (canon lift (core func $i "caught"))))
  (instance $t (instantiate $thrower))
  (instance $c (instantiate $catcher (with "throw" (func $t "throw"))))
  (export "inside" (func $t "caught"))
  (export "outside" (func $c "f")))
