;; Strings would need a memory; the component exports its import.
;; refused core: whose values pass through memory
(component
  (import "host" (instance $h (export "greet" (func (param "a" string) (result string)))))
  (alias export $h "greet" (func $greet))
  (export "greet" (func $greet))
  (instance $i (export "greet" (func $greet)))
  (export "i" (instance $i)))
