;; Two components pass strings to the host, out of two memories.
;;< core multi: host:log/sink | pointers of different components | --memory single or --format component
(component
  (import "host:log/sink" (instance $sink (export "log" (func (param "s" string)))))
  (component $user
    (import "host:log/sink" (instance $sink (export "log" (func (param "s" string)))))
    (core module $libc (memory (export "mem") 1))
    (core instance $libc (instantiate $libc))
    (core func $log (canon lower (func $sink "log") (memory (core memory $libc "mem"))))
    (core module $m (import "" "log" (func $log (param i32 i32))) (func (export "f") (call $log (i32.const 0) (i32.const 0))))
    (core instance $i (instantiate $m (with "" (instance (export "log" (func $log))))))
    (func (export "f") (canon lift (core func $i "f"))))
  (instance $a (instantiate $user (with "host:log/sink" (instance $sink))))
  (instance $b (instantiate $user (with "host:log/sink" (instance $sink))))
  (export "a" (func $a "f"))
  (export "b" (func $b "f")))
