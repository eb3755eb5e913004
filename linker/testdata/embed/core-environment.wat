;; A core module that asks WASI 0.2 itself: nobody says what its realloc is.
(module
  (import "wasi:cli/environment@0.2.3" "get-environment" (func $get (param i32)))
  (memory (export "memory") 1)
  (func (export "run") (call $get (i32.const 0))))
