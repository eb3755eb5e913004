;; The types of a component and of an instance have a place in a component's
;; world, and none in a core module's.
;; refused core: export "x" is the type of a component, which a core module cannot export
(component
  (type (export "x") (component
    (type $t (instance
      (export "r" (type (sub resource)))
      (type $u (instance (alias outer 1 0 (type)) (export "v" (type (eq 0)))))))
    (export "t" (instance (type $t)))))
  (type (export "y") (instance (export "f" (func (param "a" u32)))))
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func (export "f") (canon lift (core func $i "f"))))
