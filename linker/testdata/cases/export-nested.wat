;; An instance inside an exported instance.
;; call a#b#get() = 7
(component
  (core module $m (func (export "get") (result i32) i32.const 7))
  (core instance $i (instantiate $m))
  (func $get (result u32) (canon lift (core func $i "get")))
  (instance $b (export "get" (func $get)))
  (instance $empty)
  (instance $a (export "b" (instance $b)) (export "get" (func $get)) (export "c" (instance $empty)))
  (export "a" (instance $a)))
