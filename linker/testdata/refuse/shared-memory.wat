;; Two memories, one of them shared between threads.
;;< single: shared memory | --memory multi
(component
  (core module $a (memory (export "mem") 1) (func (export "f") (result i32) (i32.load (i32.const 0))))
  (core module $b (memory 1 1 shared) (func (export "f") (result i32) (i32.atomic.load (i32.const 0))))
  (core instance $a (instantiate $a))
  (core instance $b (instantiate $b))
  (func (export "f") (result u32) (canon lift (core func $a "f")))
  (func (export "g") (result u32) (canon lift (core func $b "f"))))
