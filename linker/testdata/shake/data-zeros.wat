;; Memory is zero to begin with: zeros at the ends go, a long run of them splits
;; the segment, a short one does not. Nothing is left of one that is zero.
;;# functions=1 globals=0 tables=0 memories=1 data=2 elements=0 types=1 imports=
;;> f(8) => 0
;;> f(12) => 97
;;> f(13) => 0
;;> f(15) => 98
;;> f(45) => 0
;;> f(46) => 99
;;> f(47) => 0
;;> f(100) => 0
(component
  (core module $m
    (memory (export "mem") 1)
    (data (i32.const 8) "\00\00\00\00a\00\00b\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00c\00\00")
    (data (i32.const 96) "\00\00\00\00\00")
    (func (export "f") (param i32) (result i32) (i32.load8_u (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f"))))
