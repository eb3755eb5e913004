;; What the calls of calls.wat.tmpl are compared with: the same work, written
;; by hand inside one module, for engines that have vectors.
(module
  (memory (export "memory") 384)
  (global $heap (mut i32) (i32.const 0x1000000))
  (global $sum (mut i32) (i32.const 0))

  (func $realloc (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $ptr i32)
    (if (local.get $old) (then
      (global.set $heap (i32.add (local.get $old) (local.get $size)))
      (return (local.get $old))))
    (local.set $ptr (i32.and
      (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $ptr) (local.get $size)))
    (local.get $ptr))
  (func $got (param $ptr i32) (param $len i32)
    (global.set $sum (i32.add (global.get $sum) (local.get $len)))
    (global.set $heap (i32.const 0x1000000)))
  (func (export "sum") (result i32) (global.get $sum))

  (func (export "put") (param i32 i64) (i64.store (local.get 0) (local.get 1)))
  (func (export "repeat") (param $at i32) (param $period i32) (param $n i32)
    (local $have i32)
    (local.set $have (local.get $period))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $have) (local.get $n)))
        (memory.copy (i32.add (local.get $at) (local.get $have)) (local.get $at) (local.get $have))
        (local.set $have (i32.shl (local.get $have) (i32.const 1)))
        (br $next))))

  (func $add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "add") (param $n i32) (result i32)
    (local $sum i32)
    (loop $next
      (local.set $sum (call $add (local.get $sum) (local.get $n)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))

  ;; memory.copy alone.
  (func (export "copy") (param $ptr i32) (param $bytes i32) (param $n i32)
    (loop $next
      (memory.copy (i32.const 0x1000000) (local.get $ptr) (local.get $bytes))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))

  ;; Traps unless a multiple of 16 bytes, 16 or more, are ASCII.
  (func $ascii (param $ptr i32) (param $bytes i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $ptr) (local.get $bytes)))
    (block $done
      (loop $next
        (br_if $done (i32.lt_u (i32.sub (local.get $end) (local.get $ptr)) (i32.const 64)))
        (if (i8x16.bitmask (v128.or
              (v128.or (v128.load (local.get $ptr)) (v128.load offset=16 (local.get $ptr)))
              (v128.or (v128.load offset=32 (local.get $ptr)) (v128.load offset=48 (local.get $ptr)))))
          (then unreachable))
        (local.set $ptr (i32.add (local.get $ptr) (i32.const 64)))
        (br $next)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $ptr) (local.get $end)))
        (if (i8x16.bitmask (v128.load (local.get $ptr))) (then unreachable))
        (local.set $ptr (i32.add (local.get $ptr) (i32.const 16)))
        (br $next))))
  ;; Traps if a multiple of 16 bytes of 16-bit units have a surrogate.
  (func $plain16 (param $ptr i32) (param $bytes i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $ptr) (local.get $bytes)))
    (block $done
      (loop $next
        (br_if $done (i32.lt_u (i32.sub (local.get $end) (local.get $ptr)) (i32.const 32)))
        (if (v128.any_true (v128.or
              (i16x8.eq (v128.and (v128.load (local.get $ptr)) (v128.const i16x8 0xf800 0xf800 0xf800 0xf800 0xf800 0xf800 0xf800 0xf800))
                (v128.const i16x8 0xd800 0xd800 0xd800 0xd800 0xd800 0xd800 0xd800 0xd800))
              (i16x8.eq (v128.and (v128.load offset=16 (local.get $ptr)) (v128.const i16x8 0xf800 0xf800 0xf800 0xf800 0xf800 0xf800 0xf800 0xf800))
                (v128.const i16x8 0xd800 0xd800 0xd800 0xd800 0xd800 0xd800 0xd800 0xd800))))
          (then unreachable))
        (local.set $ptr (i32.add (local.get $ptr) (i32.const 32)))
        (br $next)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $ptr) (local.get $end)))
        (if (v128.any_true
              (i16x8.eq (v128.and (v128.load (local.get $ptr)) (v128.const i16x8 0xf800 0xf800 0xf800 0xf800 0xf800 0xf800 0xf800 0xf800))
                (v128.const i16x8 0xd800 0xd800 0xd800 0xd800 0xd800 0xd800 0xd800 0xd800)))
          (then unreachable))
        (local.set $ptr (i32.add (local.get $ptr) (i32.const 16)))
        (br $next))))

  ;; Validate, allocate, copy, call: text that is known to be so plain that
  ;; nothing else could be needed.
  (func (export "text8") (param $ptr i32) (param $bytes i32) (param $n i32)
    (local $dst i32)
    (loop $next
      (call $ascii (local.get $ptr) (local.get $bytes))
      (local.set $dst (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (local.get $bytes)))
      (memory.copy (local.get $dst) (local.get $ptr) (local.get $bytes))
      (call $got (local.get $dst) (local.get $bytes))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "text16") (param $ptr i32) (param $units i32) (param $n i32)
    (local $dst i32) (local $bytes i32)
    (local.set $bytes (i32.shl (local.get $units) (i32.const 1)))
    (loop $next
      (call $plain16 (local.get $ptr) (local.get $bytes))
      (local.set $dst (call $realloc (i32.const 0) (i32.const 0) (i32.const 2) (local.get $bytes)))
      (memory.copy (local.get $dst) (local.get $ptr) (local.get $bytes))
      (call $got (local.get $dst) (local.get $units))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  ;; The same without anything to validate: Latin-1, numbers.
  (func (export "bytes") (param $ptr i32) (param $bytes i32) (param $n i32)
    (local $dst i32)
    (loop $next
      (local.set $dst (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (local.get $bytes)))
      (memory.copy (local.get $dst) (local.get $ptr) (local.get $bytes))
      (call $got (local.get $dst) (local.get $bytes))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
)
