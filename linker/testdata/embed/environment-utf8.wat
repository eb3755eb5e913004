;; Returns what wasi:cli/environment answers, strings in utf8.
(component
  (import "wasi:cli/environment@0.2.3" (instance $env
    (export "get-environment" (func (result (list (tuple string string)))))
    (export "get-arguments" (func (result (list string))))
    (export "initial-cwd" (func (result (option string))))))
  (core module $Memory
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    ;; Never gives memory out twice, and moves whatever is to get another size.
    (func (export "realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1))) (i32.sub (i32.const 0) (local.get $align))))
      (global.set $top (i32.add (local.get $at) (local.get $new)))
      (if (local.get $size) (then
        (if (i32.eqz (local.get $new)) (then unreachable)) ;; not an allocator's task
        (memory.copy (local.get $at) (local.get $old)
          (select (local.get $size) (local.get $new) (i32.lt_u (local.get $size) (local.get $new))))))
      (local.get $at))
  )
  (core instance $memory (instantiate $Memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $environment (canon lower (func $env "get-environment") (memory $mem) (realloc $realloc) string-encoding=utf8))
  (core func $arguments (canon lower (func $env "get-arguments") (memory $mem) (realloc $realloc) string-encoding=utf8))
  (core func $cwd (canon lower (func $env "initial-cwd") (memory $mem) (realloc $realloc) string-encoding=utf8))
  (core module $M
    (import "" "memory" (memory 1))
    (import "" "environment" (func $environment (param i32)))
    (import "" "arguments" (func $arguments (param i32)))
    (import "" "cwd" (func $cwd (param i32)))
    (func (export "environment") (result i32) (call $environment (i32.const 16)) (i32.const 16))
    (func (export "arguments") (result i32) (call $arguments (i32.const 32)) (i32.const 32))
    (func (export "cwd") (result i32) (call $cwd (i32.const 48)) (i32.const 48)))
  (core instance $m (instantiate $M (with "" (instance
    (export "memory" (memory $mem)) (export "environment" (func $environment)) (export "arguments" (func $arguments)) (export "cwd" (func $cwd))))))
  (func (export "environment") (result (list (tuple string string))) (canon lift (core func $m "environment") (memory $mem) string-encoding=utf8))
  (func (export "arguments") (result (list string)) (canon lift (core func $m "arguments") (memory $mem) string-encoding=utf8))
  (func (export "cwd") (result (option string)) (canon lift (core func $m "cwd") (memory $mem) string-encoding=utf8)))
