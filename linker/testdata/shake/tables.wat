;; A live indirect call keeps its table, the elements in it and what they
;; call; another table goes. Passive elements stay with their table.init.
;;# functions=5 globals=0 tables=1 memories=0 data=0 elements=2 types=3 imports=
;;> f(0) => 1
;;> f(1) => 2
;;> f(2) => trap
;;> g(); f(2) => ; 3
(component
  (core module $m
    (type $t (func (result i32)))
    (table $live 3 funcref)
    (table $dead 3 funcref)
    (elem (table $live) (i32.const 0) func $one $two)
    (elem (table $dead) (i32.const 0) func $four $one)
    (elem $passive func $three)
    (elem $passive-dead func $four)
    (func $one (result i32) (i32.const 1))
    (func $two (result i32) (i32.const 2))
    (func $three (result i32) (i32.const 3))
    (func $four (result i32) (i32.const 4))
    (func (export "f") (param i32) (result i32) (call_indirect $live (type $t) (local.get 0)))
    (func (export "g") (table.init $live $passive (i32.const 2) (i32.const 0) (i32.const 1)))
    (func (export "h") (param i32) (result i32)
      (table.init $dead $passive-dead (i32.const 2) (i32.const 0) (i32.const 1))
      (call_indirect $dead (type $t) (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f")))
  (func (export "g") (canon lift (core func $i "g"))))
