;;< any: start
(component
  (import "f" (func $f))
  (start $f))
