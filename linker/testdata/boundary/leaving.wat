;; realloc and post-return that the host calls may not leave the component,
;; neither to another one of the bundle nor to the host. leave(1): realloc
;; calls the other, leave(2): post-return does, 3 and 4: the host.
;;
;;> take("x"); give(); ask(); ping() => 1; "xyz"; 3; 5
;;> leave(1); give(); ping() => ; "xyz"; 5
;;> leave(1); take("x") => ; trap
;;> leave(1); ask() => ; trap
;;> leave(2); take("x"); ask() => ; 1; 3
;;> leave(2); give() => ; trap
;;> leave(3); take("x") => ; trap
;;> leave(4); give() => ; trap
;;> take("x"); give(); leave(2); give() => 1; "xyz"; ; trap
(component
  (import "host:res/texts" (instance $h (export "join" (func (param "s" (list string)) (result string)))))
  (import "host:res/things" (instance $t (export "drops" (func (result u32)))))
  (component $other
    (core module $m (func (export "ping") (result i32) (i32.const 5)))
    (core instance $i (instantiate $m))
    (func (export "ping") (result u32) (canon lift (core func $i "ping"))))
  (component $main
    (import "host:res/texts" (instance $h (export "join" (func (param "s" (list string)) (result string)))))
    (import "host:res/things" (instance $t (export "drops" (func (result u32)))))
    (import "ping" (func $ping (result u32)))
    (core func $ping (canon lower (func $ping)))
    (core func $drops (canon lower (func $t "drops")))
    (core module $libc
      (import "" "ping" (func $ping (result i32)))
      (import "" "drops" (func $drops (result i32)))
      (memory (export "mem") 1)
      (data (i32.const 16) "xyz")
      (data (i32.const 32) "\10\00\00\00\03\00\00\00")
      (global $leave (mut i32) (i32.const 0))
      (func (export "leave") (param i32) (global.set $leave (local.get 0)))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (if (i32.eq (global.get $leave) (i32.const 1)) (then (drop (call $ping))))
        (if (i32.eq (global.get $leave) (i32.const 3)) (then (drop (call $drops))))
        (i32.const 1024))
      (func (export "post") (param i32)
        (if (i32.eq (global.get $leave) (i32.const 2)) (then (drop (call $ping))))
        (if (i32.eq (global.get $leave) (i32.const 4)) (then (drop (call $drops)))))
      (func (export "take") (param i32 i32) (result i32) (local.get 1))
      (func (export "give") (result i32) (i32.const 32)))
    (core instance $libc (instantiate $libc (with "" (instance (export "ping" (func $ping)) (export "drops" (func $drops))))))
    (alias core export $libc "mem" (core memory $mem))
    (core func $join (canon lower (func $h "join") (memory $mem) (realloc (core func $libc "realloc"))))
    (core module $m
      (import "" "mem" (memory 1))
      (import "" "join" (func $join (param i32 i32 i32)))
      (func (export "ask") (result i32)
        (call $join (i32.const 32) (i32.const 1) (i32.const 48))
        (i32.load (i32.const 52))))
    (core instance $i (instantiate $m (with "" (instance (export "mem" (memory $mem)) (export "join" (func $join))))))
    (func (export "leave") (param "what" u32) (canon lift (core func $libc "leave")))
    (func (export "take") (param "s" string) (result u32)
      (canon lift (core func $libc "take") (memory $mem) (realloc (core func $libc "realloc"))))
    (func (export "give") (result string) (canon lift (core func $libc "give") (memory $mem) (post-return (core func $libc "post"))))
    (func (export "ask") (result u32) (canon lift (core func $i "ask")))
    (func (export "ping") (result u32) (canon lift (core func $ping))))
  (instance $o (instantiate $other))
  (instance $m (instantiate $main (with "host:res/texts" (instance $h)) (with "host:res/things" (instance $t)) (with "ping" (func $o "ping"))))
  (export "leave" (func $m "leave"))
  (export "take" (func $m "take"))
  (export "give" (func $m "give"))
  (export "ask" (func $m "ask"))
  (export "ping" (func $m "ping")))
