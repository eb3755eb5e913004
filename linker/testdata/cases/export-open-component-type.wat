;; A type that uses definitions outside it would have to be written with them.
;; refused core: export "x" is the type of a component, which a core module cannot export
;; refused component: export "x" is the type of a component that refers to definitions outside it
(component
  (type $l (list u8))
  (type (export "x") (component
    (type $t (instance (alias outer 2 $l (type $m)) (export "l" (type (eq $m)))))
    (export "t" (instance (type $t))))))
