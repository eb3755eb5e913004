;; Four components, each with a memory of its own, that pass a string along:
;; every one changes it in place and has other data at the same address.
;;
;;> run("ab") => "ab123"
;;> run("") => "123"
;;> run("ab"); run("cd") => "ab123"; "cd123"
(component
  (core module $digit1 (global (export "digit") i32 (i32.const 49)))
  (core module $digit2 (global (export "digit") i32 (i32.const 50)))
  (core module $digit3 (global (export "digit") i32 (i32.const 51)))
  (component $end
    (core module $E
      (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
      (func (export "f") (param i32 i32) (result i32)
        (i32.store (i32.const 16) (local.get 0))
        (i32.store (i32.const 20) (local.get 1))
        (i32.const 16)))
    (core instance $i (instantiate $E))
    (func (export "f") (param "s" string) (result string)
      (canon lift (core func $i "f") (memory (core memory $i "mem")) (realloc (core func $i "realloc")))))
  (component $link
    (import "digit" (core module $digit (export "digit" (global i32))))
    (import "f" (func $f (param "s" string) (result string)))
    (core module $L
      (import "env" "digit" (global $digit i32))
      (import "next" "f" (func $next (param i32 i32 i32)))
      (import "libc" "mem" (memory 1))
      (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
      (data (i32.const 16) "0123456789")
      (func (export "f") (param $p i32) (param $n i32) (result i32)
        (local $q i32)
        (local.set $q (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.add (local.get $n) (i32.const 1))))
        (memory.copy (local.get $q) (local.get $p) (local.get $n))
        (i32.store8 (i32.add (local.get $q) (local.get $n)) (global.get $digit))
        (call $next (local.get $q) (i32.add (local.get $n) (i32.const 1)) (i32.const 16))
        (i32.const 16)))
    (core module $libc
      (memory (export "mem") 1)
      (global $top (mut i32) (i32.const 64))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $top (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
        (global.get $top)
        (global.set $top (i32.add (global.get $top) (local.get 3)))))
    (core instance $libc (instantiate $libc))
    (core func $next (canon lower (func $f) (memory (core memory $libc "mem")) (realloc (core func $libc "realloc"))))
    (core instance $d (instantiate $digit))
    (core instance $l (instantiate $L
      (with "env" (instance $d)) (with "libc" (instance $libc))
      (with "next" (instance (export "f" (func $next))))))
    (func (export "f") (param "s" string) (result string)
      (canon lift (core func $l "f") (memory (core memory $libc "mem")) (realloc (core func $libc "realloc")))))
  (instance $e (instantiate $end))
  (instance $l3 (instantiate $link (with "digit" (core module $digit3)) (with "f" (func $e "f"))))
  (instance $l2 (instantiate $link (with "digit" (core module $digit2)) (with "f" (func $l3 "f"))))
  (instance $l1 (instantiate $link (with "digit" (core module $digit1)) (with "f" (func $l2 "f"))))
  (export "run" (func $l1 "f")))
