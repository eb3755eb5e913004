;;< core: export "m" | core module | --format component
(component
  (core module $m)
  (export "m" (core module $m)))
