;; Three components: the definer, an owner, and one that the owner lends to.
;; The last holds borrow handles of its own and has to drop each before it
;; returns. act(n): 0 drops it, 1 keeps it, 2 drops it twice, 3 uses it and
;; drops it, 5 passes it as an own.
;;
;;> make(7); lend(1, 0) => 1; 0
;;> make(7); lend(1, 1) => 1; trap
;;> make(7); lend(1, 2) => 1; trap
;;> make(7); lend(1, 3) => 1; 7
;;> make(7); lend(1, 5) => 1; trap
;;> make(7); lend(1, 3); lend(1, 3); drop(1) => 1; 7; 7; 
;;> make(7); lend-two(1, 1) => 1; 14
;;> make(7); make(8); lend-two(1, 2); lend-two(2, 1) => 1; 2; 15; 15
;;> lend(1, 0) => trap
;;> make(7); lend(2, 0) => 1; trap
;;> make(7); lend(1, 1); make(8) => 1; trap; trap
(component
  (component $definer
    (type $r' (resource (rep i32)))
    (export $r "r" (type $r'))
    (core func $new (canon resource.new $r'))
    (core func $drop (canon resource.drop $r'))
    (core func $rep (canon resource.rep $r'))
    (core module $m
      (import "" "drop" (func $drop (param i32)))
      (import "" "rep" (func $rep (param i32) (result i32)))
      (func (export "value") (param i32) (result i32) (local.get 0))
      (func (export "take") (param i32) (result i32)
        (call $rep (local.get 0))
        (call $drop (local.get 0))))
    (core instance $i (instantiate $m (with "" (instance (export "drop" (func $drop)) (export "rep" (func $rep))))))
    (func (export "make") (param "n" u32) (result (own $r)) (canon lift (core func $new)))
    (func (export "value") (param "r" (borrow $r)) (result u32) (canon lift (core func $i "value")))
    (func (export "take") (param "r" (own $r)) (result u32) (canon lift (core func $i "take"))))
  (component $borrower
    (import "d" (instance $d
      (export "r" (type $r (sub resource)))
      (export "value" (func (param "r" (borrow $r)) (result u32)))
      (export "take" (func (param "r" (own $r)) (result u32)))))
    (alias export $d "r" (type $r))
    (core func $value (canon lower (func $d "value")))
    (core func $take (canon lower (func $d "take")))
    (core func $drop (canon resource.drop $r))
    (core module $m
      (import "" "value" (func $value (param i32) (result i32)))
      (import "" "take" (func $take (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "act") (param $h i32) (param $what i32) (result i32)
        (local $v i32)
        (if (i32.eq (local.get $what) (i32.const 3)) (then (local.set $v (call $value (local.get $h)))))
        (if (i32.eq (local.get $what) (i32.const 5)) (then (local.set $v (call $take (local.get $h)))))
        (if (i32.ne (local.get $what) (i32.const 1)) (then (call $drop (local.get $h))))
        (if (i32.eq (local.get $what) (i32.const 2)) (then (call $drop (local.get $h))))
        (local.get $v))
      (func (export "two") (param $a i32) (param $b i32) (result i32)
        (i32.add (call $value (local.get $a)) (call $value (local.get $b)))
        (call $drop (local.get $b))
        (call $drop (local.get $a))))
    (core instance $i (instantiate $m (with "" (instance
      (export "value" (func $value)) (export "take" (func $take)) (export "drop" (func $drop))))))
    (func (export "act") (param "r" (borrow $r)) (param "what" u32) (result u32) (canon lift (core func $i "act")))
    (func (export "two") (param "a" (borrow $r)) (param "b" (borrow $r)) (result u32) (canon lift (core func $i "two"))))
  (component $owner
    (import "d" (instance $d
      (export "r" (type $r (sub resource)))
      (export "make" (func (param "n" u32) (result (own $r))))))
    (alias export $d "r" (type $r))
    (import "b" (instance $b
      (export "act" (func (param "r" (borrow $r)) (param "what" u32) (result u32)))
      (export "two" (func (param "a" (borrow $r)) (param "b" (borrow $r)) (result u32)))))
    (core func $make (canon lower (func $d "make")))
    (core func $act (canon lower (func $b "act")))
    (core func $two (canon lower (func $b "two")))
    (core func $drop (canon resource.drop $r))
    (func (export "make") (param "n" u32) (result u32) (canon lift (core func $make)))
    (func (export "lend") (param "h" u32) (param "what" u32) (result u32) (canon lift (core func $act)))
    (func (export "lend-two") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $two)))
    (func (export "drop") (param "h" u32) (canon lift (core func $drop))))
  (instance $d (instantiate $definer))
  (instance $b (instantiate $borrower (with "d" (instance $d))))
  (instance $o (instantiate $owner (with "d" (instance $d)) (with "b" (instance $b))))
  (export "make" (func $o "make"))
  (export "lend" (func $o "lend"))
  (export "lend-two" (func $o "lend-two"))
  (export "drop" (func $o "drop")))
