;; An inner component exports more than is wired. What only unwired exports
;; reach goes: their functions, globals, tables, passive data, imports, types.
;;# functions=2 globals=1 tables=0 memories=0 data=0 elements=0 types=1 imports=
;;> f(5) => 12
(component
  (import "host:a/b" (instance $h (export "unused" (func (param "n" u64) (result u64)))))
  (component $provider
    (import "host:a/b" (instance $h (export "unused" (func (param "n" u64) (result u64)))))
    (core func $unused (canon lower (func $h "unused")))
    (core module $m
      (type $never (func (param f32 f32)))
      (import "" "unused" (func $unused (param i64) (result i64)))
      (memory 1)
      (table 2 funcref)
      (global $seven i32 (i32.const 7))
      (global $count (mut i32) (i32.const 7))
      (global $gone (mut f64) (f64.const 1))
      (data (i32.const 0) "data that nobody reads")
      (data $p "passive")
      (elem (i32.const 0) func $helper $g)
      (func $helper (param f32 f32))
      (func $plus (param i32) (result i32) (i32.add (local.get 0) (global.get $count)))
      (func (export "f") (param i32) (result i32) (call $plus (local.get 0)))
      (func $g (export "g") (param i64) (result i64)
        (global.set $gone (f64.const 2))
        (memory.init $p (i32.const 0) (i32.const 0) (i32.const 1))
        (call_indirect (type $never) (f32.const 0) (f32.const 1) (i32.const 0))
        (call $unused (local.get 0))))
    (core instance $i (instantiate $m (with "" (instance (export "unused" (func $unused))))))
    (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f")))
    (func (export "g") (param "n" u64) (result u64) (canon lift (core func $i "g"))))
  (instance $p (instantiate $provider (with "host:a/b" (instance $h))))
  (component $consumer
    (import "f" (func $f (param "n" u32) (result u32)))
    (core func $f (canon lower (func $f)))
    (func (export "f") (param "n" u32) (result u32) (canon lift (core func $f))))
  (instance $c (instantiate $consumer (with "f" (func $p "f"))))
  (export "f" (func $c "f")))
