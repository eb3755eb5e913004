;; An adapter that nobody calls does not keep its callee, its realloc, its
;; post-return, nor the memories between which it would copy.
;;# functions=1 globals=0 tables=0 memories=0 data=0 elements=0 types=1 imports=
;;> f() => 3
(component
  (component $provider
    (core module $m
      (memory (export "mem") 1)
      (data (i32.const 0) "string")
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
      (func (export "post") (param i32))
      (func (export "s") (param i32 i32) (result i32) (i32.const 0)))
    (core instance $i (instantiate $m))
    (func (export "s") (param "s" string) (result string)
      (canon lift (core func $i "s") (memory (core memory $i "mem")) (realloc (core func $i "realloc")) (post-return (core func $i "post")))))
  (instance $p (instantiate $provider))
  (component $consumer
    (import "s" (func $s (param "s" string) (result string)))
    (core module $libc
      (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
    (core instance $libc (instantiate $libc))
    (core func $s (canon lower (func $s) (memory (core memory $libc "mem")) (realloc (core func $libc "realloc"))))
    (core module $m
      (import "" "s" (func $s (param i32 i32 i32)))
      (func (export "unused") (call $s (i32.const 0) (i32.const 0) (i32.const 0)))
      (func (export "f") (result i32) (i32.const 3)))
    (core instance $i (instantiate $m (with "" (instance (export "s" (func $s))))))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (instance $c (instantiate $consumer (with "s" (func $p "s"))))
  (export "f" (func $c "f")))
