;; A core module whose memory the host sees, in front of one that calls
;; preview1 out of its own.
(module
  (import "preview1-lib" "say" (func $say (result i32)))
  (import "preview1-lib" "arguments" (func $arguments (result i32)))
  (import "preview1-lib" "variables" (func $variables (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 96) "wrong memory")
  (func (export "say") (result i32) (call $say))
  (func (export "arguments") (result i32) (call $arguments))
  (func (export "variables") (result i32) (call $variables)))
