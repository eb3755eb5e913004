;; What one call leaves behind another finds. state-wrong.wasm is the same with
;; 3 in place of 1000 as what $limit is compared with: it differs from the
;; fourth call of bump on, and for odd numbers beyond 41 in pick. To rebuild:
;;   wasm-tools parse state.wat -o state.wasm
;;   sed s/1000\)/3\)/ state.wat | wasm-tools parse - -o state-wrong.wasm
(module
  (import "env" "tell" (func $tell (param i32) (result i32)))
  (global $n (mut i32) (i32.const 0))
  (global $limit i32 (i32.const 1000))
  (func (export "bump")
    (global.set $n (i32.add (global.get $n) (i32.const 1))))
  (func (export "read") (result i32)
    (i32.gt_s (global.get $n) (global.get $limit)))
  (func (export "pick") (param i32 i32) (result i32)
    (i32.and
      (i32.and (i32.gt_s (local.get 0) (i32.const 41)) (local.get 0))
      (i32.lt_s (global.get $limit) (i32.const 4))))
  (func (export "ask") (param i32) (result i32)
    (call $tell (i32.add (local.get 0) (i32.const 1))))
  (func (export "spin") (param i32)
    (loop (br 0))))
