;; A segment that fits only since a start function made the memory and the
;; table larger: whether it fits is decided when its turn comes.
;;
;;> peek(65536) => 120
;;> slot(2) => 7
;;> peek(131072) => trap
(component
  (core module $A
    (type $f (func (result i32)))
    (memory (export "mem") 1 2)
    (table $t (export "tab") 2 4 funcref)
    (func $s
      (drop (memory.grow (i32.const 1)))
      (drop (table.grow $t (ref.null func) (i32.const 1))))
    (start $s)
    (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "slot") (param i32) (result i32) (call_indirect (type $f) (local.get 0))))
  (core module $B
    ;; a component is validated with the declared sizes
    (import "a" "mem" (memory 1))
    (import "a" "tab" (table 2 funcref))
    (func $seven (result i32) (i32.const 7))
    (data (i32.const 65536) "x")
    (elem (i32.const 2) func $seven))
  (core instance $a (instantiate $A))
  (core instance $b (instantiate $B (with "a" (instance $a))))
  (func (export "peek") (param "at" u32) (result u32) (canon lift (core func $a "peek")))
  (func (export "slot") (param "i" u32) (result u32) (canon lift (core func $a "slot"))))
