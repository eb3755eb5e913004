;; A function in a table is live only if a call that is left asks for its type.
;; Slots at the ends go, those in the middle split the segment; what they held is
;; gone with all it calls. Every index answers as before.
;;# functions=7 globals=0 tables=1 memories=0 data=0 elements=2 types=2 imports=
;;> f(0) => trap
;;> f(1) => 1
;;> f(2) => trap
;;> f(3) => trap
;;> f(4) => 4
;;> f(5) => trap
;;> f(6) => trap
;;> g(4) => 10
(component
  (core module $m
    (type $v (func (result i32)))
    (type $i (func (param i32) (result i32)))
    (type $l (func (param i64) (result i64)))
    (table 8 funcref)
    (elem (i32.const 0) func $dead $one $dead $dead2 $four $dead)
    (func $one (type $v) (i32.const 1))
    (func $four (type $v) (call $both))
    (func $both (type $v) (i32.const 4))
    ;; In the table, and live because of a call: its slot is free all the same.
    (func $dead (type $i) (call $only-dead) (i32.add (local.get 0)))
    (func $only-dead (type $v) (i32.const 6))
    (func $dead2 (type $l) (call $gone) (local.get 0))
    (func $gone)
    (func (export "f") (param i32) (result i32) (call_indirect (type $v) (local.get 0)))
    (func (export "g") (param i32) (result i32) (call $dead (local.get 0)))
    (func (export "h") (param i32) (result i32) (call_indirect (type $i) (local.get 0) (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f")))
  (func (export "g") (param "n" u32) (result u32) (canon lift (core func $i "g"))))
