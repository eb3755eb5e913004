;; Arguments from a caller that passes any bits: what the type has not is
;; dropped or traps, alignment and bounds are checked before anything is read.
;; The exports of the consumer are its lowered imports.
;;
;; scalars
;;> ch(65) => 65
;;> ch(55295) => 55295
;;> ch(55296) => trap
;;> ch(57343) => trap
;;> ch(57344) => 57344
;;> ch(1114111) => 1114111
;;> ch(1114112) => trap
;;> ch(4294967295) => trap
;;> bo(0) => 0
;;> bo(2) => 1
;;> bo(4294967295) => 1
;;> un(261) => 5
;;> un(4294967295) => 255
;;> si(255) => 4294967295
;;> si(384) => 4294967168
;;> si(127) => 127
;;> fl(255) => 7
;;> fl(4294967288) => 0
;; enums, variants, options
;;> en(2) => 2
;;> en(3) => trap
;;> en(4294967295) => trap
;;> va(0, 7, 0) => 7
;;> va(1, 256, 5) => 1005
;;> va(1, 264, 1) => trap
;;> va(1, 65536, 1) => trap
;;> va(2, 264, 1) => 2000
;;> va(3, 0, 0) => trap
;;> va(4294967295, 0, 0) => trap
;;> op(0, 55296) => 0
;;> op(1, 65) => 65
;;> op(1, 55296) => trap
;;> op(2, 0) => trap
;;> re(0, 1.5) => 15
;;> re(1, -0.5) => 1
;;> re(2, 0) => trap
;; lists in memory
;;> chs(272, 2) => 2
;;> chs(272, 3) => trap
;;> chs(280, 1) => trap
;;> bos(288, 4) => 3
;;> ens(292, 3) => 3
;;> ens(292, 4) => trap
;;> fls(292, 4) => 6
;;> u32s(304, 3) => 60
;;> u32s(305, 1) => trap
;;> u32s(306, 0) => trap
;;> u32s(65532, 1) => 99
;;> u32s(65532, 2) => trap
;;> u32s(65536, 0) => 0
;;> u32s(65540, 0) => trap
;;> u32s(4294967292, 1) => trap
;;> u32s(0, 1073741824) => trap
;;> u32s(0, 67108864) => trap
;;> u32s(4, 16384) => trap
;;> recs(320, 2) => 33
;;> recs(324, 1) => trap
;;> recs(320, 268435456) => trap
;;> recs(320, 286331154) => trap
;;> strs(352, 2) => 5
;;> strs(352, 3) => trap
;;> vas(384, 3) => 3
;;> vas(384, 4) => trap
;; seventeen parameters lie in memory
;;> many(448) => 136
;;> many(450) => trap
;;> many(65468) => 99
;;> many(65472) => trap
;;> many(4294967292) => trap
;; what the callee's realloc returns
;;> force(true, 4098); u32s(304, 3) => ; trap
;;> force(true, 262132); u32s(304, 3) => ; 60
;;> force(true, 262136); u32s(304, 3) => ; trap
;;> force(true, 4294967292); u32s(304, 3) => ; trap
;;> force(true, 4097); bos(288, 4) => ; 3
;;> force(true, 4098); many(448) => ; trap
;;> force(true, 262076); many(448) => ; 136
;;> force(true, 262080); many(448) => ; trap
;;> force(true, 4100); recs(320, 2) => ; trap
(component
  (component $provider
    (core module $m
      (memory (export "mem") 4)
      (global $top (mut i32) (i32.const 4096))
      (global $forced (mut i32) (i32.const 0))
      (global $force (mut i32) (i32.const 0))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (if (global.get $forced) (then (return (global.get $force))))
        (global.set $top (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
        (global.get $top)
        (global.set $top (i32.add (global.get $top) (local.get 3))))
      (func (export "force") (param i32 i32) (global.set $forced (local.get 0)) (global.set $force (local.get 1)))
      (func (export "id") (param i32) (result i32) (local.get 0))
      (func (export "len") (param i32 i32) (result i32) (local.get 1))
      (func (export "va") (param i32 i32 i32) (result i32)
        (i32.add (i32.mul (local.get 0) (i32.const 1000))
          (select (local.get 1) (local.get 2) (i32.eqz (local.get 0)))))
      (func (export "op") (param i32 i32) (result i32) (local.get 1))
      ;; ten times an ok, one for a small err
      (func (export "re") (param i32 f64) (result i32)
        (if (result i32) (local.get 0)
          (then (f64.lt (local.get 1) (f64.const 0)))
          (else (i32.trunc_f64_s (f64.mul (local.get 1) (f64.const 10))))))
      (func $sum8 (export "sum8") (param $p i32) (param $n i32) (result i32)
        (local $s i32)
        (block $done (loop $next
          (br_if $done (i32.eqz (local.get $n)))
          (local.set $s (i32.add (local.get $s) (i32.load8_u (local.get $p))))
          (local.set $p (i32.add (local.get $p) (i32.const 1)))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br $next)))
        (local.get $s))
      (func $sum32 (export "sum32") (param $p i32) (param $n i32) (result i32)
        (local $s i32)
        (block $done (loop $next
          (br_if $done (i32.eqz (local.get $n)))
          (local.set $s (i32.add (local.get $s) (i32.load (local.get $p))))
          (local.set $p (i32.add (local.get $p) (i32.const 4)))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br $next)))
        (local.get $s))
      ;; the first fields of records of sixteen bytes
      (func (export "recs") (param $p i32) (param $n i32) (result i32)
        (local $s i32)
        (block $done (loop $next
          (br_if $done (i32.eqz (local.get $n)))
          (local.set $s (i32.add (local.get $s) (i32.add (i32.load8_u (local.get $p)) (i32.wrap_i64 (i64.load offset=8 (local.get $p))))))
          (local.set $p (i32.add (local.get $p) (i32.const 16)))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br $next)))
        (local.get $s))
      ;; the lengths of strings
      (func (export "strs") (param $p i32) (param $n i32) (result i32)
        (local $s i32)
        (block $done (loop $next
          (br_if $done (i32.eqz (local.get $n)))
          (local.set $s (i32.add (local.get $s) (i32.load offset=4 (local.get $p))))
          (local.set $p (i32.add (local.get $p) (i32.const 8)))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br $next)))
        (local.get $s))
      (func (export "many") (param i32) (result i32) (call $sum32 (local.get 0) (i32.const 17))))
    (core instance $i (instantiate $m))
    (alias core export $i "mem" (core memory $mem))
    (alias core export $i "realloc" (core func $realloc))
    (type $en' (enum "a" "b" "c"))
    (type $va' (variant (case "n" u32) (case "s" string) (case "e")))
    (type $fl' (flags "x" "y" "z"))
    (type $rec' (record (field "a" u8) (field "b" u64)))
    (export $en "en" (type $en'))
    (export $va "va" (type $va'))
    (export $fl "fl" (type $fl'))
    (export $rec "rec" (type $rec'))
    (func (export "f-ch") (param "v" char) (result u32) (canon lift (core func $i "id")))
    (func (export "f-bo") (param "v" bool) (result u32) (canon lift (core func $i "id")))
    (func (export "f-un") (param "v" u8) (result u32) (canon lift (core func $i "id")))
    (func (export "f-si") (param "v" s8) (result u32) (canon lift (core func $i "id")))
    (func (export "f-fl") (param "v" $fl) (result u32) (canon lift (core func $i "id")))
    (func (export "f-en") (param "v" $en) (result u32) (canon lift (core func $i "id")))
    (func (export "f-va") (param "v" $va) (result u32)
      (canon lift (core func $i "va") (memory $mem) (realloc $realloc)))
    (func (export "f-op") (param "v" (option char)) (result u32) (canon lift (core func $i "op")))
    (func (export "f-re") (param "v" (result f64 (error f64))) (result u32) (canon lift (core func $i "re")))
    (func (export "f-chs") (param "v" (list char)) (result u32) (canon lift (core func $i "len") (memory $mem) (realloc $realloc)))
    (func (export "f-bos") (param "v" (list bool)) (result u32) (canon lift (core func $i "sum8") (memory $mem) (realloc $realloc)))
    (func (export "f-ens") (param "v" (list $en)) (result u32) (canon lift (core func $i "sum8") (memory $mem) (realloc $realloc)))
    (func (export "f-fls") (param "v" (list $fl)) (result u32) (canon lift (core func $i "sum8") (memory $mem) (realloc $realloc)))
    (func (export "f-u32s") (param "v" (list u32)) (result u32) (canon lift (core func $i "sum32") (memory $mem) (realloc $realloc)))
    (func (export "f-recs") (param "v" (list $rec)) (result u32) (canon lift (core func $i "recs") (memory $mem) (realloc $realloc)))
    (func (export "f-strs") (param "v" (list string)) (result u32) (canon lift (core func $i "strs") (memory $mem) (realloc $realloc)))
    (func (export "f-vas") (param "v" (list $va)) (result u32) (canon lift (core func $i "len") (memory $mem) (realloc $realloc)))
    (func (export "f-many")
      (param "a" u32) (param "b" u32) (param "c" u32) (param "d" u32) (param "e" u32) (param "f" u32)
      (param "g" u32) (param "h" u32) (param "i" u32) (param "j" u32) (param "k" u32) (param "l" u32)
      (param "m" u32) (param "n" u32) (param "o" u32) (param "p" u32) (param "q" u32)
      (result u32) (canon lift (core func $i "many") (memory $mem) (realloc $realloc)))
    (func (export "force") (param "on" bool) (param "ptr" u32) (canon lift (core func $i "force"))))
  (component $consumer
    (import "p" (instance $p
      (type $en' (enum "a" "b" "c"))
      (type $va' (variant (case "n" u32) (case "s" string) (case "e")))
      (type $fl' (flags "x" "y" "z"))
      (type $rec' (record (field "a" u8) (field "b" u64)))
      (export "en" (type $en (eq $en')))
      (export "va" (type $va (eq $va')))
      (export "fl" (type $fl (eq $fl')))
      (export "rec" (type $rec (eq $rec')))
      (export "f-ch" (func (param "v" char) (result u32)))
      (export "f-bo" (func (param "v" bool) (result u32)))
      (export "f-un" (func (param "v" u8) (result u32)))
      (export "f-si" (func (param "v" s8) (result u32)))
      (export "f-fl" (func (param "v" $fl) (result u32)))
      (export "f-en" (func (param "v" $en) (result u32)))
      (export "f-va" (func (param "v" $va) (result u32)))
      (export "f-op" (func (param "v" (option char)) (result u32)))
      (export "f-re" (func (param "v" (result f64 (error f64))) (result u32)))
      (export "f-chs" (func (param "v" (list char)) (result u32)))
      (export "f-bos" (func (param "v" (list bool)) (result u32)))
      (export "f-ens" (func (param "v" (list $en)) (result u32)))
      (export "f-fls" (func (param "v" (list $fl)) (result u32)))
      (export "f-u32s" (func (param "v" (list u32)) (result u32)))
      (export "f-recs" (func (param "v" (list $rec)) (result u32)))
      (export "f-strs" (func (param "v" (list string)) (result u32)))
      (export "f-vas" (func (param "v" (list $va)) (result u32)))
      (export "f-many" (func
        (param "a" u32) (param "b" u32) (param "c" u32) (param "d" u32) (param "e" u32) (param "f" u32)
        (param "g" u32) (param "h" u32) (param "i" u32) (param "j" u32) (param "k" u32) (param "l" u32)
        (param "m" u32) (param "n" u32) (param "o" u32) (param "p" u32) (param "q" u32)
        (result u32)))
      (export "force" (func (param "on" bool) (param "ptr" u32)))))
    (core module $m
      (memory (export "mem") 1)
      (data (i32.const 256) "hello")
      (data (i32.const 264) "\ff")
      ;; chars: A, 0x10ffff, and two that are none
      (data (i32.const 272) "A\00\00\00\ff\ff\10\00\00\d8\00\00")
      ;; bools
      (data (i32.const 288) "\01\00\02\ff")
      ;; enums, the last is none
      (data (i32.const 292) "\00\01\02\0b")
      (data (i32.const 304) "\0a\00\00\00\14\00\00\00\1e\00\00\00")
      (data (i32.const 320) "\01\ff\ff\ff\ff\ff\ff\ff\0a\00\00\00\00\00\00\00\02\ff\ff\ff\ff\ff\ff\ff\14\00\00\00\00\00\00\00")
      ;; strings: hello, an empty one, a bad one
      (data (i32.const 352) "\00\01\00\00\05\00\00\00\00\00\00\00\00\00\00\00\08\01\00\00\01\00\00\00")
      ;; variants: n 5, s hello, e with rubbish in the payload, and a bad one
      (data (i32.const 384) "\00\ff\ff\ff\05\00\00\00\00\00\00\00\01\ff\ff\ff\00\01\00\00\05\00\00\00\02\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\03")
      (data (i32.const 452) "\01\00\00\00\02\00\00\00\03\00\00\00\04\00\00\00\05\00\00\00\06\00\00\00\07\00\00\00\08\00\00\00\09\00\00\00\0a\00\00\00\0b\00\00\00\0c\00\00\00\0d\00\00\00\0e\00\00\00\0f\00\00\00\10\00\00\00")
      (data (i32.const 65532) "\63\00\00\00")
      )
    (core instance $i (instantiate $m))
    (alias core export $i "mem" (core memory $mem))
    (core func $ch (canon lower (func $p "f-ch")))
    (core func $bo (canon lower (func $p "f-bo")))
    (core func $un (canon lower (func $p "f-un")))
    (core func $si (canon lower (func $p "f-si")))
    (core func $fl (canon lower (func $p "f-fl")))
    (core func $en (canon lower (func $p "f-en")))
    (core func $va (canon lower (func $p "f-va") (memory $mem)))
    (core func $op (canon lower (func $p "f-op")))
    (core func $re (canon lower (func $p "f-re")))
    (core func $chs (canon lower (func $p "f-chs") (memory $mem)))
    (core func $bos (canon lower (func $p "f-bos") (memory $mem)))
    (core func $ens (canon lower (func $p "f-ens") (memory $mem)))
    (core func $fls (canon lower (func $p "f-fls") (memory $mem)))
    (core func $u32s (canon lower (func $p "f-u32s") (memory $mem)))
    (core func $recs (canon lower (func $p "f-recs") (memory $mem)))
    (core func $strs (canon lower (func $p "f-strs") (memory $mem)))
    (core func $vas (canon lower (func $p "f-vas") (memory $mem)))
    (core func $many (canon lower (func $p "f-many") (memory $mem)))
    (core func $force (canon lower (func $p "force")))
    (func (export "ch") (param "v" u32) (result u32) (canon lift (core func $ch)))
    (func (export "bo") (param "v" u32) (result u32) (canon lift (core func $bo)))
    (func (export "un") (param "v" u32) (result u32) (canon lift (core func $un)))
    (func (export "si") (param "v" u32) (result u32) (canon lift (core func $si)))
    (func (export "fl") (param "v" u32) (result u32) (canon lift (core func $fl)))
    (func (export "en") (param "v" u32) (result u32) (canon lift (core func $en)))
    (func (export "va") (param "d" u32) (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $va)))
    (func (export "op") (param "d" u32) (param "v" u32) (result u32) (canon lift (core func $op)))
    (func (export "re") (param "d" u32) (param "v" f64) (result u32) (canon lift (core func $re)))
    (func (export "chs") (param "p" u32) (param "n" u32) (result u32) (canon lift (core func $chs)))
    (func (export "bos") (param "p" u32) (param "n" u32) (result u32) (canon lift (core func $bos)))
    (func (export "ens") (param "p" u32) (param "n" u32) (result u32) (canon lift (core func $ens)))
    (func (export "fls") (param "p" u32) (param "n" u32) (result u32) (canon lift (core func $fls)))
    (func (export "u32s") (param "p" u32) (param "n" u32) (result u32) (canon lift (core func $u32s)))
    (func (export "recs") (param "p" u32) (param "n" u32) (result u32) (canon lift (core func $recs)))
    (func (export "strs") (param "p" u32) (param "n" u32) (result u32) (canon lift (core func $strs)))
    (func (export "vas") (param "p" u32) (param "n" u32) (result u32) (canon lift (core func $vas)))
    (func (export "many") (param "p" u32) (result u32) (canon lift (core func $many)))
    (func (export "force") (param "on" bool) (param "ptr" u32) (canon lift (core func $force))))
  (instance $p (instantiate $provider))
  (instance $c (instantiate $consumer (with "p" (instance $p))))
  (export "ch" (func $c "ch"))
  (export "bo" (func $c "bo"))
  (export "un" (func $c "un"))
  (export "si" (func $c "si"))
  (export "fl" (func $c "fl"))
  (export "en" (func $c "en"))
  (export "va" (func $c "va"))
  (export "op" (func $c "op"))
  (export "re" (func $c "re"))
  (export "chs" (func $c "chs"))
  (export "bos" (func $c "bos"))
  (export "ens" (func $c "ens"))
  (export "fls" (func $c "fls"))
  (export "u32s" (func $c "u32s"))
  (export "recs" (func $c "recs"))
  (export "strs" (func $c "strs"))
  (export "vas" (func $c "vas"))
  (export "many" (func $c "many"))
  (export "force" (func $c "force")))
