;; Tables of typed references: one with a place for null, one without.
;;~ typed function references
;;> f(0) => 1
;;> f(1) => trap
;;> g(0) => 1
;;> g(1) => 2
(component
  (core module $m
    (type $v (func (result i32)))
    (table $a 3 (ref null $v))
    (table $b 2 (ref $v) (ref.func $two))
    (elem (table $a) (i32.const 0) (ref null $v) (ref.func $one) (ref.null $v) (ref.func $two))
    (elem (table $b) (i32.const 0) (ref $v) (ref.func $one))
    (func $one (type $v) (i32.const 1))
    (func $two (type $v) (i32.const 2))
    (func (export "f") (param i32) (result i32) (call_indirect $a (type $v) (local.get 0)))
    (func (export "g") (param i32) (result i32) (call_ref $v (table.get $b (local.get 0)))))
  (core instance $i (instantiate $m))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f")))
  (func (export "g") (param "n" u32) (result u32) (canon lift (core func $i "g"))))
