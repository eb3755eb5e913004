;; Handles that the host holds: of its own resource, and of one that the root
;; exports while another component of the bundle uses it, too, and exports it
;; once more. In calls, "a = f(1)" names a handle, "@a" gives it away, "&a"
;; lends it, "*7" is the host's thing 7.
;;
;;> a = t:t/res#make(7); t:t/res#value(&a); t:t/res#take(@a); t:t/res#log() => ; 7; 7; 107
;;> a = t:t/res#make(7); drop(@a); t:t/res#log() => ; ; 107
;;> a = t:t/res#make(7); drop(@a); t:t/use#hold(@a) => ; ; trap
;; through the other component, whose table numbers from 1
;;> a = t:t/use#make(7); t:t/use#look(&a); t:t/use#hold(@a); t:t/res#log() => ; 7; 1; 0
;;> a = t:t/res#make(7); t:t/use#hold(@a); t:t/use#drop-held(1); t:t/res#log() => ; 1; ; 107
;;> a = t:t/res#make(7); t:t/use#hold(@a); a = t:t/use#back(1); t:t/res#value(&a); t:t/res#log(); drop(@a); t:t/res#log() => ; 1; ; 7; 0; ; 107
;;> a = t:t/res#make(7); t:t/use#hold(@a); a = t:t/use#back(1); a = t:t/use#back(1) => ; 1; ; trap
;;> a = t:t/res#make(7); t:t/use#look(&a); t:t/use#look(&a); drop(@a); t:t/res#log() => ; 7; 7; ; 107
;; a borrow that the callee keeps
;;> a = t:t/res#make(7); t:t/use#keep(&a) => ; trap
;; lists of them, in the parameters and in the result
;;> a = t:t/use#many(3); t:t/res#value(&a.2); t:t/use#all([@a.0, @a.1, @a.2]); t:t/res#log() => ; 3; 6; 303
;;> a = t:t/use#many(2); b = t:t/use#many(2); t:t/use#all([@a.1, @b.0]); t:t/res#log() => ; ; 3; 201
;;> a = t:t/use#many(0) => 
;;> a = t:t/res#make(7); t:t/use#hold(@a); a = t:t/use#many(2); t:t/use#all([@a.0, @a.1]) => ; 1; ; 3
;; a destructor in the order of drops
;;> a = t:t/res#make(7); b = t:t/res#make(8); drop(@b); t:t/res#log(); drop(@a); t:t/res#log() => ; ; ; 108; ; 207
;; under its other name
;;> a = t:t/again#make(7); t:t/res#value(&a); t:t/use#hold(@a) => ; 7; 1
;; the host's own
;;> t:t/use#thing(*7) => 7
;;> t:t/use#thing-keep(*7) => trap
;;> t:t/use#thing-hold(*7); t:t/use#thing-held(1); t:t/use#drops() => 1; 7; 0
;;> t:t/use#thing-hold(*7); t:t/use#thing-drop(1); t:t/use#drops() => 1; ; 1
;;> t:t/use#thing-hold(*7); t:t/use#thing-hold(*8); a = t:t/use#thing-back(1); t:t/use#thing(&a); drop(@a); t:t/use#drops() => 1; 2; ; 7; ; 1
;;> a = t:t/res#make(7); t:t/use#hold(@a); t:t/use#thing-hold(*8); t:t/use#thing-held(2); t:t/use#thing-held(1) => ; 1; 2; 8; trap
;;> a = t:t/use#try(7); t:t/use#thing(&a) => ; 7
(component
  (import "host:res/things" (instance $h
    (export "thing" (type $t (sub resource)))
    (export "make" (func (param "n" u32) (result (own $t))))
    (export "value" (func (param "t" (borrow $t)) (result u32)))
    (export "drops" (func (result u32)))))
  (alias export $h "thing" (type $thing))
  (component $definer
    (core module $d
      (global $log (export "log") (mut i32) (i32.const 0))
      (func (export "dtor") (param i32)
        ;; how many, and the last
        (global.set $log (i32.add
          (i32.mul (i32.add (i32.div_u (global.get $log) (i32.const 100)) (i32.const 1)) (i32.const 100))
          (local.get 0)))))
    (core instance $d (instantiate $d))
    (type $r' (resource (rep i32) (dtor (core func $d "dtor"))))
    (export $r "r" (type $r'))
    (core func $new (canon resource.new $r'))
    (core func $rep (canon resource.rep $r'))
    (core func $drop (canon resource.drop $r'))
    (core module $m
      (import "" "log" (global $log (mut i32)))
      (import "" "rep" (func $rep (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "value") (param i32) (result i32) (local.get 0))
      (func (export "take") (param i32) (result i32)
        (call $rep (local.get 0))
        (call $drop (local.get 0)))
      (func (export "log") (result i32) (global.get $log)))
    (core instance $i (instantiate $m (with "" (instance
      (export "log" (global $d "log")) (export "rep" (func $rep)) (export "drop" (func $drop))))))
    (func (export "make") (param "n" u32) (result (own $r)) (canon lift (core func $new)))
    (func (export "value") (param "r" (borrow $r)) (result u32) (canon lift (core func $i "value")))
    (func (export "take") (param "r" (own $r)) (result u32) (canon lift (core func $i "take")))
    (func (export "log") (result u32) (canon lift (core func $i "log"))))
  (component $user
    (import "host:res/things" (instance $h
      (export "thing" (type $t (sub resource)))
      (export "make" (func (param "n" u32) (result (own $t))))
      (export "value" (func (param "t" (borrow $t)) (result u32)))
      (export "drops" (func (result u32)))))
    (alias export $h "thing" (type $t))
    (import "d" (instance $d
      (export "r" (type $r (sub resource)))
      (export "make" (func (param "n" u32) (result (own $r))))
      (export "value" (func (param "r" (borrow $r)) (result u32)))
      (export "take" (func (param "r" (own $r)) (result u32)))))
    (alias export $d "r" (type $r))
    (core func $make (canon lower (func $d "make")))
    (core func $value (canon lower (func $d "value")))
    (core func $take (canon lower (func $d "take")))
    (core func $drop (canon resource.drop $r))
    (core func $thing-make (canon lower (func $h "make")))
    (core func $thing-value (canon lower (func $h "value")))
    (core func $thing-drop (canon resource.drop $t))
    (core func $drops (canon lower (func $h "drops")))
    (core module $m
      (import "" "make" (func $make (param i32) (result i32)))
      (import "" "value" (func $value (param i32) (result i32)))
      (import "" "take" (func $take (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (import "" "thing-make" (func $thing-make (param i32) (result i32)))
      (import "" "thing-value" (func $thing-value (param i32) (result i32)))
      (import "" "thing-drop" (func $thing-drop (param i32)))
      (memory (export "mem") 1)
      (global $left (mut i32) (i32.const 0)) ;; the sum of the handles that post-return has to find
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      (func (export "id") (param i32) (result i32) (local.get 0))
      (func (export "keep") (param i32))
      (func (export "look") (param i32) (result i32)
        (call $value (local.get 0))
        (call $drop (local.get 0)))
      (func (export "thing") (param i32) (result i32)
        (call $thing-value (local.get 0))
        (call $thing-drop (local.get 0)))
      (func (export "all") (param $p i32) (param $n i32) (result i32)
        (local $s i32)
        (loop $next
          (if (local.get $n) (then
            (local.set $s (i32.add (local.get $s) (call $take (i32.load (local.get $p)))))
            (local.set $p (i32.add (local.get $p) (i32.const 4)))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br $next))))
        (local.get $s))
      ;; things 1 to n, in a list at 2048; post-return finds the handles there
      (func (export "many") (param $n i32) (result i32)
        (local $k i32)
        (local $h i32)
        (loop $next
          (if (i32.lt_u (local.get $k) (local.get $n)) (then
            (local.set $h (call $make (i32.add (local.get $k) (i32.const 1))))
            (global.set $left (i32.add (global.get $left) (local.get $h)))
            (i32.store (i32.add (i32.const 2048) (i32.mul (local.get $k) (i32.const 4))) (local.get $h))
            (local.set $k (i32.add (local.get $k) (i32.const 1)))
            (br $next))))
        (i32.store (i32.const 16) (i32.const 2048))
        (i32.store (i32.const 20) (local.get $n))
        (i32.const 16))
      (func (export "many-post") (param $p i32)
        (local $n i32)
        (if (i32.ne (local.get $p) (i32.const 16)) (then unreachable))
        (if (i32.ne (i32.load (i32.const 16)) (i32.const 2048)) (then unreachable))
        (local.set $n (i32.load (i32.const 20)))
        (loop $next
          (if (local.get $n) (then
            (global.set $left (i32.sub (global.get $left) (i32.load (i32.add (i32.const 2044) (i32.mul (local.get $n) (i32.const 4))))))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br $next))))
        (if (global.get $left) (then unreachable)))
      (func (export "try") (param i32) (result i32)
        (i32.store8 (i32.const 32) (i32.const 0))
        (i32.store (i32.const 36) (call $thing-make (local.get 0)))
        (i32.const 32)))
    (core instance $i (instantiate $m (with "" (instance
      (export "make" (func $make)) (export "value" (func $value)) (export "take" (func $take)) (export "drop" (func $drop))
      (export "thing-make" (func $thing-make)) (export "thing-value" (func $thing-value)) (export "thing-drop" (func $thing-drop))))))
    (func (export "make") (param "n" u32) (result (own $r)) (canon lift (core func $make)))
    (func (export "look") (param "r" (borrow $r)) (result u32) (canon lift (core func $i "look")))
    (func (export "keep") (param "r" (borrow $r)) (canon lift (core func $i "keep")))
    (func (export "hold") (param "r" (own $r)) (result u32) (canon lift (core func $i "id")))
    (func (export "back") (param "h" u32) (result (own $r)) (canon lift (core func $i "id")))
    (func (export "drop-held") (param "h" u32) (canon lift (core func $drop)))
    (func (export "all") (param "rs" (list (own $r))) (result u32)
      (canon lift (core func $i "all") (memory (core memory $i "mem")) (realloc (core func $i "realloc"))))
    (func (export "many") (param "n" u32) (result (list (own $r)))
      (canon lift (core func $i "many") (memory (core memory $i "mem")) (post-return (core func $i "many-post"))))
    (func (export "thing") (param "t" (borrow $t)) (result u32) (canon lift (core func $i "thing")))
    (func (export "thing-keep") (param "t" (borrow $t)) (canon lift (core func $i "keep")))
    (func (export "thing-hold") (param "t" (own $t)) (result u32) (canon lift (core func $i "id")))
    (func (export "thing-held") (param "h" u32) (result u32) (canon lift (core func $thing-value)))
    (func (export "thing-back") (param "h" u32) (result (own $t)) (canon lift (core func $i "id")))
    (func (export "thing-drop") (param "h" u32) (canon lift (core func $thing-drop)))
    (func (export "try") (param "n" u32) (result (result (own $t))) (canon lift (core func $i "try") (memory (core memory $i "mem"))))
    (func (export "drops") (result u32) (canon lift (core func $drops))))
  (instance $d (instantiate $definer))
  (instance $u (instantiate $user (with "host:res/things" (instance $h)) (with "d" (instance $d))))
  (export "t:t/res" (instance $d))
  (export "t:t/use" (instance $u))
  (export "t:t/again" (instance $d)))
