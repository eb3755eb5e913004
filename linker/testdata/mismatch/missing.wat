;;< "ff" | "f"
(module
  (import "lib" "ff" (func $f))
  (func (export "g") (result i32) (i32.const 0)))
