;; A core module inside an exported instance must not get lost silently.
;; refused core: export "i#m" is a core module
;; refused component: export "i#m" is a core module
(component
  (core module $m)
  (instance $i (export "m" (core module $m)))
  (export "i" (instance $i)))
