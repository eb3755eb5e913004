;;< any: error-context
(component
  (core module $m (memory (export "mem") 1))
  (core instance $i (instantiate $m))
  (core func $new (canon error-context.new (memory (core memory $i "mem"))))
  (core module $n (import "" "new" (func $new (param i32 i32) (result i32))) (func (export "f") (drop (call $new (i32.const 0) (i32.const 0)))))
  (core instance $j (instantiate $n (with "" (instance (export "new" (func $new))))))
  (func (export "f") (canon lift (core func $j "f"))))
