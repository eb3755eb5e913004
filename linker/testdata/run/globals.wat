;; Globals of all types between instances: immutable ones initialise others,
;; by themselves and in extended constants, mutable ones are shared.
;;
;;> i() => 142
;;> l() => 5000000020
;;> f() => 1.5
;;> d() => -0
;;> v() => 3
;;> offset(5) => 120
;;> offset(6) => 0
;;> slot(0) => 77
;;> slot(1) => trap
;;> slot(2) => 78
;;> slot(3) => 77
;;> set(5); get(); read-b() => ; 5; 5
;;> get() => 9
(component
  (core module $A
    (global (export "i") i32 (i32.const 42))
    (global (export "l") i64 (i64.const 5000000000))
    (global (export "f") f32 (f32.const 1.5))
    (global (export "d") f64 (f64.const -0.0))
    (global (export "v") v128 (v128.const i32x4 1 2 3 4))
    (global (export "fn") funcref (ref.func $seven))
    (global $m (export "m") (mut i32) (i32.const 9))
    (func $seven (result i32) (i32.const 77))
    (func (export "set") (param i32) (global.set $m (local.get 0)))
    (func (export "get") (result i32) (global.get $m)))
  (core module $B
    (type $fn (func (result i32)))
    (import "a" "i" (global $i i32))
    (import "a" "l" (global $l i64))
    (import "a" "f" (global $f f32))
    (import "a" "d" (global $d f64))
    (import "a" "v" (global $v v128))
    (import "a" "fn" (global $fn funcref))
    (import "a" "m" (global $m (mut i32)))
    (memory 1)
    (table 4 funcref)
    (global $i2 i32 (i32.add (global.get $i) (i32.mul (i32.const 10) (i32.sub (i32.const 15) (i32.const 5)))))
    (global $l2 (mut i64) (i64.add (global.get $l) (i64.mul (i64.const 4) (i64.const 5))))
    (global $f2 (mut f32) (global.get $f))
    (global $d2 f64 (global.get $d))
    (global $v2 (mut v128) (global.get $v))
    (global $fn2 funcref (global.get $fn))
    ;; 42 - 37 = 5
    (data (offset (i32.sub (global.get $i) (i32.const 37))) "x")
    (elem (i32.const 0) funcref (global.get $fn) (ref.null func) (ref.func $eight) (global.get $fn2))
    (func $eight (result i32) (i32.const 78))
    (func (export "i") (result i32) (global.get $i2))
    (func (export "l") (result i64) (global.get $l2))
    (func (export "f") (result f32) (global.get $f2))
    (func (export "d") (result f64) (global.get $d2))
    (func (export "v") (result i32) (i32x4.extract_lane 2 (global.get $v2)))
    (func (export "m") (result i32) (global.get $m))
    (func (export "offset") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "slot") (param i32) (result i32) (call_indirect (type $fn) (local.get 0))))
  (core instance $a (instantiate $A))
  (core instance $b (instantiate $B (with "a" (instance $a))))
  (func (export "i") (result u32) (canon lift (core func $b "i")))
  (func (export "l") (result u64) (canon lift (core func $b "l")))
  (func (export "f") (result f32) (canon lift (core func $b "f")))
  (func (export "d") (result f64) (canon lift (core func $b "d")))
  (func (export "v") (result u32) (canon lift (core func $b "v")))
  (func (export "offset") (param "at" u32) (result u32) (canon lift (core func $b "offset")))
  (func (export "slot") (param "i" u32) (result u32) (canon lift (core func $b "slot")))
  (func (export "set") (param "v" u32) (canon lift (core func $a "set")))
  (func (export "get") (result u32) (canon lift (core func $a "get")))
  (func (export "read-b") (result u32) (canon lift (core func $b "m"))))
