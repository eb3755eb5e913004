;; Two realloc functions of one memory: a core module has one cabi_realloc, a
;; component names one for each lift and lower. Each gets its own parameters.
;; call a("one") = 1003
;; call b("three") = 2005
;; call a("") = 1000
(component
  (core module $m
    (memory (export "m") 1)
    (global $next (mut i32) (i32.const 1024))
    (global $who (mut i32) (i32.const 0))
    (func $alloc (param $align i32) (param $size i32) (result i32)
      (global.set $next (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.get $next)
      (global.set $next (i32.add (global.get $next) (local.get $size))))
    (func (export "r1") (param i32 i32 i32 i32) (result i32)
      (global.set $who (i32.const 1000))
      (call $alloc (local.get 2) (local.get 3)))
    (func (export "r2") (param i32 i32 i32 i32) (result i32)
      (global.set $who (i32.const 2000))
      (call $alloc (local.get 2) (local.get 3)))
    (func (export "put") (param i32 i32) (result i32)
      (i32.add (global.get $who) (local.get 1))))
  (core instance $i (instantiate $m))
  (func (export "a") (param "s" string) (result u32) (canon lift (core func $i "put") (memory (core memory $i "m")) (realloc (core func $i "r1"))))
  (func (export "b") (param "s" string) (result u32) (canon lift (core func $i "put") (memory (core memory $i "m")) (realloc (core func $i "r2")))))
