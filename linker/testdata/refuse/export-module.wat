;;< any: export "m" | core module
(component
  (core module $m)
  (export "m" (core module $m)))
