;; Results from a callee that returns any bits, to a caller whose realloc and
;; return area are anything.
;;
;;> char(65) => 65
;;> char(55296) => trap
;;> en(2) => 2
;;> en(3) => trap
;;> bo(7) => 1
;;> si(255) => 4294967295
;; str(area, pointer, length, return area)
;;> str(16, 256, 5, 64); len(64); first(64) => ; 5; 119
;;> str(16, 256, 5, 66) => trap
;;> str(16, 256, 5, 65528); len(65528) => ; 5
;;> str(16, 256, 5, 65532) => trap
;;> str(16, 256, 5, 4294967292) => trap
;;> str(18, 256, 5, 64) => trap
;;> str(262136, 256, 5, 64); len(64) => ; 5
;;> str(262140, 256, 5, 64) => trap
;;> str(4294967288, 256, 5, 64) => trap
;;> str(16, 264, 1, 64) => trap
;;> str(16, 262143, 1, 64) => 
;;> str(16, 262143, 2, 64) => trap
;;> str(16, 4294967295, 2, 64) => trap
;;> str(16, 0, 268435456, 64) => trap
;;> c-force(true, 65531); str(16, 256, 5, 64); first(64) => ; ; 119
;;> c-force(true, 65532); str(16, 256, 5, 64) => ; trap
;;> c-force(true, 4294967295); str(16, 256, 5, 64) => ; trap
;; list(area, pointer, length, return area)
;;> list(16, 272, 3, 64); len(64) => ; 3
;;> list(16, 274, 1, 64) => trap
;;> list(16, 262140, 2, 64) => trap
;;> list(16, 272, 1073741824, 64) => trap
;;> c-force(true, 4098); list(16, 272, 3, 64) => ; trap
;;> c-force(true, 65524); list(16, 272, 3, 64) => ; 
;;> c-force(true, 65528); list(16, 272, 3, 64) => ; trap
;; res(area, discriminant, return area): a result in memory
;;> res(16, 0, 64); first-byte(64) => ; 0
;;> res(16, 1, 64); first-byte(64) => ; 1
;;> res(16, 2, 64) => trap
;;> res(16, 255, 64) => trap
;;> res(18, 0, 64) => trap
;;> res(16, 0, 62) => trap
;; after a trap, the instance stays locked
;;> char(55296); char(65) => trap; trap
;; post-return gets what the call returned
;;> str(16, 256, 5, 64); posted() => ; 16
;;> str(48, 256, 5, 64); posted() => ; 48
;;> posted() => 0
(component
  (component $provider
    (core module $m
      (memory (export "mem") 4)
      (global $posted (mut i32) (i32.const 0))
      (data (i32.const 256) "world")
      (data (i32.const 264) "\ff")
      (data (i32.const 272) "\01\00\00\00\02\00\00\00\03\00\00\00")
      (func (export "id") (param i32) (result i32) (local.get 0))
      ;; stores pointer and length where that works
      (func (export "pair") (param $area i32) (param i32 i32) (result i32)
        (if (i32.le_u (local.get $area) (i32.const 262136)) (then
          (i32.store (local.get $area) (local.get 1))
          (i32.store offset=4 (local.get $area) (local.get 2))))
        (local.get $area))
      ;; result<string, u32>: ok is the string at 256
      (func (export "res") (param $area i32) (param $disc i32) (result i32)
        (i32.store (local.get $area) (i32.or (i32.const 0xffffff00) (local.get $disc)))
        (i32.store offset=4 (local.get $area) (i32.const 256))
        (i32.store offset=8 (local.get $area) (i32.const 5))
        (local.get $area))
      (func (export "post") (param i32) (global.set $posted (local.get 0)))
      (func (export "posted") (result i32) (global.get $posted)))
    (core instance $i (instantiate $m))
    (alias core export $i "mem" (core memory $mem))
    (type $en' (enum "a" "b" "c"))
    (export $en "en" (type $en'))
    (func (export "f-char") (param "v" u32) (result char) (canon lift (core func $i "id")))
    (func (export "f-en") (param "v" u32) (result $en) (canon lift (core func $i "id")))
    (func (export "f-bo") (param "v" u32) (result bool) (canon lift (core func $i "id")))
    (func (export "f-si") (param "v" u32) (result s8) (canon lift (core func $i "id")))
    (func (export "f-str") (param "area" u32) (param "p" u32) (param "n" u32) (result string)
      (canon lift (core func $i "pair") (memory $mem) (post-return (core func $i "post"))))
    (func (export "f-list") (param "area" u32) (param "p" u32) (param "n" u32) (result (list u32))
      (canon lift (core func $i "pair") (memory $mem)))
    (func (export "f-res") (param "area" u32) (param "d" u32) (result (result string (error u32)))
      (canon lift (core func $i "res") (memory $mem)))
    (func (export "posted") (result u32) (canon lift (core func $i "posted"))))
  (component $consumer
    (import "p" (instance $p
      (type $en' (enum "a" "b" "c"))
      (export "en" (type $en (eq $en')))
      (export "f-char" (func (param "v" u32) (result char)))
      (export "f-en" (func (param "v" u32) (result $en)))
      (export "f-bo" (func (param "v" u32) (result bool)))
      (export "f-si" (func (param "v" u32) (result s8)))
      (export "f-str" (func (param "area" u32) (param "p" u32) (param "n" u32) (result string)))
      (export "f-list" (func (param "area" u32) (param "p" u32) (param "n" u32) (result (list u32))))
      (export "f-res" (func (param "area" u32) (param "d" u32) (result (result string (error u32)))))
      (export "posted" (func (result u32)))))
    (core module $m
      (memory (export "mem") 1)
      (global $top (mut i32) (i32.const 4096))
      (global $forced (mut i32) (i32.const 0))
      (global $force (mut i32) (i32.const 0))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (if (global.get $forced) (then (return (global.get $force))))
        (global.set $top (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
        (global.get $top)
        (global.set $top (i32.add (global.get $top) (local.get 3))))
      (func (export "force") (param i32 i32) (global.set $forced (local.get 0)) (global.set $force (local.get 1)))
      (func (export "len") (param i32) (result i32) (i32.load offset=4 (local.get 0)))
      (func (export "first") (param i32) (result i32) (i32.load8_u (i32.load (local.get 0))))
      (func (export "first-byte") (param i32) (result i32) (i32.load8_u (local.get 0))))
    (core instance $i (instantiate $m))
    (alias core export $i "mem" (core memory $mem))
    (alias core export $i "realloc" (core func $realloc))
    (core func $char (canon lower (func $p "f-char")))
    (core func $en (canon lower (func $p "f-en")))
    (core func $bo (canon lower (func $p "f-bo")))
    (core func $si (canon lower (func $p "f-si")))
    (core func $str (canon lower (func $p "f-str") (memory $mem) (realloc $realloc)))
    (core func $list (canon lower (func $p "f-list") (memory $mem) (realloc $realloc)))
    (core func $res (canon lower (func $p "f-res") (memory $mem) (realloc $realloc)))
    (core func $posted (canon lower (func $p "posted")))
    (func (export "char") (param "v" u32) (result u32) (canon lift (core func $char)))
    (func (export "en") (param "v" u32) (result u32) (canon lift (core func $en)))
    (func (export "bo") (param "v" u32) (result u32) (canon lift (core func $bo)))
    (func (export "si") (param "v" u32) (result u32) (canon lift (core func $si)))
    (func (export "str") (param "area" u32) (param "p" u32) (param "n" u32) (param "ret" u32) (canon lift (core func $str)))
    (func (export "list") (param "area" u32) (param "p" u32) (param "n" u32) (param "ret" u32) (canon lift (core func $list)))
    (func (export "res") (param "area" u32) (param "d" u32) (param "ret" u32) (canon lift (core func $res)))
    (func (export "posted") (result u32) (canon lift (core func $posted)))
    (func (export "c-force") (param "on" bool) (param "ptr" u32) (canon lift (core func $i "force")))
    (func (export "len") (param "at" u32) (result u32) (canon lift (core func $i "len")))
    (func (export "first") (param "at" u32) (result u32) (canon lift (core func $i "first")))
    (func (export "first-byte") (param "at" u32) (result u32) (canon lift (core func $i "first-byte"))))
  (instance $p (instantiate $provider))
  (instance $c (instantiate $consumer (with "p" (instance $p))))
  (export "char" (func $c "char"))
  (export "en" (func $c "en"))
  (export "bo" (func $c "bo"))
  (export "si" (func $c "si"))
  (export "str" (func $c "str"))
  (export "list" (func $c "list"))
  (export "res" (func $c "res"))
  (export "posted" (func $c "posted"))
  (export "c-force" (func $c "c-force"))
  (export "len" (func $c "len"))
  (export "first" (func $c "first"))
  (export "first-byte" (func $c "first-byte")))
