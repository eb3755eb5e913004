;; Handles of the host's resource in three components: each numbers them for
;; itself, lends them, gives them away, and gets the host's in lists, results,
;; variants and records. A handle of one means nothing to another. What a
;; component hands to the host in its memory it finds there as it was.
;;
;; numbered by each component for itself
;;> make(7); make(8); b-make(9); value(2); b-value(1) => 1; 2; 1; 8; 9
;;> make(7); b-value(1) => 1; trap
;;> make(7); b-drop(1) => 1; trap
;;> b-make(7); drop(1) => 1; trap
;;> b-make(9); make(7); drop(1); drops(); b-value(1); b-drop(1); drops() => 1; 1; ; 1; 9; ; 2
;;> make(7); drop(1); make(8); value(1); drop(1); drop(1) => 1; ; 1; 8; ; trap
;;> make(7); take(1); take(1) => 1; 7; trap
;;> make(7); take(1); drops(); make(8) => 1; 7; 0; 1
;; a borrow that is lent on: 0 drop, 1 keep, 2 drop twice, 3 use, 5 give away
;;> make(7); lend(1, 0); drops(); value(1) => 1; 0; 0; 7
;;> make(7); lend(1, 1) => 1; trap
;;> make(7); lend(1, 2) => 1; trap
;;> make(7); lend(1, 3); lend(1, 3); drop(1); drops() => 1; 7; 7; ; 1
;;> make(7); lend(1, 5) => 1; trap
;;> lend(1, 0) => trap
;; an own through three components and back
;;> make(7); echo(1); value(1); drops() => 1; 1; 7; 0
;;> make(6); make(7); echo(1); value(1); value(2) => 1; 2; 1; 6; 7
;;> make(7); give(1); value(1) => 1; 7; trap
;;> make(7); keep(1); b-value(1); b-drop(1); drops() => 1; 1; 7; ; 1
;;> b-make(5); make(7); keep(1); b-value(2) => 1; 1; 2; 7
;; lists, the same one twice among them (wasmtime 50 does not give its
;; Python package borrows in a list)
;;> make(7); make(8); sum(1, 2); sum(2, 2); value(1) => spec: 1; 2; 15; 16; 7
;;> make(7); make(8); both(1, 2) => spec: 1; 2; 1515
;;> make(7); sum(1, 2) => 1; trap
;;> make(7); make(8); lend-all(1, 2); value(2); drop(1); drops() => spec: 1; 2; 15; 8; ; 1
;;> make(7); lend-all(1, 1); value(1) => spec: 1; 14; 7
;;> make(7); make(8); eat(1, 2); drops(); make(9) => 1; 2; 15; 0; 2
;;> make(7); make(8); eat(1, 1) => 1; 2; trap
;;> make(9); many(3); value(2); value(3); value(4); drop(3); many(1); value(3) => 1; 203; 1; 2; 3; ; 301; 1
;;> many(0); make(1) => 0; 1
;; results
;;> try(4); value(1) => 1; 4
;;> try(5); make(7) => 1005; 1
;; a variant whose payloads share their flat values
;;> pick(0, 9) => 9
;;> make(7); pick(1, 1); value(1) => 1; 7; 7
;;> make(7); pick(2, 1); value(1) => 1; 7; trap
;;> pick(3, 9) => 0
;;> make(7); pick(1, 2) => 1; trap
;; parameters in memory, where the result goes, too
;;> make(7); make(8); spill(1, 2); value(1); value(2) => 1; 2; 2135; 7; 15
;;> make(7); spill(1, 1) => 1; trap
;;> make(7); make(8); spill(2, 1); drops() => 1; 2; 1135; 0
(component
  (import "host:res/things" (instance $h
      (export "thing" (type $t (sub resource)))
      (export "make" (func (param "n" u32) (result (own $t))))
      (export "value" (func (param "t" (borrow $t)) (result u32)))
      (export "take" (func (param "t" (own $t)) (result u32)))
      (export "sum" (func (param "ts" (list (borrow $t))) (result u32)))
      (export "both" (func (param "a" (list (borrow $t))) (param "b" (list (borrow $t))) (result u32)))
      (export "eat" (func (param "ts" (list (own $t))) (result u32)))
      (export "many" (func (param "n" u32) (result (list (own $t)))))
      (export "try" (func (param "n" u32) (result (result (own $t) (error u32)))))
      (type $choice' (variant (case "number" u64) (case "lent" (borrow $t)) (case "given" (tuple f32 (own $t))) (case "none")))
      (export "choice" (type $choice (eq $choice')))
      (export "pick" (func (param "c" $choice) (result u32)))
      (type $spilled' (record (field "n0" u32) (field "n1" u32) (field "n2" u32) (field "n3" u32) (field "n4" u32) (field "n5" u32) (field "n6" u32) (field "n7" u32) (field "n8" u32) (field "n9" u32) (field "n10" u32) (field "n11" u32) (field "n12" u32) (field "n13" u32) (field "n14" u32) (field "n15" u32) (field "lent" (borrow $t)) (field "given" (own $t))))
      (export "spilled" (type $spilled (eq $spilled')))
      (export "spill" (func (param "s" $spilled) (result (tuple (own $t) u32))))
      (export "drops" (func (result u32)))))
  (component $c
    (import "host:res/things" (instance $h (export "thing" (type $t (sub resource)))))
    (alias export $h "thing" (type $t))
    (core module $m (func (export "echo") (param i32) (result i32) (local.get 0)))
    (core instance $i (instantiate $m))
    (func (export "echo") (param "t" (own $t)) (result (own $t)) (canon lift (core func $i "echo"))))
  (component $b
    (import "host:res/things" (instance $h
      (export "thing" (type $t (sub resource)))
      (export "make" (func (param "n" u32) (result (own $t))))
      (export "value" (func (param "t" (borrow $t)) (result u32)))
      (export "take" (func (param "t" (own $t)) (result u32)))
      (export "sum" (func (param "ts" (list (borrow $t))) (result u32)))
      (export "both" (func (param "a" (list (borrow $t))) (param "b" (list (borrow $t))) (result u32)))
      (export "eat" (func (param "ts" (list (own $t))) (result u32)))
      (export "many" (func (param "n" u32) (result (list (own $t)))))
      (export "try" (func (param "n" u32) (result (result (own $t) (error u32)))))
      (type $choice' (variant (case "number" u64) (case "lent" (borrow $t)) (case "given" (tuple f32 (own $t))) (case "none")))
      (export "choice" (type $choice (eq $choice')))
      (export "pick" (func (param "c" $choice) (result u32)))
      (type $spilled' (record (field "n0" u32) (field "n1" u32) (field "n2" u32) (field "n3" u32) (field "n4" u32) (field "n5" u32) (field "n6" u32) (field "n7" u32) (field "n8" u32) (field "n9" u32) (field "n10" u32) (field "n11" u32) (field "n12" u32) (field "n13" u32) (field "n14" u32) (field "n15" u32) (field "lent" (borrow $t)) (field "given" (own $t))))
      (export "spilled" (type $spilled (eq $spilled')))
      (export "spill" (func (param "s" $spilled) (result (tuple (own $t) u32))))
      (export "drops" (func (result u32)))))
    (alias export $h "thing" (type $t))
    (import "echo" (func $echo (param "t" (own $t)) (result (own $t))))
    (core module $libc
      (memory (export "mem") 1)
      (global $next (mut i32) (i32.const 1024))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $next (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -8)))
        (global.get $next)
        (global.set $next (i32.add (global.get $next) (local.get 3)))))
    (core instance $libc (instantiate $libc))
    (alias core export $libc "mem" (core memory $mem))
    (core func $make (canon lower (func $h "make")))
    (core func $value (canon lower (func $h "value")))
    (core func $take (canon lower (func $h "take")))
    (core func $sum (canon lower (func $h "sum") (memory $mem)))
    (core func $echo (canon lower (func $echo)))
    (core func $drop (canon resource.drop $t))
    (core module $m
      (import "" "mem" (memory 1))
      (import "" "value" (func $value (param i32) (result i32)))
      (import "" "take" (func $take (param i32) (result i32)))
      (import "" "sum" (func $sum (param i32 i32) (result i32)))
      (import "" "echo" (func $echo (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "use") (param $t i32) (param $what i32) (result i32)
        (local $v i32)
        (if (i32.eq (local.get $what) (i32.const 3)) (then (local.set $v (call $value (local.get $t)))))
        (if (i32.eq (local.get $what) (i32.const 5)) (then (local.set $v (call $take (local.get $t)))))
        (if (i32.ne (local.get $what) (i32.const 1)) (then (call $drop (local.get $t))))
        (if (i32.eq (local.get $what) (i32.const 2)) (then (call $drop (local.get $t))))
        (local.get $v))
      (func (export "give") (param $t i32) (result i32)
        (call $value (local.get $t))
        (call $drop (local.get $t)))
      (func (export "keep") (param $t i32) (result i32) (local.get $t))
      (func (export "echo") (param $t i32) (result i32) (call $echo (local.get $t)))
      (func (export "all") (param $p i32) (param $n i32) (result i32)
        (call $sum (local.get $p) (local.get $n))
        (loop $next
          (if (local.get $n) (then
            (call $drop (i32.load (local.get $p)))
            (local.set $p (i32.add (local.get $p) (i32.const 4)))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br $next))))))
    (core instance $i (instantiate $m (with "" (instance
      (export "mem" (memory $mem)) (export "value" (func $value)) (export "take" (func $take)) (export "sum" (func $sum))
      (export "echo" (func $echo)) (export "drop" (func $drop))))))
    (func (export "make") (param "n" u32) (result u32) (canon lift (core func $make)))
    (func (export "value") (param "h" u32) (result u32) (canon lift (core func $value)))
    (func (export "drop") (param "h" u32) (canon lift (core func $drop)))
    (func (export "use") (param "t" (borrow $t)) (param "what" u32) (result u32) (canon lift (core func $i "use")))
    (func (export "give") (param "t" (own $t)) (result u32) (canon lift (core func $i "give")))
    (func (export "keep") (param "t" (own $t)) (result u32) (canon lift (core func $i "keep")))
    (func (export "echo") (param "t" (own $t)) (result (own $t)) (canon lift (core func $i "echo")))
    (func (export "all") (param "ts" (list (borrow $t))) (result u32)
      (canon lift (core func $i "all") (memory $mem) (realloc (core func $libc "realloc")))))
  (component $a
    (import "host:res/things" (instance $h
      (export "thing" (type $t (sub resource)))
      (export "make" (func (param "n" u32) (result (own $t))))
      (export "value" (func (param "t" (borrow $t)) (result u32)))
      (export "take" (func (param "t" (own $t)) (result u32)))
      (export "sum" (func (param "ts" (list (borrow $t))) (result u32)))
      (export "both" (func (param "a" (list (borrow $t))) (param "b" (list (borrow $t))) (result u32)))
      (export "eat" (func (param "ts" (list (own $t))) (result u32)))
      (export "many" (func (param "n" u32) (result (list (own $t)))))
      (export "try" (func (param "n" u32) (result (result (own $t) (error u32)))))
      (type $choice' (variant (case "number" u64) (case "lent" (borrow $t)) (case "given" (tuple f32 (own $t))) (case "none")))
      (export "choice" (type $choice (eq $choice')))
      (export "pick" (func (param "c" $choice) (result u32)))
      (type $spilled' (record (field "n0" u32) (field "n1" u32) (field "n2" u32) (field "n3" u32) (field "n4" u32) (field "n5" u32) (field "n6" u32) (field "n7" u32) (field "n8" u32) (field "n9" u32) (field "n10" u32) (field "n11" u32) (field "n12" u32) (field "n13" u32) (field "n14" u32) (field "n15" u32) (field "lent" (borrow $t)) (field "given" (own $t))))
      (export "spilled" (type $spilled (eq $spilled')))
      (export "spill" (func (param "s" $spilled) (result (tuple (own $t) u32))))
      (export "drops" (func (result u32)))))
    (alias export $h "thing" (type $t))
    (import "b" (instance $b
      (export "make" (func (param "n" u32) (result u32)))
      (export "value" (func (param "h" u32) (result u32)))
      (export "drop" (func (param "h" u32)))
      (export "use" (func (param "t" (borrow $t)) (param "what" u32) (result u32)))
      (export "give" (func (param "t" (own $t)) (result u32)))
      (export "keep" (func (param "t" (own $t)) (result u32)))
      (export "echo" (func (param "t" (own $t)) (result (own $t))))
      (export "all" (func (param "ts" (list (borrow $t))) (result u32)))))
    (core module $libc
      (memory (export "mem") 1)
      (global $next (mut i32) (i32.const 2048))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $next (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -8)))
        (global.get $next)
        (global.set $next (i32.add (global.get $next) (local.get 3)))))
    (core instance $libc (instantiate $libc))
    (alias core export $libc "mem" (core memory $mem))
    (alias core export $libc "realloc" (core func $realloc))
    (core func $make (canon lower (func $h "make")))
    (core func $value (canon lower (func $h "value")))
    (core func $take (canon lower (func $h "take")))
    (core func $sum (canon lower (func $h "sum") (memory $mem)))
    (core func $both (canon lower (func $h "both") (memory $mem)))
    (core func $eat (canon lower (func $h "eat") (memory $mem)))
    (core func $many (canon lower (func $h "many") (memory $mem) (realloc $realloc)))
    (core func $try (canon lower (func $h "try") (memory $mem)))
    (core func $pick (canon lower (func $h "pick") (memory $mem)))
    (core func $spill (canon lower (func $h "spill") (memory $mem)))
    (core func $drops (canon lower (func $h "drops")))
    (core func $b-make (canon lower (func $b "make")))
    (core func $b-value (canon lower (func $b "value")))
    (core func $b-drop (canon lower (func $b "drop")))
    (core func $use (canon lower (func $b "use")))
    (core func $give (canon lower (func $b "give")))
    (core func $keep (canon lower (func $b "keep")))
    (core func $echo (canon lower (func $b "echo")))
    (core func $all (canon lower (func $b "all") (memory $mem)))
    (core func $drop (canon resource.drop $t))
    (core module $m
      (import "" "mem" (memory 1))
      (import "" "sum" (func $sum (param i32 i32) (result i32)))
      (import "" "both" (func $both (param i32 i32 i32 i32) (result i32)))
      (import "" "eat" (func $eat (param i32 i32) (result i32)))
      (import "" "all" (func $all (param i32 i32) (result i32)))
      (import "" "many" (func $many (param i32 i32)))
      (import "" "try" (func $try (param i32 i32)))
      (import "" "pick" (func $pick (param i32 i64 i32) (result i32)))
      (import "" "spill" (func $spill (param i32 i32)))
      (func $put (param i32 i32)
        (i32.store (i32.const 16) (local.get 0))
        (i32.store (i32.const 20) (local.get 1)))
      (func $check (param i32 i32)
        (if (i32.ne (i32.load (i32.const 16)) (local.get 0)) (then unreachable))
        (if (i32.ne (i32.load (i32.const 20)) (local.get 1)) (then unreachable)))
      (func (export "sum") (param i32 i32) (result i32)
        (call $put (local.get 0) (local.get 1))
        (call $sum (i32.const 16) (i32.const 2))
        (call $check (local.get 0) (local.get 1)))
      (func (export "both") (param i32 i32) (result i32)
        (call $put (local.get 0) (local.get 1))
        (call $both (i32.const 16) (i32.const 2) (i32.const 16) (i32.const 2))
        (call $check (local.get 0) (local.get 1)))
      (func (export "eat") (param i32 i32) (result i32)
        (call $put (local.get 0) (local.get 1))
        (call $eat (i32.const 16) (i32.const 2))
        (call $check (local.get 0) (local.get 1)))
      (func (export "all") (param i32 i32) (result i32)
        (call $put (local.get 0) (local.get 1))
        (call $all (i32.const 16) (i32.const 2))
        (call $check (local.get 0) (local.get 1)))
      ;; the first handle, and a hundred times ... of how many
      (func (export "many") (param i32) (result i32)
        (call $many (local.get 0) (i32.const 32))
        (if (i32.eqz (local.get 0)) (then (return (i32.load (i32.const 36)))))
        (i32.add (i32.mul (i32.load (i32.load (i32.const 32))) (i32.const 100)) (i32.load (i32.const 36))))
      (func (export "try") (param i32) (result i32)
        (call $try (local.get 0) (i32.const 48))
        (i32.add (i32.mul (i32.load8_u (i32.const 48)) (i32.const 1000)) (i32.load (i32.const 52))))
      (func (export "pick") (param $case i32) (param $h i32) (result i32)
        (if (i32.eq (local.get $case) (i32.const 2))
          (then (return (call $pick (i32.const 2) (i64.const 0x3f800000) (local.get $h)))))
        (call $pick (local.get $case) (i64.extend_i32_u (local.get $h)) (i32.const 0)))
      (func (export "spill") (param $lent i32) (param $given i32) (result i32)
        (local $p i32)
        (local.set $p (i32.const 64))
        (loop $next
          (i32.store (local.get $p) (i32.div_u (i32.sub (local.get $p) (i32.const 64)) (i32.const 4)))
          (local.set $p (i32.add (local.get $p) (i32.const 4)))
          (br_if $next (i32.lt_u (local.get $p) (i32.const 128))))
        (i32.store (i32.const 128) (local.get $lent))
        (i32.store (i32.const 132) (local.get $given))
        (call $spill (i32.const 64) (i32.const 128))
        (i32.add (i32.mul (i32.load (i32.const 128)) (i32.const 1000)) (i32.load (i32.const 132)))
        ;; the result lies where the handles were
        (if (i32.ne (i32.load (i32.const 124)) (i32.const 15)) (then unreachable))))
    (core instance $i (instantiate $m (with "" (instance
      (export "mem" (memory $mem)) (export "sum" (func $sum)) (export "both" (func $both)) (export "eat" (func $eat))
      (export "all" (func $all)) (export "many" (func $many)) (export "try" (func $try)) (export "pick" (func $pick))
      (export "spill" (func $spill))))))
    (func (export "make") (param "n" u32) (result u32) (canon lift (core func $make)))
    (func (export "value") (param "h" u32) (result u32) (canon lift (core func $value)))
    (func (export "take") (param "h" u32) (result u32) (canon lift (core func $take)))
    (func (export "drop") (param "h" u32) (canon lift (core func $drop)))
    (func (export "drops") (result u32) (canon lift (core func $drops)))
    (func (export "lend") (param "h" u32) (param "what" u32) (result u32) (canon lift (core func $use)))
    (func (export "give") (param "h" u32) (result u32) (canon lift (core func $give)))
    (func (export "keep") (param "h" u32) (result u32) (canon lift (core func $keep)))
    (func (export "echo") (param "h" u32) (result u32) (canon lift (core func $echo)))
    (func (export "b-make") (param "n" u32) (result u32) (canon lift (core func $b-make)))
    (func (export "b-value") (param "h" u32) (result u32) (canon lift (core func $b-value)))
    (func (export "b-drop") (param "h" u32) (canon lift (core func $b-drop)))
    (func (export "lend-all") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "all")))
    (func (export "sum") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "sum")))
    (func (export "both") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "both")))
    (func (export "eat") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "eat")))
    (func (export "many") (param "n" u32) (result u32) (canon lift (core func $i "many")))
    (func (export "try") (param "n" u32) (result u32) (canon lift (core func $i "try")))
    (func (export "pick") (param "case" u32) (param "h" u32) (result u32) (canon lift (core func $i "pick")))
    (func (export "spill") (param "lent" u32) (param "given" u32) (result u32) (canon lift (core func $i "spill"))))
  (instance $c (instantiate $c (with "host:res/things" (instance $h))))
  (instance $b (instantiate $b (with "host:res/things" (instance $h)) (with "echo" (func $c "echo"))))
  (instance $a (instantiate $a (with "host:res/things" (instance $h)) (with "b" (instance $b))))
  (export "make" (func $a "make"))
  (export "value" (func $a "value"))
  (export "take" (func $a "take"))
  (export "drop" (func $a "drop"))
  (export "drops" (func $a "drops"))
  (export "lend" (func $a "lend"))
  (export "give" (func $a "give"))
  (export "keep" (func $a "keep"))
  (export "echo" (func $a "echo"))
  (export "b-make" (func $a "b-make"))
  (export "b-value" (func $a "b-value"))
  (export "b-drop" (func $a "b-drop"))
  (export "lend-all" (func $a "lend-all"))
  (export "sum" (func $a "sum"))
  (export "both" (func $a "both"))
  (export "eat" (func $a "eat"))
  (export "many" (func $a "many"))
  (export "try" (func $a "try"))
  (export "pick" (func $a "pick"))
  (export "spill" (func $a "spill")))
