;; No start function: the segments of four instances overlap in the order of
;; the instances, the last one wins, and none has to be deferred.
;;
;;> peek(0) => 49
;;> peek(1) => 50
;;> peek(2) => 51
;;> peek(3) => 52
;;> peek(4) => 52
;;> slot(0) => 1
;;> slot(1) => 2
;;> slot(2) => 2
(component
  (core module $A
    (type $f (func (result i32)))
    (memory (export "mem") 1)
    (table (export "tab") 3 funcref)
    (data (i32.const 0) "11111")
    (elem (i32.const 0) func $one $one $one)
    (func $one (result i32) (i32.const 1))
    (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "slot") (param i32) (result i32) (call_indirect (type $f) (local.get 0))))
  (core module $B
    (import "a" "mem" (memory 1))
    (import "a" "tab" (table 3 funcref))
    (data (i32.const 1) "2222")
    (elem (i32.const 1) func $two $two)
    (func $two (result i32) (i32.const 2)))
  (core module $C
    (import "a" "mem" (memory 1))
    (data (i32.const 2) "3")
    (data (i32.const 3) "33"))
  (core module $D
    (import "a" "mem" (memory 1))
    (data (i32.const 3) "44"))
  (core instance $a (instantiate $A))
  (core instance $b (instantiate $B (with "a" (instance $a))))
  (core instance $c (instantiate $C (with "a" (instance $a))))
  (core instance $d (instantiate $D (with "a" (instance $a))))
  (func (export "peek") (param "at" u32) (result u32) (canon lift (core func $a "peek")))
  (func (export "slot") (param "i" u32) (result u32) (canon lift (core func $a "slot"))))
