;; While values are lowered into an instance, and during its post-return, it
;; may not call out: not an import, not resource.new, not resource.drop.
;; what(n): 0 nothing, 1 an import, 2 resource.new, 3 resource.drop,
;; 4 resource.rep, which is allowed.
;;
;;> str() => 5
;;> p-realloc(0); str() => ; 5
;;> p-realloc(1); str() => ; trap
;;> p-realloc(2); str() => ; trap
;;> p-realloc(3); str() => ; trap
;;> p-realloc(4); str() => ; 5
;;> p-realloc(1); num() => ; 6
;;> p-post(1); give() => spec: ; trap
;;> p-post(2); give() => spec: ; trap
;;> p-post(3); give() => spec: ; trap
;;> p-post(4); give() => ; 5
;;> p-post(0); give() => ; 5
;;> p-post(1); num() => ; 6
;;> p-realloc(1); p-body(1); num() => ; ; 6
;;> p-body(1); str() => ; 5
;;> p-body(2); str() => ; 5
;; the caller's realloc, while the result is lowered
;;> c-realloc(false); give() => ; 5
;;> c-realloc(true); give() => ; trap
;;> c-realloc(true); num() => ; 6
;; what a trap leaves locked
;;> p-realloc(1); str(); num() => ; trap; trap
(component
  (component $other
    (core module $m (func (export "f") (result i32) (i32.const 1)))
    (core instance $i (instantiate $m))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (component $provider
    (import "f" (func $f (result u32)))
    (type $r (resource (rep i32)))
    (core func $f (canon lower (func $f)))
    (core func $new (canon resource.new $r))
    (core func $drop (canon resource.drop $r))
    (core func $rep (canon resource.rep $r))
    (core module $m
      (import "" "f" (func $f (result i32)))
      (import "" "new" (func $new (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (import "" "rep" (func $rep (param i32) (result i32)))
      (memory (export "mem") 1)
      (global $realloc (mut i32) (i32.const 0))
      (global $post (mut i32) (i32.const 0))
      (global $body (mut i32) (i32.const 0))
      (global $handle (mut i32) (i32.const 0))
      (global $other (mut i32) (i32.const 0))
      (data (i32.const 256) "world")
      (data (i32.const 16) "\00\01\00\00\05\00\00\00")
      (func $start
        (global.set $handle (call $new (i32.const 7)))
        (global.set $other (call $new (i32.const 8))))
      (start $start)
      (func $leave (param $what i32)
        (if (i32.eq (local.get $what) (i32.const 1)) (then (drop (call $f))))
        (if (i32.eq (local.get $what) (i32.const 2)) (then (drop (call $new (i32.const 9)))))
        (if (i32.eq (local.get $what) (i32.const 3)) (then (call $drop (global.get $other))))
        (if (i32.eq (local.get $what) (i32.const 4)) (then (drop (call $rep (global.get $handle))))))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (call $leave (global.get $realloc))
        (i32.const 1024))
      (func (export "set-realloc") (param i32) (global.set $realloc (local.get 0)))
      (func (export "set-post") (param i32) (global.set $post (local.get 0)))
      (func (export "set-body") (param i32) (global.set $body (local.get 0)))
      (func (export "str") (param i32 i32) (result i32) (call $leave (global.get $body)) (local.get 1))
      (func (export "num") (param i32) (result i32) (call $leave (global.get $body)) (i32.add (local.get 0) (i32.const 1)))
      (func (export "give") (result i32) (i32.const 16))
      (func (export "post") (param i32) (call $leave (global.get $post))))
    (core instance $i (instantiate $m (with "" (instance
      (export "f" (func $f)) (export "new" (func $new)) (export "drop" (func $drop)) (export "rep" (func $rep))))))
    (func (export "str") (param "s" string) (result u32)
      (canon lift (core func $i "str") (memory (core memory $i "mem")) (realloc (core func $i "realloc"))))
    (func (export "num") (param "n" u32) (result u32) (canon lift (core func $i "num")))
    (func (export "give") (result string)
      (canon lift (core func $i "give") (memory (core memory $i "mem")) (post-return (core func $i "post"))))
    (func (export "set-realloc") (param "what" u32) (canon lift (core func $i "set-realloc")))
    (func (export "set-post") (param "what" u32) (canon lift (core func $i "set-post")))
    (func (export "set-body") (param "what" u32) (canon lift (core func $i "set-body"))))
  (component $consumer
    (import "p" (instance $p
      (export "str" (func (param "s" string) (result u32)))
      (export "num" (func (param "n" u32) (result u32)))
      (export "give" (func (result string)))
      (export "set-realloc" (func (param "what" u32)))
      (export "set-post" (func (param "what" u32)))
      (export "set-body" (func (param "what" u32)))))
    (core module $libc
      (import "" "num" (func $num (param i32) (result i32)))
      (memory (export "mem") 1)
      (data (i32.const 256) "hello")
      (global $leave (mut i32) (i32.const 0))
      (func (export "set-leave") (param i32) (global.set $leave (local.get 0)))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (if (global.get $leave) (then (drop (call $num (i32.const 1)))))
        (i32.const 1024)))
    (core func $num (canon lower (func $p "num")))
    (core instance $libc (instantiate $libc (with "" (instance (export "num" (func $num))))))
    (alias core export $libc "mem" (core memory $mem))
    (core func $str (canon lower (func $p "str") (memory $mem)))
    (core func $give (canon lower (func $p "give") (memory $mem) (realloc (core func $libc "realloc"))))
    (core module $m
      (import "" "mem" (memory 1))
      (import "" "str" (func $str (param i32 i32) (result i32)))
      (import "" "num" (func $num (param i32) (result i32)))
      (import "" "give" (func $give (param i32)))
      (func (export "str") (result i32) (call $str (i32.const 256) (i32.const 5)))
      (func (export "num") (result i32) (call $num (i32.const 5)))
      (func (export "give") (result i32) (call $give (i32.const 16)) (i32.load (i32.const 20))))
    (core instance $i (instantiate $m (with "" (instance
      (export "mem" (memory $mem)) (export "str" (func $str)) (export "num" (func $num)) (export "give" (func $give))))))
    (core func $set-realloc (canon lower (func $p "set-realloc")))
    (core func $set-post (canon lower (func $p "set-post")))
    (core func $set-body (canon lower (func $p "set-body")))
    (func (export "str") (result u32) (canon lift (core func $i "str")))
    (func (export "num") (result u32) (canon lift (core func $i "num")))
    (func (export "give") (result u32) (canon lift (core func $i "give")))
    (func (export "p-realloc") (param "what" u32) (canon lift (core func $set-realloc)))
    (func (export "p-post") (param "what" u32) (canon lift (core func $set-post)))
    (func (export "p-body") (param "what" u32) (canon lift (core func $set-body)))
    (func (export "c-realloc") (param "on" bool) (canon lift (core func $libc "set-leave"))))
  (instance $o (instantiate $other))
  (instance $p (instantiate $provider (with "f" (func $o "f"))))
  (instance $c (instantiate $consumer (with "p" (instance $p))))
  (export "str" (func $c "str"))
  (export "num" (func $c "num"))
  (export "give" (func $c "give"))
  (export "p-realloc" (func $c "p-realloc"))
  (export "p-post" (func $c "p-post"))
  (export "p-body" (func $c "p-body"))
  (export "c-realloc" (func $c "c-realloc")))
