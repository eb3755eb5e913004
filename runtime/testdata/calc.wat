;; A hand-written bundle for the world of calc.wit. To rebuild calc.wasm:
;;   wasm-tools component embed calc.wit calc.wat -o calc.wasm
(module
  (import "demo:calc/log@0.1.0" "[method]sink.write" (func $write (param i32 i32 i32)))
  (import "demo:calc/log@0.1.0" "open" (func $open (param i32 i32) (result i32)))
  (import "demo:calc/log@0.1.0" "[resource-drop]sink" (func $sink_drop (param i32)))
  (import "$root" "now" (func $now (result i64)))
  (import "[export]demo:calc/ops@0.1.0" "[resource-new]counter" (func $counter_new (param i32) (result i32)))

  (memory (export "memory") 1)
  (data (i32.const 16) "calcdivision by zero")
  (global $heap (mut i32) (i32.const 1024))
  (global $ready (mut i32) (i32.const 0))
  (global $frees (mut i32) (i32.const 0))
  (global $drops (mut i32) (i32.const 0))

  (func (export "_initialize")
    (if (global.get $ready) (then unreachable))
    (global.set $ready (i32.const 1)))

  ;; A bump allocator; it never frees.
  (func $realloc (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $p i32)
    (local.set $p (i32.and
      (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $p) (local.get $size)))
    (if (local.get $old) (then (memory.copy (local.get $p) (local.get $old) (local.get $old_size))))
    (local.get $p))

  (func (export "later") (param i64) (result i64)
    (if (i32.eqz (global.get $ready)) (then unreachable))
    (i64.add (call $now) (local.get 0)))

  (func (export "tell") (param $p i32) (param $n i32)
    (local $sink i32)
    (local.set $sink (call $open (i32.const 16) (i32.const 4)))
    (call $write (local.get $sink) (local.get $p) (local.get $n))
    (call $sink_drop (local.get $sink)))

  (func (export "demo:calc/ops@0.1.0#add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1)))

  ;; Upper-cases ASCII in place and returns a pointer to (pointer, length).
  (func (export "demo:calc/ops@0.1.0#shout") (param $p i32) (param $n i32) (result i32)
    (local $i i32) (local $c i32)
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
      (local.set $c (i32.load8_u (i32.add (local.get $p) (local.get $i))))
      (if (i32.lt_u (i32.sub (local.get $c) (i32.const 97)) (i32.const 26))
        (then (i32.store8 (i32.add (local.get $p) (local.get $i)) (i32.sub (local.get $c) (i32.const 32)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (i32.store (i32.const 0) (local.get $p))
    (i32.store (i32.const 4) (local.get $n))
    (i32.const 0))
  (func (export "cabi_post_demo:calc/ops@0.1.0#shout") (param i32)
    (if (local.get 0) (then unreachable)) ;; gets what shout returned
    (global.set $frees (i32.add (global.get $frees) (i32.const 1))))

  (func (export "demo:calc/ops@0.1.0#total") (param $p i32) (param $n i32) (result i64)
    (local $sum i64)
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $n)))
      (local.set $sum (i64.add (local.get $sum) (i64.load (local.get $p))))
      (local.set $p (i32.add (local.get $p) (i32.const 8)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $next)))
    (local.get $sum))

  ;; Stores its flattened arguments as a tuple<shape, perms, option<char>>.
  (func (export "demo:calc/ops@0.1.0#mirror") (param $case i32) (param $a i64) (param $b i64) (param $perms i32) (param $some i32) (param $char i32) (result i32)
    (i32.store8 (i32.const 64) (local.get $case))
    (if (i32.eq (local.get $case) (i32.const 2))
      (then
        (i32.store (i32.const 72) (i32.wrap_i64 (local.get $a)))
        (i32.store (i32.const 76) (i32.wrap_i64 (local.get $b))))
      (else
        (i64.store (i32.const 72) (local.get $a))
        (i64.store (i32.const 80) (local.get $b))))
    (i32.store8 (i32.const 88) (local.get $perms))
    (i32.store8 (i32.const 92) (local.get $some))
    (i32.store (i32.const 96) (local.get $char))
    (i32.const 64))

  ;; Seventeen parameters come as a pointer.
  (func (export "demo:calc/ops@0.1.0#spread") (param $p i32) (result i64)
    (local $sum i64) (local $i i32)
    (loop $next
      (local.set $sum (i64.add (local.get $sum) (i64.load (i32.add (local.get $p) (local.get $i)))))
      (local.set $i (i32.add (local.get $i) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 128))))
    (i64.add (local.get $sum) (i64.load8_u offset=128 (local.get $p))))

  (func (export "demo:calc/ops@0.1.0#div") (param i32 i32) (result i32)
    (if (i32.eqz (local.get 1))
      (then
        (i32.store8 (i32.const 128) (i32.const 1))
        (i32.store (i32.const 132) (i32.const 20))
        (i32.store (i32.const 136) (i32.const 16)))
      (else
        (i32.store8 (i32.const 128) (i32.const 0))
        (i32.store (i32.const 132) (i32.div_u (local.get 0) (local.get 1)))))
    (i32.const 128))

  (func (export "demo:calc/ops@0.1.0#frees") (result i32) (global.get $frees))
  (func (export "demo:calc/ops@0.1.0#drops") (result i32) (global.get $drops))

  ;; A counter is represented by the address of its value.
  (func (export "demo:calc/ops@0.1.0#[constructor]counter") (param $start i32) (result i32)
    (local $p i32)
    (local.set $p (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 4)))
    (i32.store (local.get $p) (local.get $start))
    (call $counter_new (local.get $p)))
  (func (export "demo:calc/ops@0.1.0#[method]counter.next") (param $p i32) (result i32)
    (i32.store (local.get $p) (i32.add (i32.load (local.get $p)) (i32.const 1)))
    (i32.load (local.get $p)))
  (func (export "demo:calc/ops@0.1.0#peek") (param $p i32) (result i32)
    (i32.load (local.get $p)))
  (func (export "demo:calc/ops@0.1.0#[dtor]counter") (param i32)
    (global.set $drops (i32.add (global.get $drops) (i32.const 1))))
)
