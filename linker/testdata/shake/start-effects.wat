;; Start functions that do something stay: they store, set a global, fill a table,
;; drop a segment.
;;> f() => 63
(component
  (core module $store
    (memory (export "mem") 1)
    (func $s (i32.store8 (i32.const 0) (i32.const 1)))
    (start $s))
  (core module $set
    (global $g (export "g") (mut i32) (i32.const 0))
    (func $s (call $inner))
    (func $inner (global.set $g (i32.const 2)))
    (start $s))
  (core module $fill
    (type $v (func (result i32)))
    (table $t (export "t") 1 funcref)
    (elem declare func $four)
    (func $four (type $v) (i32.const 4))
    (func $s (table.set $t (i32.const 0) (ref.func $four)))
    (start $s))
  (core module $grow
    (memory (export "mem") 1)
    (func $s (drop (memory.grow (i32.const 1))))
    (start $s)
    (func (export "size") (result i32) (memory.size)))
  (core module $loop
    (global $n (export "n") (mut i32) (i32.const 0))
    (func $s (loop $l
      (global.set $n (i32.add (global.get $n) (i32.const 1)))
      (br_if $l (i32.lt_u (global.get $n) (i32.const 8)))))
    (start $s))
  (core module $main
    (type $v (func (result i32)))
    (import "store" "mem" (memory 1))
    (import "set" "g" (global $g (mut i32)))
    (import "fill" "t" (table $t 1 funcref))
    (import "grow" "size" (func $size (result i32)))
    (import "loop" "n" (global $n (mut i32)))
    (func (export "f") (result i32)
      (i32.load8_u (i32.const 0))
      (i32.add (global.get $g))
      (i32.add (call_indirect $t (type $v) (i32.const 0)))
      (i32.add (i32.shl (call $size) (i32.const 3)))
      (i32.add (global.get $n))
      (i32.add (i32.const 32))))
  (core instance $store (instantiate $store))
  (core instance $set (instantiate $set))
  (core instance $fill (instantiate $fill))
  (core instance $grow (instantiate $grow))
  (core instance $loop (instantiate $loop))
  (core instance $main (instantiate $main
    (with "store" (instance $store)) (with "set" (instance $set)) (with "fill" (instance $fill))
    (with "grow" (instance $grow)) (with "loop" (instance $loop))))
  (func (export "f") (result u32) (canon lift (core func $main "f"))))
