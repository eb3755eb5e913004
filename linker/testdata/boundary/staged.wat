;; Three components export functions that take and return text, each in its own
;; encoding and through its own realloc, and call the host with theirs. The host of
;; a core module has one cabi_realloc and one encoding: what it passes goes through
;; the staging memory.
;;
;;> t:t/a#same("zwölf") => "zwölf"
;;> t:t/a#same(""); t:t/a#same("plain"); t:t/a#same("ÿ"); t:t/a#same("→ 𝄞"); t:t/a#posts() => ""; "plain"; "ÿ"; "→ 𝄞"; 4
;;> t:t/a#second("a", ["one", "", "→"]); t:t/a#second("", []) => ["one", "", "→"]; []
;;> t:t/a#nests([{name: "n→", items: [{key: "k", values: [1, 2], more: some("mäh")}, {key: "", values: []}], kind: text("t")}, {name: "", items: [], kind: empty}, {name: "b", items: [], kind: bytes([1, 2])}]); t:t/a#nests([]); t:t/a#posts() => [{name: "n→", items: [{key: "k", values: [1, 2], more: some("mäh")}, {key: "", values: []}], kind: text("t")}, {name: "", items: [], kind: empty}, {name: "b", items: [], kind: bytes([1, 2])}]; []; 2
;;> t:t/a#wide({n0: 0, n1: 1, n2: 2, n3: 3, n4: 4, n5: 5, n6: 6, n7: 7, n8: 8, n9: 9, n10: 10, n11: 11, n12: 12, n13: 13, n14: 14, s: "süß", l: ["one", "zwölf"]}); t:t/a#same("ä") => ["one", "zwölf"]; "ä"
;;> t:t/a#bytes([1, 2, 3, 4, 5, 6, 7, 8, 9]); t:t/a#bytes([]) => [1, 2, 3, 4, 5, 6, 7, 8, 9]; []
;;> t:t/a#length([1, 2, 3]); t:t/a#length([]); t:t/a#posts() => 3; 0; 3
;;> t:t/a#join(["one", "zwölf", ""]); t:t/a#join([]); t:t/a#posts() => "one,zwölf,"; ""; 2
;;> t:t/a#twice({name: "n→", items: [{key: "k", values: [1, 2], more: some("mäh")}, {key: "", values: []}], kind: text("t")}) => [{name: "n→", items: [{key: "k", values: [1, 2], more: some("mäh")}, {key: "", values: []}], kind: text("t")}, {name: "n→", items: [{key: "k", values: [1, 2], more: some("mäh")}, {key: "", values: []}], kind: text("t")}]
;;> t:t/a#pass({n0: 0, n1: 1, n2: 2, n3: 3, n4: 4, n5: 5, n6: 6, n7: 7, n8: 8, n9: 9, n10: 10, n11: 11, n12: 12, n13: 13, n14: 14, s: "süß", l: ["one", "zwölf"]}) => ["süß", "one", "zwölf", "105"]
;;> t:t/a#value(*7, "four"); t:t/a#value(*8, "") => 704; 800
;;> t:t/a#kept(*7, "x") => trap
;;> x = t:t/a#keep(*7, "zwölf"); t:t/a#value(&x, "y"); drop(@x) => ; 701; 
;;> x = t:t/a#all([*5, *6]); t:t/a#value(&x.1, "y"); t:t/a#value(&x.0, "yy") => ; 601; 502
;;> x = t:t/a#new-box("12345"); t:t/a#open(&x, "y"); drop(@x) => ; 501; 
;;> t:t/b#same("zwölf") => "zwölf"
;;> t:t/b#same(""); t:t/b#same("plain"); t:t/b#same("ÿ"); t:t/b#same("→ 𝄞"); t:t/b#posts() => ""; "plain"; "ÿ"; "→ 𝄞"; 4
;;> t:t/b#second("a", ["one", "", "→"]); t:t/b#second("", []) => ["one", "", "→"]; []
;;> t:t/b#nests([{name: "n→", items: [{key: "k", values: [1, 2], more: some("mäh")}, {key: "", values: []}], kind: text("t")}, {name: "", items: [], kind: empty}, {name: "b", items: [], kind: bytes([1, 2])}]); t:t/b#nests([]); t:t/b#posts() => [{name: "n→", items: [{key: "k", values: [1, 2], more: some("mäh")}, {key: "", values: []}], kind: text("t")}, {name: "", items: [], kind: empty}, {name: "b", items: [], kind: bytes([1, 2])}]; []; 2
;;> t:t/b#wide({n0: 0, n1: 1, n2: 2, n3: 3, n4: 4, n5: 5, n6: 6, n7: 7, n8: 8, n9: 9, n10: 10, n11: 11, n12: 12, n13: 13, n14: 14, s: "süß", l: ["one", "zwölf"]}); t:t/b#same("ä") => ["one", "zwölf"]; "ä"
;;> t:t/b#bytes([1, 2, 3, 4, 5, 6, 7, 8, 9]); t:t/b#bytes([]) => [1, 2, 3, 4, 5, 6, 7, 8, 9]; []
;;> t:t/b#length([1, 2, 3]); t:t/b#length([]); t:t/b#posts() => 3; 0; 3
;;> t:t/b#join(["one", "zwölf", ""]); t:t/b#join([]); t:t/b#posts() => "one,zwölf,"; ""; 2
;;> t:t/b#twice({name: "n→", items: [{key: "k", values: [1, 2], more: some("mäh")}, {key: "", values: []}], kind: text("t")}) => [{name: "n→", items: [{key: "k", values: [1, 2], more: some("mäh")}, {key: "", values: []}], kind: text("t")}, {name: "n→", items: [{key: "k", values: [1, 2], more: some("mäh")}, {key: "", values: []}], kind: text("t")}]
;;> t:t/b#pass({n0: 0, n1: 1, n2: 2, n3: 3, n4: 4, n5: 5, n6: 6, n7: 7, n8: 8, n9: 9, n10: 10, n11: 11, n12: 12, n13: 13, n14: 14, s: "süß", l: ["one", "zwölf"]}) => ["süß", "one", "zwölf", "105"]
;;> t:t/b#value(*7, "four"); t:t/b#value(*8, "") => 704; 800
;;> t:t/b#kept(*7, "x") => trap
;;> x = t:t/b#keep(*7, "zwölf"); t:t/b#value(&x, "y"); drop(@x) => ; 701; 
;;> x = t:t/b#all([*5, *6]); t:t/b#value(&x.1, "y"); t:t/b#value(&x.0, "yy") => ; 601; 502
;;> x = t:t/b#new-box("12345"); t:t/b#open(&x, "y"); drop(@x) => ; 501; 
;;> t:t/c#same("zwölf") => "zwölf"
;;> t:t/c#same(""); t:t/c#same("plain"); t:t/c#same("ÿ"); t:t/c#same("→ 𝄞"); t:t/c#posts() => ""; "plain"; "ÿ"; "→ 𝄞"; 4
;;> t:t/c#second("a", ["one", "", "→"]); t:t/c#second("", []) => ["one", "", "→"]; []
;;> t:t/c#nests([{name: "n→", items: [{key: "k", values: [1, 2], more: some("mäh")}, {key: "", values: []}], kind: text("t")}, {name: "", items: [], kind: empty}, {name: "b", items: [], kind: bytes([1, 2])}]); t:t/c#nests([]); t:t/c#posts() => [{name: "n→", items: [{key: "k", values: [1, 2], more: some("mäh")}, {key: "", values: []}], kind: text("t")}, {name: "", items: [], kind: empty}, {name: "b", items: [], kind: bytes([1, 2])}]; []; 2
;;> t:t/c#wide({n0: 0, n1: 1, n2: 2, n3: 3, n4: 4, n5: 5, n6: 6, n7: 7, n8: 8, n9: 9, n10: 10, n11: 11, n12: 12, n13: 13, n14: 14, s: "süß", l: ["one", "zwölf"]}); t:t/c#same("ä") => ["one", "zwölf"]; "ä"
;;> t:t/c#bytes([1, 2, 3, 4, 5, 6, 7, 8, 9]); t:t/c#bytes([]) => [1, 2, 3, 4, 5, 6, 7, 8, 9]; []
;;> t:t/c#length([1, 2, 3]); t:t/c#length([]); t:t/c#posts() => 3; 0; 3
;;> t:t/c#join(["one", "zwölf", ""]); t:t/c#join([]); t:t/c#posts() => "one,zwölf,"; ""; 2
;;> t:t/c#twice({name: "n→", items: [{key: "k", values: [1, 2], more: some("mäh")}, {key: "", values: []}], kind: text("t")}) => [{name: "n→", items: [{key: "k", values: [1, 2], more: some("mäh")}, {key: "", values: []}], kind: text("t")}, {name: "n→", items: [{key: "k", values: [1, 2], more: some("mäh")}, {key: "", values: []}], kind: text("t")}]
;;> t:t/c#pass({n0: 0, n1: 1, n2: 2, n3: 3, n4: 4, n5: 5, n6: 6, n7: 7, n8: 8, n9: 9, n10: 10, n11: 11, n12: 12, n13: 13, n14: 14, s: "süß", l: ["one", "zwölf"]}) => ["süß", "one", "zwölf", "105"]
;;> t:t/c#value(*7, "four"); t:t/c#value(*8, "") => 704; 800
;;> t:t/c#kept(*7, "x") => trap
;;> x = t:t/c#keep(*7, "zwölf"); t:t/c#value(&x, "y"); drop(@x) => ; 701; 
;;> x = t:t/c#all([*5, *6]); t:t/c#value(&x.1, "y"); t:t/c#value(&x.0, "yy") => ; 601; 502
;;> x = t:t/c#new-box("12345"); t:t/c#open(&x, "y"); drop(@x) => ; 501; 
;; one after the other
;;> t:t/a#same("ä"); t:t/b#same("ö"); t:t/c#same("ü"); t:t/a#posts(); t:t/b#posts(); t:t/c#posts() => "ä"; "ö"; "ü"; 1; 1; 1
;;> t:t/a#join(["→"]); t:t/b#join(["→"]); t:t/c#join(["→"]); t:t/a#join(["x", "y"]) => "→"; "→"; "→"; "x,y"
(component
  (import "host:res/texts" (instance $h
      (type $item' (record (field "key" string) (field "values" (list u16)) (field "more" (option string))))
      (export "item" (type $item (eq $item')))
      (type $kind' (variant (case "bytes" (list u8)) (case "text" string) (case "empty")))
      (export "kind" (type $kind (eq $kind')))
      (type $nest' (record (field "name" string) (field "items" (list $item)) (field "kind" $kind)))
      (export "nest" (type $nest (eq $nest')))
      (type $wide' (record (field "n0" u32) (field "n1" u32) (field "n2" u32) (field "n3" u32) (field "n4" u32) (field "n5" u32) (field "n6" u32) (field "n7" u32) (field "n8" u32) (field "n9" u32) (field "n10" u32) (field "n11" u32) (field "n12" u32) (field "n13" u32) (field "n14" u32) (field "s" string) (field "l" (list string))))
      (export "wide-record" (type $wide (eq $wide')))
      (export "join" (func (param "s" (list string)) (result string)))
      (export "twice" (func (param "n" $nest) (result (list $nest))))
      (export "wide" (func (param "s" $wide) (result (list string))))))
  (import "host:res/things" (instance $ts
      (export "thing" (type $t (sub resource)))
      (export "make" (func (param "n" u32) (result (own $t))))
      (export "value" (func (param "t" (borrow $t)) (result u32)))
      (export "drops" (func (result u32)))))
  (core module $libc
    (memory (export "mem") 1)
    (global $next (mut i32) (i32.const 4096))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (if (i32.gt_u (local.get 0) (i32.const 65536)) (then unreachable))
      (global.set $next (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -8)))
      (memory.copy (global.get $next) (local.get 0) (local.get 1))
      (global.get $next)
      (global.set $next (i32.add (global.get $next) (local.get 3)))))
  (core module $m
    (import "" "mem" (memory 1))
    (import "" "join" (func $join (param i32 i32 i32)))
    (import "" "twice" (func $twice (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "" "wide" (func $wide (param i32 i32)))
    (import "" "value" (func $value (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (import "" "drop-box" (func $drop-box (param i32)))
    (import "" "new-box" (func $new-box (param i32) (result i32)))
    (global $posts (mut i32) (i32.const 0))
    (func $pair (param i32 i32) (result i32)
      (i32.store (i32.const 80) (local.get 0))
      (i32.store (i32.const 84) (local.get 1))
      (i32.const 80))
    (export "same" (func $pair))
    (func (export "second") (param i32 i32 i32 i32) (result i32) (call $pair (local.get 2) (local.get 3)))
    ;; the list in the record, where it lies
    (func (export "wide") (param i32) (result i32) (i32.add (local.get 0) (i32.const 68)))
    (func (export "length") (param i32 i32) (result i32) (local.get 1))
    (func (export "join") (param i32 i32) (result i32)
      (call $join (local.get 0) (local.get 1) (i32.const 96))
      (i32.const 96))
    (func (export "twice") (param i32 i32 i32 i32 i32 i32 i32) (result i32)
      (call $twice (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6) (i32.const 96))
      (i32.const 96))
    (func (export "pass") (param i32) (result i32)
      (call $wide (local.get 0) (i32.const 96))
      (i32.const 96))
    (func (export "value") (param i32 i32 i32) (result i32)
      (i32.add (i32.mul (call $value (local.get 0)) (i32.const 100)) (local.get 2))
      (call $drop (local.get 0)))
    (func (export "kept") (param i32 i32 i32) (result i32) (i32.add (call $value (local.get 0)) (local.get 2)))
    (func (export "keep") (param i32 i32 i32) (result i32) (local.get 0))
    (func (export "box") (param i32 i32) (result i32) (call $new-box (local.get 1)))
    (func (export "open") (param i32 i32 i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 100)) (local.get 2)))
    (func (export "posts") (result i32) (global.get $posts))
    (func (export "post") (param i32)
      (if (i32.gt_u (i32.load (local.get 0)) (i32.const 65536)) (then unreachable))
      (global.set $posts (i32.add (global.get $posts) (i32.const 1))))
    (func (export "post-number") (param i32)
      (global.set $posts (i32.add (global.get $posts) (local.get 0)))))
  (component $a
    (alias outer 1 $libc (core module $libc'))
    (alias outer 1 $m (core module $m'))
    (import "host:res/texts" (instance $h
      (type $item' (record (field "key" string) (field "values" (list u16)) (field "more" (option string))))
      (export "item" (type $item (eq $item')))
      (type $kind' (variant (case "bytes" (list u8)) (case "text" string) (case "empty")))
      (export "kind" (type $kind (eq $kind')))
      (type $nest' (record (field "name" string) (field "items" (list $item)) (field "kind" $kind)))
      (export "nest" (type $nest (eq $nest')))
      (type $wide' (record (field "n0" u32) (field "n1" u32) (field "n2" u32) (field "n3" u32) (field "n4" u32) (field "n5" u32) (field "n6" u32) (field "n7" u32) (field "n8" u32) (field "n9" u32) (field "n10" u32) (field "n11" u32) (field "n12" u32) (field "n13" u32) (field "n14" u32) (field "s" string) (field "l" (list string))))
      (export "wide-record" (type $wide (eq $wide')))
      (export "join" (func (param "s" (list string)) (result string)))
      (export "twice" (func (param "n" $nest) (result (list $nest))))
      (export "wide" (func (param "s" $wide) (result (list string))))))
    (import "host:res/things" (instance $ts
      (export "thing" (type $t (sub resource)))
      (export "make" (func (param "n" u32) (result (own $t))))
      (export "value" (func (param "t" (borrow $t)) (result u32)))
      (export "drops" (func (result u32)))))
    (alias export $h "nest" (type $nest))
    (alias export $h "wide-record" (type $wide))
    (alias export $ts "thing" (type $thing))
    (core instance $libc (instantiate $libc'))
    (alias core export $libc "mem" (core memory $mem))
    (alias core export $libc "realloc" (core func $realloc))
    (type $box' (resource (rep i32)))
    (export $box "box" (type $box'))
    (core func $drop-box (canon resource.drop $box))
    (core func $new-box (canon resource.new $box))
    (core func $join (canon lower (func $h "join") (memory $mem) (realloc $realloc) string-encoding=utf8))
    (core func $twice (canon lower (func $h "twice") (memory $mem) (realloc $realloc) string-encoding=utf8))
    (core func $wide (canon lower (func $h "wide") (memory $mem) (realloc $realloc) string-encoding=utf8))
    (core func $value (canon lower (func $ts "value")))
    (core func $drop (canon resource.drop $thing))
    (core instance $i (instantiate $m' (with "" (instance
      (export "mem" (memory $mem)) (export "join" (func $join)) (export "twice" (func $twice)) (export "wide" (func $wide))
      (export "value" (func $value)) (export "drop" (func $drop)) (export "drop-box" (func $drop-box)) (export "new-box" (func $new-box))))))
    (func (export "same") (param "s" string) (result string) (canon lift (core func $i "same") (memory $mem) (realloc $realloc) string-encoding=utf8 (post-return (core func $i "post"))))
    (func (export "second") (param "s" string) (param "l" (list string)) (result (list string)) (canon lift (core func $i "second") (memory $mem) (realloc $realloc) string-encoding=utf8))
    (func (export "nests") (param "n" (list $nest)) (result (list $nest)) (canon lift (core func $i "same") (memory $mem) (realloc $realloc) string-encoding=utf8 (post-return (core func $i "post"))))
    (func (export "wide") (param "w" $wide) (result (list string)) (canon lift (core func $i "wide") (memory $mem) (realloc $realloc) string-encoding=utf8))
    (func (export "bytes") (param "l" (list u8)) (result (list u8)) (canon lift (core func $i "same") (memory $mem) (realloc $realloc) string-encoding=utf8))
    (func (export "length") (param "l" (list u64)) (result u32) (canon lift (core func $i "length") (memory $mem) (realloc $realloc) string-encoding=utf8 (post-return (core func $i "post-number"))))
    (func (export "join") (param "l" (list string)) (result string) (canon lift (core func $i "join") (memory $mem) (realloc $realloc) string-encoding=utf8 (post-return (core func $i "post"))))
    (func (export "twice") (param "n" $nest) (result (list $nest)) (canon lift (core func $i "twice") (memory $mem) (realloc $realloc) string-encoding=utf8))
    (func (export "pass") (param "w" $wide) (result (list string)) (canon lift (core func $i "pass") (memory $mem) (realloc $realloc) string-encoding=utf8))
    (func (export "value") (param "t" (borrow $thing)) (param "s" string) (result u32) (canon lift (core func $i "value") (memory $mem) (realloc $realloc) string-encoding=utf8))
    (func (export "kept") (param "t" (borrow $thing)) (param "s" string) (result u32) (canon lift (core func $i "kept") (memory $mem) (realloc $realloc) string-encoding=utf8))
    (func (export "keep") (param "t" (own $thing)) (param "s" string) (result (own $thing)) (canon lift (core func $i "keep") (memory $mem) (realloc $realloc) string-encoding=utf8))
    (func (export "all") (param "ts" (list (own $thing))) (result (list (own $thing))) (canon lift (core func $i "same") (memory $mem) (realloc $realloc) string-encoding=utf8))
    (func (export "new-box") (param "s" string) (result (own $box)) (canon lift (core func $i "box") (memory $mem) (realloc $realloc) string-encoding=utf8))
    (func (export "open") (param "b" (borrow $box)) (param "s" string) (result u32) (canon lift (core func $i "open") (memory $mem) (realloc $realloc) string-encoding=utf8))
    (func (export "posts") (result u32) (canon lift (core func $i "posts"))))
  (component $b
    (alias outer 1 $libc (core module $libc'))
    (alias outer 1 $m (core module $m'))
    (import "host:res/texts" (instance $h
      (type $item' (record (field "key" string) (field "values" (list u16)) (field "more" (option string))))
      (export "item" (type $item (eq $item')))
      (type $kind' (variant (case "bytes" (list u8)) (case "text" string) (case "empty")))
      (export "kind" (type $kind (eq $kind')))
      (type $nest' (record (field "name" string) (field "items" (list $item)) (field "kind" $kind)))
      (export "nest" (type $nest (eq $nest')))
      (type $wide' (record (field "n0" u32) (field "n1" u32) (field "n2" u32) (field "n3" u32) (field "n4" u32) (field "n5" u32) (field "n6" u32) (field "n7" u32) (field "n8" u32) (field "n9" u32) (field "n10" u32) (field "n11" u32) (field "n12" u32) (field "n13" u32) (field "n14" u32) (field "s" string) (field "l" (list string))))
      (export "wide-record" (type $wide (eq $wide')))
      (export "join" (func (param "s" (list string)) (result string)))
      (export "twice" (func (param "n" $nest) (result (list $nest))))
      (export "wide" (func (param "s" $wide) (result (list string))))))
    (import "host:res/things" (instance $ts
      (export "thing" (type $t (sub resource)))
      (export "make" (func (param "n" u32) (result (own $t))))
      (export "value" (func (param "t" (borrow $t)) (result u32)))
      (export "drops" (func (result u32)))))
    (alias export $h "nest" (type $nest))
    (alias export $h "wide-record" (type $wide))
    (alias export $ts "thing" (type $thing))
    (core instance $libc (instantiate $libc'))
    (alias core export $libc "mem" (core memory $mem))
    (alias core export $libc "realloc" (core func $realloc))
    (type $box' (resource (rep i32)))
    (export $box "box" (type $box'))
    (core func $drop-box (canon resource.drop $box))
    (core func $new-box (canon resource.new $box))
    (core func $join (canon lower (func $h "join") (memory $mem) (realloc $realloc) string-encoding=utf16))
    (core func $twice (canon lower (func $h "twice") (memory $mem) (realloc $realloc) string-encoding=utf16))
    (core func $wide (canon lower (func $h "wide") (memory $mem) (realloc $realloc) string-encoding=utf16))
    (core func $value (canon lower (func $ts "value")))
    (core func $drop (canon resource.drop $thing))
    (core instance $i (instantiate $m' (with "" (instance
      (export "mem" (memory $mem)) (export "join" (func $join)) (export "twice" (func $twice)) (export "wide" (func $wide))
      (export "value" (func $value)) (export "drop" (func $drop)) (export "drop-box" (func $drop-box)) (export "new-box" (func $new-box))))))
    (func (export "same") (param "s" string) (result string) (canon lift (core func $i "same") (memory $mem) (realloc $realloc) string-encoding=utf16 (post-return (core func $i "post"))))
    (func (export "second") (param "s" string) (param "l" (list string)) (result (list string)) (canon lift (core func $i "second") (memory $mem) (realloc $realloc) string-encoding=utf16))
    (func (export "nests") (param "n" (list $nest)) (result (list $nest)) (canon lift (core func $i "same") (memory $mem) (realloc $realloc) string-encoding=utf16 (post-return (core func $i "post"))))
    (func (export "wide") (param "w" $wide) (result (list string)) (canon lift (core func $i "wide") (memory $mem) (realloc $realloc) string-encoding=utf16))
    (func (export "bytes") (param "l" (list u8)) (result (list u8)) (canon lift (core func $i "same") (memory $mem) (realloc $realloc) string-encoding=utf16))
    (func (export "length") (param "l" (list u64)) (result u32) (canon lift (core func $i "length") (memory $mem) (realloc $realloc) string-encoding=utf16 (post-return (core func $i "post-number"))))
    (func (export "join") (param "l" (list string)) (result string) (canon lift (core func $i "join") (memory $mem) (realloc $realloc) string-encoding=utf16 (post-return (core func $i "post"))))
    (func (export "twice") (param "n" $nest) (result (list $nest)) (canon lift (core func $i "twice") (memory $mem) (realloc $realloc) string-encoding=utf16))
    (func (export "pass") (param "w" $wide) (result (list string)) (canon lift (core func $i "pass") (memory $mem) (realloc $realloc) string-encoding=utf16))
    (func (export "value") (param "t" (borrow $thing)) (param "s" string) (result u32) (canon lift (core func $i "value") (memory $mem) (realloc $realloc) string-encoding=utf16))
    (func (export "kept") (param "t" (borrow $thing)) (param "s" string) (result u32) (canon lift (core func $i "kept") (memory $mem) (realloc $realloc) string-encoding=utf16))
    (func (export "keep") (param "t" (own $thing)) (param "s" string) (result (own $thing)) (canon lift (core func $i "keep") (memory $mem) (realloc $realloc) string-encoding=utf16))
    (func (export "all") (param "ts" (list (own $thing))) (result (list (own $thing))) (canon lift (core func $i "same") (memory $mem) (realloc $realloc) string-encoding=utf16))
    (func (export "new-box") (param "s" string) (result (own $box)) (canon lift (core func $i "box") (memory $mem) (realloc $realloc) string-encoding=utf16))
    (func (export "open") (param "b" (borrow $box)) (param "s" string) (result u32) (canon lift (core func $i "open") (memory $mem) (realloc $realloc) string-encoding=utf16))
    (func (export "posts") (result u32) (canon lift (core func $i "posts"))))
  (component $c
    (alias outer 1 $libc (core module $libc'))
    (alias outer 1 $m (core module $m'))
    (import "host:res/texts" (instance $h
      (type $item' (record (field "key" string) (field "values" (list u16)) (field "more" (option string))))
      (export "item" (type $item (eq $item')))
      (type $kind' (variant (case "bytes" (list u8)) (case "text" string) (case "empty")))
      (export "kind" (type $kind (eq $kind')))
      (type $nest' (record (field "name" string) (field "items" (list $item)) (field "kind" $kind)))
      (export "nest" (type $nest (eq $nest')))
      (type $wide' (record (field "n0" u32) (field "n1" u32) (field "n2" u32) (field "n3" u32) (field "n4" u32) (field "n5" u32) (field "n6" u32) (field "n7" u32) (field "n8" u32) (field "n9" u32) (field "n10" u32) (field "n11" u32) (field "n12" u32) (field "n13" u32) (field "n14" u32) (field "s" string) (field "l" (list string))))
      (export "wide-record" (type $wide (eq $wide')))
      (export "join" (func (param "s" (list string)) (result string)))
      (export "twice" (func (param "n" $nest) (result (list $nest))))
      (export "wide" (func (param "s" $wide) (result (list string))))))
    (import "host:res/things" (instance $ts
      (export "thing" (type $t (sub resource)))
      (export "make" (func (param "n" u32) (result (own $t))))
      (export "value" (func (param "t" (borrow $t)) (result u32)))
      (export "drops" (func (result u32)))))
    (alias export $h "nest" (type $nest))
    (alias export $h "wide-record" (type $wide))
    (alias export $ts "thing" (type $thing))
    (core instance $libc (instantiate $libc'))
    (alias core export $libc "mem" (core memory $mem))
    (alias core export $libc "realloc" (core func $realloc))
    (type $box' (resource (rep i32)))
    (export $box "box" (type $box'))
    (core func $drop-box (canon resource.drop $box))
    (core func $new-box (canon resource.new $box))
    (core func $join (canon lower (func $h "join") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16))
    (core func $twice (canon lower (func $h "twice") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16))
    (core func $wide (canon lower (func $h "wide") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16))
    (core func $value (canon lower (func $ts "value")))
    (core func $drop (canon resource.drop $thing))
    (core instance $i (instantiate $m' (with "" (instance
      (export "mem" (memory $mem)) (export "join" (func $join)) (export "twice" (func $twice)) (export "wide" (func $wide))
      (export "value" (func $value)) (export "drop" (func $drop)) (export "drop-box" (func $drop-box)) (export "new-box" (func $new-box))))))
    (func (export "same") (param "s" string) (result string) (canon lift (core func $i "same") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16 (post-return (core func $i "post"))))
    (func (export "second") (param "s" string) (param "l" (list string)) (result (list string)) (canon lift (core func $i "second") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16))
    (func (export "nests") (param "n" (list $nest)) (result (list $nest)) (canon lift (core func $i "same") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16 (post-return (core func $i "post"))))
    (func (export "wide") (param "w" $wide) (result (list string)) (canon lift (core func $i "wide") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16))
    (func (export "bytes") (param "l" (list u8)) (result (list u8)) (canon lift (core func $i "same") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16))
    (func (export "length") (param "l" (list u64)) (result u32) (canon lift (core func $i "length") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16 (post-return (core func $i "post-number"))))
    (func (export "join") (param "l" (list string)) (result string) (canon lift (core func $i "join") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16 (post-return (core func $i "post"))))
    (func (export "twice") (param "n" $nest) (result (list $nest)) (canon lift (core func $i "twice") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16))
    (func (export "pass") (param "w" $wide) (result (list string)) (canon lift (core func $i "pass") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16))
    (func (export "value") (param "t" (borrow $thing)) (param "s" string) (result u32) (canon lift (core func $i "value") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16))
    (func (export "kept") (param "t" (borrow $thing)) (param "s" string) (result u32) (canon lift (core func $i "kept") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16))
    (func (export "keep") (param "t" (own $thing)) (param "s" string) (result (own $thing)) (canon lift (core func $i "keep") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16))
    (func (export "all") (param "ts" (list (own $thing))) (result (list (own $thing))) (canon lift (core func $i "same") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16))
    (func (export "new-box") (param "s" string) (result (own $box)) (canon lift (core func $i "box") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16))
    (func (export "open") (param "b" (borrow $box)) (param "s" string) (result u32) (canon lift (core func $i "open") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16))
    (func (export "posts") (result u32) (canon lift (core func $i "posts"))))
  (instance $a (instantiate $a (with "host:res/texts" (instance $h)) (with "host:res/things" (instance $ts))))
  (instance $b (instantiate $b (with "host:res/texts" (instance $h)) (with "host:res/things" (instance $ts))))
  (instance $c (instantiate $c (with "host:res/texts" (instance $h)) (with "host:res/things" (instance $ts))))
  (export "t:t/a" (instance $a))
  (export "t:t/b" (instance $b))
  (export "t:t/c" (instance $c)))
