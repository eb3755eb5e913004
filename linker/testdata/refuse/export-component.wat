;;< any: export "c" | component
(component
  (component $c)
  (export "c" (component $c)))
