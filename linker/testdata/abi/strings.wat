;; Strings from a caller that passes any pointer and length: every ill-formed
;; UTF-8 sequence traps, whatever is in front of it, and so does what lies
;; outside of the memory. The exports of the consumer are its lowered imports.
;;
;;> str(256, 5) => 5
;;> str(264, 2) => 2
;;> str(272, 3) => 3
;;> str(280, 4) => 4
;;> str(288, 4) => 4
;;> str(296, 3) => 3
;;> str(304, 3) => 3
;;> str(312, 1) => 1
;;> str(320, 4) => 4
;;> str(328, 3) => 3
;;> str(336, 2) => 2
;;> str(344, 3) => 3
;;> str(512, 1) => trap
;;> str(520, 2) => trap
;;> str(528, 2) => trap
;;> str(536, 1) => trap
;;> str(544, 2) => trap
;;> str(552, 2) => trap
;;> str(560, 3) => trap
;;> str(568, 3) => trap
;;> str(576, 3) => trap
;;> str(584, 3) => trap
;;> str(592, 4) => trap
;;> str(600, 4) => trap
;;> str(608, 4) => trap
;;> str(616, 4) => trap
;;> str(624, 1) => trap
;;> str(632, 1) => trap
;;> str(640, 3) => trap
;;> str(648, 3) => trap
;;> str(656, 3) => trap
;;> str(664, 4) => trap
;;> str(672, 4) => trap
;;> str(680, 4) => trap
;;> str(688, 8) => trap
;; the sequence is ill-formed only without what follows it
;;> str(264, 1) => trap
;;> str(272, 2) => trap
;;> str(280, 3) => trap
;; eight ASCII bytes at a time, and a bad one in each place
;;> str(768, 24) => 24
;;> str(800, 16) => trap
;;> str(800, 15) => 15
;;> str(816, 9) => trap
;;> str(817, 8) => trap
;;> str(824, 8) => trap
;;> str(832, 18) => 18
;;> str(832, 9) => trap
;; bounds
;;> str(65535, 1) => 1
;;> str(65535, 2) => trap
;;> str(65536, 0) => 0
;;> str(65537, 0) => trap
;;> str(4294967295, 0) => trap
;;> str(4294967295, 1) => trap
;;> str(4294967288, 8) => trap
;;> str(256, 4294967295) => trap
;;> str(256, 4294967040) => trap
;;> str(0, 268435456) => trap
;;> str(0, 0) => 0
;; what the callee's realloc returns
;;> force(true, 262139); str(256, 5) => ; 5
;;> force(true, 262140); str(256, 5) => ; trap
;;> force(true, 4294967295); str(256, 5) => ; trap
;;> force(true, 4294967295); str(256, 0) => ; trap
;;> force(true, 262144); str(256, 0) => ; 0
;;> force(true, 262139); str(256, 5); force(true, 262140); str(256, 5); str(256, 5) => ; 5; ; trap; trap
;; the bytes arrive
;;> str(256, 5); byte(0); byte(4) => 5; 104; 111
;;> str(280, 4); byte(0); byte(3) => 4; 240; 128
(component
  (component $provider
    (core module $m
      (memory (export "mem") 4)
      (global $top (mut i32) (i32.const 4096))
      (global $last (mut i32) (i32.const 0))
      (global $forced (mut i32) (i32.const 0))
      (global $force (mut i32) (i32.const 0))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (if (global.get $forced) (then (return (global.get $force))))
        (global.set $top (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
        (global.get $top)
        (global.set $top (i32.add (global.get $top) (local.get 3))))
      (func (export "force") (param i32 i32) (global.set $forced (local.get 0)) (global.set $force (local.get 1)))
      (func (export "str") (param i32 i32) (result i32)
        (global.set $last (local.get 0))
        (local.get 1))
      (func (export "byte") (param i32) (result i32)
        (i32.load8_u (i32.add (global.get $last) (i32.and (local.get 0) (i32.const 7))))))
    (core instance $i (instantiate $m))
    (func (export "str") (param "s" string) (result u32)
      (canon lift (core func $i "str") (memory (core memory $i "mem")) (realloc (core func $i "realloc"))))
    (func (export "force") (param "on" bool) (param "ptr" u32) (canon lift (core func $i "force")))
    (func (export "byte") (param "at" u32) (result u32) (canon lift (core func $i "byte"))))
  (component $consumer
    (import "str" (func $str (param "s" string) (result u32)))
    (import "force" (func $force (param "on" bool) (param "ptr" u32)))
    (import "byte" (func $byte (param "at" u32) (result u32)))
    (core module $m
      (memory (export "mem") 1)
      (data (i32.const 256) "\68\65\6c\6c\6f")
      (data (i32.const 264) "\c3\a9")
      (data (i32.const 272) "\e2\98\83")
      (data (i32.const 280) "\f0\9f\98\80")
      (data (i32.const 288) "\f4\8f\bf\bf")
      (data (i32.const 296) "\ed\9f\bf")
      (data (i32.const 304) "\ee\80\80")
      (data (i32.const 312) "\00")
      (data (i32.const 320) "\f0\90\80\80")
      (data (i32.const 328) "\e0\a0\80")
      (data (i32.const 336) "\c2\80")
      (data (i32.const 344) "\ef\bf\bf")
      (data (i32.const 512) "\80")
      (data (i32.const 520) "\c0\80")
      (data (i32.const 528) "\c1\bf")
      (data (i32.const 536) "\c3")
      (data (i32.const 544) "\c3\28")
      (data (i32.const 552) "\e2\98")
      (data (i32.const 560) "\e0\80\80")
      (data (i32.const 568) "\e0\9f\bf")
      (data (i32.const 576) "\ed\a0\80")
      (data (i32.const 584) "\ed\bf\bf")
      (data (i32.const 592) "\f0\80\80\80")
      (data (i32.const 600) "\f0\8f\bf\bf")
      (data (i32.const 608) "\f4\90\80\80")
      (data (i32.const 616) "\f5\80\80\80")
      (data (i32.const 624) "\ff")
      (data (i32.const 632) "\fe")
      (data (i32.const 640) "\f0\9f\98")
      (data (i32.const 648) "\e2\28\83")
      (data (i32.const 656) "\e2\98\28")
      (data (i32.const 664) "\f0\28\98\80")
      (data (i32.const 672) "\f0\9f\28\80")
      (data (i32.const 680) "\f0\9f\98\28")
      (data (i32.const 688) "\61\62\63\64\65\66\67\80")
      (data (i32.const 768) "abcdefghijklmnopqrstuvwx")
      (data (i32.const 800) "abcdefghijklmno\ff")
      (data (i32.const 816) "abcdefgh\ffbcdefgh\ff")
      (data (i32.const 832) "abcdefgh\c3\a9ijklmnop")
      (data (i32.const 65535) "z"))
    (core instance $i (instantiate $m))
    (alias core export $i "mem" (core memory $mem))
    (core func $str (canon lower (func $str) (memory $mem)))
    (core func $force (canon lower (func $force)))
    (core func $byte (canon lower (func $byte)))
    (func (export "str") (param "ptr" u32) (param "len" u32) (result u32) (canon lift (core func $str)))
    (func (export "force") (param "on" bool) (param "ptr" u32) (canon lift (core func $force)))
    (func (export "byte") (param "at" u32) (result u32) (canon lift (core func $byte))))
  (instance $p (instantiate $provider))
  (instance $c (instantiate $consumer
    (with "str" (func $p "str")) (with "force" (func $p "force")) (with "byte" (func $p "byte"))))
  (export "str" (func $c "str"))
  (export "force" (func $c "force"))
  (export "byte" (func $c "byte")))
