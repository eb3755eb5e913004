;; The host gets strings out of the memory of an inner component, behind one
;; that keeps its memory for itself; the first comes from a start function.
(component
  (import "host:log/sink" (instance $sink
    (export "put" (func (param "s" string)))
    (export "get" (func (param "n" u32) (result string)))))
  (component $provider
    (import "host:log/sink" (instance $sink
      (export "put" (func (param "s" string)))
      (export "get" (func (param "n" u32) (result string)))))
    (core module $libc
      (memory (export "mem") 1)
      (data (i32.const 256) "start")
      (data (i32.const 264) "call")
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $libc (instantiate $libc))
    (core func $put (canon lower (func $sink "put") (memory (core memory $libc "mem"))))
    (core func $get (canon lower (func $sink "get") (memory (core memory $libc "mem")) (realloc (core func $libc "realloc"))))
    (core module $m
      (import "" "mem" (memory 1))
      (import "" "put" (func $put (param i32 i32)))
      (import "" "get" (func $get (param i32 i32)))
      (func $s (call $put (i32.const 256) (i32.const 5)))
      (start $s)
      (func (export "f") (param i32) (result i32)
        (call $put (i32.const 264) (i32.const 4))
        (call $get (local.get 0) (i32.const 16))
        (call $put (i32.load (i32.const 16)) (i32.load (i32.const 20)))
        (i32.load (i32.const 20))))
    (core instance $i (instantiate $m (with "" (instance
      (export "mem" (memory $libc "mem")) (export "put" (func $put)) (export "get" (func $get))))))
    (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f"))))
  (instance $p (instantiate $provider (with "host:log/sink" (instance $sink))))
  (component $consumer
    (import "f" (func $f (param "n" u32) (result u32)))
    (core func $f (canon lower (func $f)))
    (core module $m
      (import "" "f" (func $f (param i32) (result i32)))
      (memory 1)
      (data (i32.const 256) "other")
      (func (export "run") (param i32) (result i32)
        ;; 'o' is 111
        (i32.add (i32.load8_u (i32.const 256)) (call $f (local.get 0)))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (param "n" u32) (result u32) (canon lift (core func $i "run"))))
  (instance $c (instantiate $consumer (with "f" (func $p "f"))))
  (export "run" (func $c "run")))
