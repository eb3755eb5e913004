;; Handles of a resource that one component defines and another uses: tables,
;; ownership, lends, destructors. Handles are numbered from 1, a free one is
;; used again. The exports of the consumer are its lowered imports.
;;
;;> make(7); rep(1); drop(1); dropped() => 1; 7; ; 7
;;> make(7); make(8); rep(2); drop(1); make(9); rep(1); live() => 1; 2; 8; ; 1; 9; 2
;;> drop(1) => trap
;;> drop(0) => trap
;;> drop(4294967295) => trap
;;> rep(1) => trap
;;> rep(0) => trap
;;> make(7); rep(0) => 1; trap
;;> make(7); rep(2) => 1; trap
;;> make(7); rep(4294967295) => 1; trap
;;> make(7); rep(268435456) => 1; trap
;; dropped twice
;;> make(7); drop(1); drop(1) => 1; ; trap
;;> make(7); drop(1); dropped(); drop(1); dropped() => 1; ; 7; trap; trap
;; used after it was passed on
;;> make(7); take(1); rep(1) => 1; 7; trap
;;> make(7); take(1); drop(1) => 1; 7; trap
;;> make(7); take(1); take(1) => 1; 7; trap
;;> make(7); take(1); make(8); rep(1) => 1; 7; 1; 8
;; the same own twice in a call; twice lent is fine
;;> make(7); take-two(1, 1) => 1; trap
;;> make(7); make(8); take-two(1, 2) => 1; 2; 15
;;> make(7); rep-two(1, 1); drop(1) => 1; 14; 
;; lent and given away at once
;;> make(7); rep-and-take(1, 1) => 1; trap
;;> make(7); make(8); rep-and-take(1, 2); drop(1) => 1; 2; 15; 
;; a handle of another type
;;> make-other(5); rep(1) => 1; trap
;;> make-other(5); take(1) => 1; trap
;;> make-other(5); drop(1) => 1; trap
;;> make-other(5); drop-other(1); dropped() => 1; ; 0
;; given back to the consumer
;;> make(7); echo(1); rep(1) => 1; 1; 7
;;> make(7); make(8); echo(1); rep(1); rep(2) => 1; 2; 1; 7; 8
;; lists of handles, own and borrowed
;;> make(3); make(4); rep-all(1, 2); rep(1); rep(2) => 1; 2; 7; 3; 4
;;> make(3); make(4); take-all(1, 2); rep(1) => 1; 2; 7; trap
;;> make(3); make(4); take-all(1, 1) => 1; 2; trap
;;> make(3); rep-all(1, 2) => 1; trap
;; the provider's own table
;;> p-drop(1) => trap
;;> make(7); p-drop(1) => 1; trap
;;> make(7); keep(1); p-rep(1); p-drop(1); dropped() => 1; 7; 7; ; 7
;;> make(7); keep(1); p-drop(1); p-drop(1) => 1; 7; ; trap
;; a destructor that traps
;;> make(666); drop(1) => 1; trap
(component
  (component $provider
    (core module $d
      (global $dropped (mut i32) (i32.const 0))
      (global $live (export "live") (mut i32) (i32.const 0))
      (func (export "dtor") (param i32)
        (if (i32.eq (local.get 0) (i32.const 666)) (then unreachable))
        (global.set $live (i32.sub (global.get $live) (i32.const 1)))
        (global.set $dropped (local.get 0)))
      (func (export "dropped") (result i32) (global.get $dropped)))
    (core instance $d (instantiate $d))
    (type $r' (resource (rep i32) (dtor (core func $d "dtor"))))
    (type $o' (resource (rep i32)))
    (export $r "r" (type $r'))
    (export $o "o" (type $o'))
    (core func $new (canon resource.new $r'))
    (core func $rep (canon resource.rep $r'))
    (core func $drop (canon resource.drop $r'))
    (core func $new-o (canon resource.new $o'))
    (core module $m
      (import "" "new" (func $new (param i32) (result i32)))
      (import "" "rep" (func $rep (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (import "" "new-o" (func $new-o (param i32) (result i32)))
      (import "" "live" (global $live (mut i32)))
      (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      (func (export "make") (param i32) (result i32)
        (global.set $live (i32.add (global.get $live) (i32.const 1)))
        (call $new (local.get 0)))
      (func (export "live") (result i32) (global.get $live))
      (func (export "make-o") (param i32) (result i32) (call $new-o (local.get 0)))
      ;; the provider itself gets the representation of a borrow
      (func (export "rep") (param i32) (result i32) (local.get 0))
      (func (export "rep-two") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
      (func $take (export "take") (param i32) (result i32)
        (local $rep i32)
        (local.set $rep (call $rep (local.get 0)))
        (call $drop (local.get 0))
        (local.get $rep))
      (func (export "keep") (param i32) (result i32) (call $rep (local.get 0)))
      (func (export "take-two") (param i32 i32) (result i32)
        (i32.add (call $take (local.get 0)) (call $take (local.get 1))))
      (func (export "rep-and-take") (param i32 i32) (result i32)
        (i32.add (local.get 0) (call $take (local.get 1))))
      (func (export "echo") (param i32) (result i32) (local.get 0))
      (func (export "rep-all") (param $p i32) (param $n i32) (result i32)
        (local $s i32)
        (block $done (loop $next
          (br_if $done (i32.eqz (local.get $n)))
          (local.set $s (i32.add (local.get $s) (i32.load (local.get $p))))
          (local.set $p (i32.add (local.get $p) (i32.const 4)))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br $next)))
        (local.get $s))
      (func (export "take-all") (param $p i32) (param $n i32) (result i32)
        (local $s i32)
        (block $done (loop $next
          (br_if $done (i32.eqz (local.get $n)))
          (local.set $s (i32.add (local.get $s) (call $take (i32.load (local.get $p)))))
          (local.set $p (i32.add (local.get $p) (i32.const 4)))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br $next)))
        (local.get $s)))
    (core instance $i (instantiate $m (with "" (instance
      (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop)) (export "new-o" (func $new-o))
      (export "live" (global $d "live"))))))
    (func (export "make") (param "n" u32) (result (own $r)) (canon lift (core func $i "make")))
    (func (export "make-o") (param "n" u32) (result (own $o)) (canon lift (core func $i "make-o")))
    (func (export "rep") (param "r" (borrow $r)) (result u32) (canon lift (core func $i "rep")))
    (func (export "rep-two") (param "a" (borrow $r)) (param "b" (borrow $r)) (result u32) (canon lift (core func $i "rep-two")))
    (func (export "take") (param "r" (own $r)) (result u32) (canon lift (core func $i "take")))
    (func (export "keep") (param "r" (own $r)) (result u32) (canon lift (core func $i "keep")))
    (func (export "take-two") (param "a" (own $r)) (param "b" (own $r)) (result u32) (canon lift (core func $i "take-two")))
    (func (export "rep-and-take") (param "a" (borrow $r)) (param "b" (own $r)) (result u32) (canon lift (core func $i "rep-and-take")))
    (func (export "echo") (param "r" (own $r)) (result (own $r)) (canon lift (core func $i "echo")))
    (func (export "rep-all") (param "r" (list (borrow $r))) (result u32)
      (canon lift (core func $i "rep-all") (memory (core memory $i "mem")) (realloc (core func $i "realloc"))))
    (func (export "take-all") (param "r" (list (own $r))) (result u32)
      (canon lift (core func $i "take-all") (memory (core memory $i "mem")) (realloc (core func $i "realloc"))))
    (func (export "live") (result u32) (canon lift (core func $i "live")))
    (func (export "dropped") (result u32) (canon lift (core func $d "dropped")))
    (func (export "p-rep") (param "h" u32) (result u32) (canon lift (core func $rep)))
    (func (export "p-drop") (param "h" u32) (canon lift (core func $drop))))
  (component $consumer
    (import "p" (instance $p
      (export "r" (type $r (sub resource)))
      (export "o" (type $o (sub resource)))
      (export "make" (func (param "n" u32) (result (own $r))))
      (export "make-o" (func (param "n" u32) (result (own $o))))
      (export "rep" (func (param "r" (borrow $r)) (result u32)))
      (export "rep-two" (func (param "a" (borrow $r)) (param "b" (borrow $r)) (result u32)))
      (export "take" (func (param "r" (own $r)) (result u32)))
      (export "keep" (func (param "r" (own $r)) (result u32)))
      (export "take-two" (func (param "a" (own $r)) (param "b" (own $r)) (result u32)))
      (export "rep-and-take" (func (param "a" (borrow $r)) (param "b" (own $r)) (result u32)))
      (export "echo" (func (param "r" (own $r)) (result (own $r))))
      (export "rep-all" (func (param "r" (list (borrow $r))) (result u32)))
      (export "take-all" (func (param "r" (list (own $r))) (result u32)))
      (export "live" (func (result u32)))
      (export "dropped" (func (result u32)))
      (export "p-rep" (func (param "h" u32) (result u32)))
      (export "p-drop" (func (param "h" u32)))))
    (alias export $p "r" (type $r))
    (alias export $p "o" (type $o))
    (core module $libc (memory (export "mem") 1))
    (core instance $libc (instantiate $libc))
    (alias core export $libc "mem" (core memory $mem))
    (core func $make (canon lower (func $p "make")))
    (core func $make-o (canon lower (func $p "make-o")))
    (core func $rep (canon lower (func $p "rep")))
    (core func $rep-two (canon lower (func $p "rep-two")))
    (core func $take (canon lower (func $p "take")))
    (core func $keep (canon lower (func $p "keep")))
    (core func $take-two (canon lower (func $p "take-two")))
    (core func $rep-and-take (canon lower (func $p "rep-and-take")))
    (core func $echo (canon lower (func $p "echo")))
    (core func $rep-all (canon lower (func $p "rep-all") (memory $mem)))
    (core func $take-all (canon lower (func $p "take-all") (memory $mem)))
    (core func $live (canon lower (func $p "live")))
    (core func $dropped (canon lower (func $p "dropped")))
    (core func $p-rep (canon lower (func $p "p-rep")))
    (core func $p-drop (canon lower (func $p "p-drop")))
    (core func $drop (canon resource.drop $r))
    (core func $drop-o (canon resource.drop $o))
    (core module $m
      (import "" "mem" (memory 1))
      (import "" "rep-all" (func $rep-all (param i32 i32) (result i32)))
      (import "" "take-all" (func $take-all (param i32 i32) (result i32)))
      (func (export "rep-all") (param i32 i32) (result i32)
        (i32.store (i32.const 16) (local.get 0))
        (i32.store (i32.const 20) (local.get 1))
        (call $rep-all (i32.const 16) (i32.const 2)))
      (func (export "take-all") (param i32 i32) (result i32)
        (i32.store (i32.const 16) (local.get 0))
        (i32.store (i32.const 20) (local.get 1))
        (call $take-all (i32.const 16) (i32.const 2))))
    (core instance $i (instantiate $m (with "" (instance
      (export "mem" (memory $mem)) (export "rep-all" (func $rep-all)) (export "take-all" (func $take-all))))))
    (func (export "make") (param "n" u32) (result u32) (canon lift (core func $make)))
    (func (export "make-other") (param "n" u32) (result u32) (canon lift (core func $make-o)))
    (func (export "rep") (param "h" u32) (result u32) (canon lift (core func $rep)))
    (func (export "rep-two") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $rep-two)))
    (func (export "take") (param "h" u32) (result u32) (canon lift (core func $take)))
    (func (export "keep") (param "h" u32) (result u32) (canon lift (core func $keep)))
    (func (export "take-two") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $take-two)))
    (func (export "rep-and-take") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $rep-and-take)))
    (func (export "echo") (param "h" u32) (result u32) (canon lift (core func $echo)))
    (func (export "rep-all") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "rep-all")))
    (func (export "take-all") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "take-all")))
    (func (export "live") (result u32) (canon lift (core func $live)))
    (func (export "dropped") (result u32) (canon lift (core func $dropped)))
    (func (export "drop") (param "h" u32) (canon lift (core func $drop)))
    (func (export "drop-other") (param "h" u32) (canon lift (core func $drop-o)))
    (func (export "p-rep") (param "h" u32) (result u32) (canon lift (core func $p-rep)))
    (func (export "p-drop") (param "h" u32) (canon lift (core func $p-drop))))
  (instance $p (instantiate $provider))
  (instance $c (instantiate $consumer (with "p" (instance $p))))
  (export "make" (func $c "make"))
  (export "make-other" (func $c "make-other"))
  (export "rep" (func $c "rep"))
  (export "rep-two" (func $c "rep-two"))
  (export "take" (func $c "take"))
  (export "keep" (func $c "keep"))
  (export "take-two" (func $c "take-two"))
  (export "rep-and-take" (func $c "rep-and-take"))
  (export "echo" (func $c "echo"))
  (export "rep-all" (func $c "rep-all"))
  (export "take-all" (func $c "take-all"))
  (export "live" (func $c "live"))
  (export "dropped" (func $c "dropped"))
  (export "drop" (func $c "drop"))
  (export "drop-other" (func $c "drop-other"))
  (export "p-rep" (func $c "p-rep"))
  (export "p-drop" (func $c "p-drop")))
