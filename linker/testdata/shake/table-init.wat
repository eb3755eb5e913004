;; What table.init writes is live if the table's calls ask for it; the segment
;; keeps its length. A segment that is only dropped keeps nothing, and one that is
;; active is empty when it is named.
;;# functions=7 globals=0 tables=1 memories=0 data=0 elements=2 types=5 imports=
;;> fill(0, 3); f(0) => ; trap
;;> fill(0, 3); f(1) => ; 2
;;> fill(0, 3); f(2) => ; trap
;;> fill(0, 4) => trap
;;> f(3) => 9
;;> drop(); fill(0, 1) => ; trap
;;> drop(); fill(0, 0) => ; 
;;> again(0) => 
;;> again(1) => trap
(component
  (core module $m
    (type $v (func (result i32)))
    (table 4 funcref)
    (elem $p func $d $two $d)
    (elem $only-dropped func $gone $gone $gone)
    (elem $active (i32.const 3) func $nine)
    (func $d (param i64))
    (func $gone (type $v) (i32.const 5))
    (func $two (type $v) (i32.const 2))
    (func $nine (type $v) (i32.const 9))
    (func (export "fill") (param i32 i32) (table.init $p (i32.const 0) (local.get 0) (local.get 1)))
    (func (export "drop") (elem.drop $p) (elem.drop $only-dropped) (elem.drop $active))
    (func (export "again") (param i32) (table.init $active (i32.const 0) (i32.const 0) (local.get 0)))
    (func (export "f") (param i32) (result i32) (call_indirect (type $v) (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f")))
  (func (export "fill") (param "at" u32) (param "n" u32) (canon lift (core func $i "fill")))
  (func (export "again") (param "n" u32) (canon lift (core func $i "again")))
  (func (export "drop") (canon lift (core func $i "drop"))))
