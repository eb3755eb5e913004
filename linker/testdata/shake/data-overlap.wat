;; Where segments overlap, the later one wins, with its zeros.
;;# functions=1 globals=0 tables=0 memories=1 data=2 elements=0 types=1 imports=
;;> f(8) => 97
;;> f(9) => 0
;;> f(10) => 98
;;> f(11) => 0
;;> f(12) => 100
(component
  (core module $m
    (memory 1)
    (data (i32.const 8) "axxyd")
    (data (i32.const 9) "\00b\00")
    (func (export "f") (param i32) (result i32) (i32.load8_u (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f"))))
