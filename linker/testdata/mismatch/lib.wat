;; What the app-*.wat import under other types.
(module
  (table (export "funcs") 2 4 funcref)
  (table (export "externs") 2 4 externref)
  (memory (export "memory") 1 2)
  (global (export "func") funcref (ref.null func))
  (global (export "extern") externref (ref.null extern))
  (global (export "i32") i32 (i32.const 1))
  (global (export "mut") (mut i32) (i32.const 1))
  (tag (export "tag") (param i32))
  (func (export "f") (param i32) (result i32) (local.get 0)))
