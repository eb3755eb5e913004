;; A function of the host is exported again, by itself and in an interface.
;; call got() = 4
;; call i#got() = 4
(component
  (import "four" (func $four (result u32)))
  (export "got" (func $four))
  (instance $i (export "got" (func $four)))
  (export "i" (instance $i)))
