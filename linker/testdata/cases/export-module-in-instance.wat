;; Core modules that nobody instantiates: a component exports them as they are,
;; a core module has no place for them.
;; refused core: export "i#n" is a core module
(component
  (core module $m (func (export "f") (result i32) (i32.const 3)))
  (core module $n)
  (core instance $c (instantiate $m))
  (func $f (result u32) (canon lift (core func $c "f")))
  (instance $i (export "n" (core module $n)) (export "f" (func $f)) (export "m" (core module $m)))
  (export "i" (instance $i))
  (export "m" (core module $m))
  (export "f" (func $f))
  (export "again" (core module $m)))
