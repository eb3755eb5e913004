;; Asks for directories without preview 1.
(component
  (import "wasi:filesystem/types@0.2.3" (instance $types (export "descriptor" (type (sub resource)))))
  (alias export $types "descriptor" (type $descriptor))
  (import "wasi:filesystem/preopens@0.2.3" (instance $preopens
    (alias outer 1 $descriptor (type $outer))
    (export "descriptor" (type $d (eq $outer)))
    (type $own (own $d))
    (export "get-directories" (func (result (list (tuple $own string)))))))
  (core module $Memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $memory (instantiate $Memory))
  (alias core export $memory "memory" (core memory $mem))
  (core func $get (canon lower (func $preopens "get-directories") (memory $mem) (realloc (core func $memory "realloc"))))
  (core module $M
    (import "" "memory" (memory 1))
    (import "" "get" (func $get (param i32)))
    (func (export "run") (result i32) (call $get (i32.const 16)) (i32.load (i32.const 20))))
  (core instance $m (instantiate $M (with "" (instance (export "memory" (memory $mem)) (export "get" (func $get))))))
  (func (export "run") (result u32) (canon lift (core func $m "run"))))
