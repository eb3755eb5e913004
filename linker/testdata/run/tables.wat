;; One table that two instances see, with every instruction for tables, and
;; indirect calls from each into the other.
;;
;;> a-call(0) => 10
;;> b-call(0) => 10
;;> a-call(1) => trap
;;> b-init(1, 0, 2); a-call(1); a-call(2); b-call(2) => ; 21; 22; 22
;;> b-init(3, 0, 2) => trap
;;> b-drop(); b-init(1, 0, 1) => ; trap
;;> b-drop(); b-init(1, 0, 0) => ; 
;;> b-init(2, 1, 1); a-call(2) => ; 22
;;> copy(1, 0, 1); b-call(1) => ; 10
;;> copy(3, 0, 2) => trap
;;> set(1); a-call(1) => ; 23
;;> size(); grow(2); size(); a-call(5) => 4; 4; 6; trap
;;> grow(100) => 4294967295
;;> fill(0, 4); b-call(3) => ; 23
;;> fill(1, 4) => trap
;;> is-null(1); is-null(0) => 1; 0
;;> a-other-type(0) => trap
;;> b-private() => 24
(component
  (core module $A
    (type $f (func (result i32)))
    (type $g (func (result i64)))
    (table $t (export "tab") 4 8 funcref)
    (elem (i32.const 0) func $ten)
    (func $ten (result i32) (i32.const 10))
    (func (export "call") (param i32) (result i32) (call_indirect $t (type $f) (local.get 0)))
    (func (export "other") (param i32) (result i32) (i32.wrap_i64 (call_indirect $t (type $g) (local.get 0))))
    (func (export "copy") (param i32 i32 i32) (table.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "size") (result i32) (table.size $t))
    (func (export "grow") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))
    (func (export "is-null") (param i32) (result i32) (ref.is_null (table.get $t (local.get 0)))))
  (core module $B
    (type $f (func (result i32)))
    (import "a" "tab" (table $t 4 8 funcref))
    (table $own 2 2 funcref)
    (elem $e func $f1 $f2)
    (elem (table $own) (i32.const 1) func $f4)
    (elem declare func $f3)
    (func $f1 (result i32) (i32.const 21))
    (func $f2 (result i32) (i32.const 22))
    (func $f3 (result i32) (i32.const 23))
    (func $f4 (result i32) (i32.const 24))
    (func (export "call") (param i32) (result i32) (call_indirect $t (type $f) (local.get 0)))
    (func (export "init") (param i32 i32 i32) (table.init $t $e (local.get 0) (local.get 1) (local.get 2)))
    (func (export "drop") (elem.drop $e))
    (func (export "set") (param i32) (table.set $t (local.get 0) (ref.func $f3)))
    (func (export "fill") (param i32 i32) (table.fill $t (local.get 0) (ref.func $f3) (local.get 1)))
    (func (export "private") (result i32) (call_indirect $own (type $f) (i32.const 1))))
  (core instance $a (instantiate $A))
  (core instance $b (instantiate $B (with "a" (instance $a))))
  (func (export "a-call") (param "i" u32) (result u32) (canon lift (core func $a "call")))
  (func (export "b-call") (param "i" u32) (result u32) (canon lift (core func $b "call")))
  (func (export "a-other-type") (param "i" u32) (result u32) (canon lift (core func $a "other")))
  (func (export "copy") (param "d" u32) (param "s" u32) (param "n" u32) (canon lift (core func $a "copy")))
  (func (export "size") (result u32) (canon lift (core func $a "size")))
  (func (export "grow") (param "n" u32) (result u32) (canon lift (core func $a "grow")))
  (func (export "is-null") (param "i" u32) (result u32) (canon lift (core func $a "is-null")))
  (func (export "b-init") (param "d" u32) (param "s" u32) (param "n" u32) (canon lift (core func $b "init")))
  (func (export "b-drop") (canon lift (core func $b "drop")))
  (func (export "set") (param "i" u32) (canon lift (core func $b "set")))
  (func (export "fill") (param "i" u32) (param "n" u32) (canon lift (core func $b "fill")))
  (func (export "b-private") (result u32) (canon lift (core func $b "private"))))
