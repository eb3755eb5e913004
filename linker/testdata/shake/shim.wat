;; A table of imports that a fixup module patches, as wit-component writes it
;; around imports that need the memory.
;;> run() => 5
(component
  (component $provider
    (core module $m
      (memory (export "mem") 1)
      (data (i32.const 0) "provider")
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 16))
      (func (export "len") (param i32 i32) (result i32) (local.get 1)))
    (core instance $i (instantiate $m))
    (func (export "len") (param "s" string) (result u32)
      (canon lift (core func $i "len") (memory (core memory $i "mem")) (realloc (core func $i "realloc")))))
  (instance $p (instantiate $provider))
  (component $consumer
    (import "len" (func $len (param "s" string) (result u32)))
    (core module $shim
      (type $t (func (param i32 i32) (result i32)))
      (table (export "$imports") 1 1 funcref)
      (func (export "0") (param i32 i32) (result i32)
        (call_indirect (type $t) (local.get 0) (local.get 1) (i32.const 0))))
    (core module $main
      (import "" "len" (func $len (param i32 i32) (result i32)))
      (memory (export "mem") 1)
      (data (i32.const 0) "hello")
      (func (export "run") (result i32) (call $len (i32.const 0) (i32.const 5))))
    (core module $fixup
      (import "" "0" (func $f (param i32 i32) (result i32)))
      (import "" "$imports" (table 1 1 funcref))
      (elem (i32.const 0) func $f))
    (core instance $shim (instantiate $shim))
    (core instance $main (instantiate $main (with "" (instance (export "len" (func $shim "0"))))))
    (core func $len (canon lower (func $len) (memory (core memory $main "mem"))))
    (core instance (instantiate $fixup (with "" (instance (export "0" (func $len)) (export "$imports" (table $shim "$imports"))))))
    (func (export "run") (result u32) (canon lift (core func $main "run"))))
  (instance $c (instantiate $consumer (with "len" (func $p "len"))))
  (export "run" (func $c "run")))
