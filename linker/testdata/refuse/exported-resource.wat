;; A resource that the root exports, which another component uses as well.
;;< any: resource | exported to the host
(component
  (component $definer
    (type $r' (resource (rep i32)))
    (export $r "r" (type $r'))
    (core func $new (canon resource.new $r'))
    (func (export "make") (param "n" u32) (result (own $r)) (canon lift (core func $new))))
  (component $user
    (import "d" (instance $d
      (export "r" (type $r (sub resource)))
      (export "make" (func (param "n" u32) (result (own $r))))))
    (alias export $d "r" (type $r))
    (core func $make (canon lower (func $d "make")))
    (func (export "f") (param "n" u32) (result u32) (canon lift (core func $make))))
  (instance $d (instantiate $definer))
  (instance $u (instantiate $user (with "d" (instance $d))))
  (export "t:t/things" (instance $d))
  (export "f" (func $u "f")))
