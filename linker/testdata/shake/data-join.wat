;; Segments next to each other become one, in whatever order they stand.
;;# functions=1 globals=0 tables=0 memories=1 data=1 elements=0 types=1 imports=
;;> f(10) => 97
;;> f(11) => 0
;;> f(13) => 98
;;> f(14) => 99
;;> f(15) => 0
;;> f(16) => 100
(component
  (core module $m
    (memory 1)
    (data (i32.const 14) "c\00d")
    (data (i32.const 10) "a")
    (data (i32.const 13) "b")
    (func (export "f") (param i32) (result i32) (i32.load8_u (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f"))))
