;; Components inside components: outer aliases to types, modules and
;; components, bags of exports at both levels, a component and a module as
;; arguments, instances exported again.
;;
;;> sum(1, 2) => 103
;;> made() => 7
;;> bag() => 1000
;;> host:deep/inner#one() => 1
;;> host:deep/inner#two({a: 5, b: 6}) => 30
(component $top
  (core module $add
    (global $base (import "env" "base") i32)
    (func (export "add") (param i32 i32) (result i32)
      (i32.add (global.get $base) (i32.add (local.get 0) (local.get 1))))
    (func (export "one") (result i32) (i32.const 1))
    (func (export "mul") (param i32 i32) (result i32) (i32.mul (local.get 0) (local.get 1))))
  (core module $env
    (global (export "base") i32 (i32.const 100))
    (global (export "kilo") i32 (i32.const 1000)))
  (type $pair (record (field "a" u32) (field "b" u32)))
  ;; takes a module and a component, makes an instance of each
  (component $functor
    (import "code" (core module $code (export "g" (func (result i32)))))
    (import "maker" (component $maker
      (export "seven" (func (result u32)))))
    (core instance $c (instantiate $code))
    (instance $m (instantiate $maker))
    (func $g (result u32) (canon lift (core func $c "g")))
    (export "g" (func $g))
    (export "seven" (func $m "seven")))
  (core module $code (func (export "g") (result i32) (i32.const 1000)))
  (component $maker
    (core module $m (func (export "seven") (result i32) (i32.const 7)))
    (core instance $i (instantiate $m))
    (func (export "seven") (result u32) (canon lift (core func $i "seven"))))
  (instance $f (instantiate $functor (with "code" (core module $code)) (with "maker" (component $maker))))

  (component $middle
    (component $inner
      ;; both reach two levels out
      (alias outer $top $add (core module $add))
      (alias outer $top $env (core module $env))
      (core instance $e (instantiate $env))
      ;; a bag that renames: its base is the other global
      (core instance $renamed (export "base" (global $e "base")))
      (core instance $a (instantiate $add (with "env" (instance $renamed))))
      (func $sum (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $a "add")))
      (func $one (result u32) (canon lift (core func $a "one")))
      (alias outer $top $pair (type $p))
      (export $pair "pair" (type $p))
      (func $two (param "p" $pair) (result u32) (canon lift (core func $a "mul")))
      (export "sum" (func $sum))
      (instance $bag (export "one" (func $one)) (export "pair" (type $pair)) (export "two" (func $two)))
      (export "deep" (instance $bag)))
    (instance $i (instantiate $inner))
    (export "sum" (func $i "sum"))
    (export "deep" (instance $i "deep")))
  (instance $m (instantiate $middle))
  (export "sum" (func $m "sum"))
  (export "made" (func $f "seven"))
  (export "bag" (func $f "g"))
  (export "host:deep/inner" (instance $m "deep")))
