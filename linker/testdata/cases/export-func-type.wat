;; WIT has no named function types, so neither has the world of a bundle.
;; refused core: export "t" is the type of a function
;; refused component: export "t" is the type of a function
(component
  (type $t (func (param "a" u32) (result string)))
  (export "t" (type $t)))
