;; Three core instances over one memory, table and global: each initialises
;; its tables and memories, then runs its start function, before the next one
;; does. One module would write all segments first; the bundle has to defer
;; those that overwrite what a start function wrote, or that one reads.
;;
;;> peek(0) => 98
;;> peek(1) => 98
;;> peek(2) => 99
;;> peek(3) => 97
;;> log() => 1234
;;> slot(0) => 20
;;> slot(1) => 31
;;> slot(2) => 12
;;> slot(3) => trap
;;> slot(4) => trap
(component
  (core module $A
    (type $f (func (result i32)))
    (memory (export "mem") 1)
    (table $t (export "tab") 4 funcref)
    (global $log (export "log") (mut i32) (i32.const 0))
    (data (i32.const 0) "aaaa")
    (elem (i32.const 0) func $a0 $a1 $a2)
    (func $a0 (result i32) (i32.const 10))
    (func $a1 (result i32) (i32.const 11))
    (func $a2 (result i32) (i32.const 12))
    ;; b's data comes after this store
    (func $start
      (i32.store8 (i32.const 1) (i32.const 0x31))
      (global.set $log (i32.const 1)))
    (start $start)
    (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "get") (result i32) (global.get $log))
    (func (export "slot") (param i32) (result i32) (call_indirect (type $f) (local.get 0))))
  (core module $B
    (import "a" "mem" (memory 1))
    (import "a" "tab" (table 4 funcref))
    (import "a" "log" (global $log (mut i32)))
    (data (i32.const 1) "xx")
    (data (i32.const 1) "b")
    (elem (i32.const 0) func $b0 $b1)
    (func $b0 (result i32) (i32.const 20))
    (func $b1 (result i32) (i32.const 21))
    ;; log 2 when its data is there and c's is not, else 9
    (func $start
      (global.set $log (i32.add (i32.mul (global.get $log) (i32.const 10))
        (if (result i32) (i32.eq (i32.load16_u (i32.const 1)) (i32.const 0x7862))
          (then (i32.const 2)) (else (i32.const 9)))))
      (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1))))
    (start $start))
  (core module $C
    (type $f (func (result i32)))
    (import "a" "mem" (memory 1))
    (import "a" "tab" (table $t 4 funcref))
    (import "a" "log" (global $log (mut i32)))
    (data (i32.const 2) "c")
    (elem (i32.const 1) func $c0)
    (func $c0 (result i32) (i32.const 31))
    ;; log 34 when slot 0 is b's and slot 1 its own
    (func $start
      (global.set $log (i32.add (i32.mul (global.get $log) (i32.const 100))
        (if (result i32) (i32.eq (i32.const 51)
            (i32.add (call_indirect (type $f) (i32.const 0)) (call_indirect (type $f) (i32.const 1))))
          (then (i32.const 34)) (else (i32.const 99))))))
    (start $start))
  (core instance $a (instantiate $A))
  (core instance $b (instantiate $B (with "a" (instance $a))))
  (core instance $c (instantiate $C (with "a" (instance $a))))
  (func (export "peek") (param "at" u32) (result u32) (canon lift (core func $a "peek")))
  (func (export "log") (result u32) (canon lift (core func $a "get")))
  (func (export "slot") (param "i" u32) (result u32) (canon lift (core func $a "slot"))))
