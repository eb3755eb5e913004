;; A type of a component or of an instance has no place in a bundle's world.
;; refused core: export "x" is the type of a component
;; refused component: export "x" is the type of a component
(component
  (type (export "x") (component
    (type $t (instance (export "r" (type (sub resource)))))
    (export "t" (instance (type $t))))))
