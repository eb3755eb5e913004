;;< any: value
(component
  (import "v" (value $v string))
  (export "w" (value $v)))
