;; One module, three instances: each has its own memory, table, global,
;; passive segments; the second imports from the first.
;;
;;> count-x(); count-x(); count-y(); count-z() => 1; 2; 1; 101
;;> poke-x(8, 5); peek-x(8); peek-y(8); peek-z(8) => ; 5; 104; 104
;;> drop-x(); init-y(0) => ; 112
;;> drop-x(); init-x(0) => ; trap
;;> grow-y(1); size-x(); size-y(); size-z() => 1; 1; 2; 1
;;> set-x(); call-x(); call-y() => ; 1; trap
(component
  (core module $M
    (type $f (func (result i32)))
    (import "env" "first" (global $first i32))
    (memory (export "mem") 1 3)
    (table $t 1 funcref)
    (global $n (mut i32) (global.get $first))
    (data (i32.const 8) "hello")
    (data $p "passive")
    (elem declare func $count)
    (func $count (export "count") (result i32)
      (global.set $n (i32.add (global.get $n) (i32.const 1)))
      (global.get $n))
    (func (export "poke") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "drop") (data.drop $p))
    (func (export "init") (param i32) (result i32)
      (memory.init $p (local.get 0) (i32.const 0) (i32.const 7))
      (i32.load8_u (local.get 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "size") (result i32) (memory.size))
    (func (export "set") (table.set $t (i32.const 0) (ref.func $count)))
    (func (export "call") (result i32) (call_indirect $t (type $f) (i32.const 0))))
  (core module $zero (global (export "first") i32 (i32.const 0)))
  (core module $hundred (global (export "first") i32 (i32.const 100)))
  (core instance $zero (instantiate $zero))
  (core instance $hundred (instantiate $hundred))
  (core instance $x (instantiate $M (with "env" (instance $zero))))
  (core instance $y (instantiate $M (with "env" (instance $zero))))
  (core instance $z (instantiate $M (with "env" (instance $hundred))))
  (func (export "count-x") (result u32) (canon lift (core func $x "count")))
  (func (export "count-y") (result u32) (canon lift (core func $y "count")))
  (func (export "count-z") (result u32) (canon lift (core func $z "count")))
  (func (export "poke-x") (param "at" u32) (param "v" u32) (canon lift (core func $x "poke")))
  (func (export "peek-x") (param "at" u32) (result u32) (canon lift (core func $x "peek")))
  (func (export "peek-y") (param "at" u32) (result u32) (canon lift (core func $y "peek")))
  (func (export "peek-z") (param "at" u32) (result u32) (canon lift (core func $z "peek")))
  (func (export "drop-x") (canon lift (core func $x "drop")))
  (func (export "init-x") (param "at" u32) (result u32) (canon lift (core func $x "init")))
  (func (export "init-y") (param "at" u32) (result u32) (canon lift (core func $y "init")))
  (func (export "grow-y") (param "n" u32) (result u32) (canon lift (core func $y "grow")))
  (func (export "size-x") (result u32) (canon lift (core func $x "size")))
  (func (export "size-y") (result u32) (canon lift (core func $y "size")))
  (func (export "size-z") (result u32) (canon lift (core func $z "size")))
  (func (export "set-x") (canon lift (core func $x "set")))
  (func (export "call-x") (result u32) (canon lift (core func $x "call")))
  (func (export "call-y") (result u32) (canon lift (core func $y "call"))))
