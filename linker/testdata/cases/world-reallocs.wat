;; Two realloc functions of one memory: a core module has one cabi_realloc, a
;; component names one for each lift and lower.
;; refused core: different realloc functions
(component
  (core module $m
    (memory (export "m") 1)
    (func (export "r1") (param i32 i32 i32 i32) (result i32) i32.const 0)
    (func (export "r2") (param i32 i32 i32 i32) (result i32) i32.const 0)
    (func (export "put") (param i32 i32)))
  (core instance $i (instantiate $m))
  (func (export "a") (param "s" string) (canon lift (core func $i "put") (memory (core memory $i "m")) (realloc (core func $i "r1"))))
  (func (export "b") (param "s" string) (canon lift (core func $i "put") (memory (core memory $i "m")) (realloc (core func $i "r2")))))
