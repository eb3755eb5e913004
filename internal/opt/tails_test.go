package opt

import "testing"

func TestTails(t *testing.T) {
	runGolden(t, []golden{
		{name: "both arms",
			before: code("", `local.get 0 if i32.const 1 call $f i32.const 9 global.set $x i32.const 3 call $f else i32.const 2 call $f i32.const 9 global.set $x i32.const 3 call $f end`),
			after:  code("", `local.get 0 if i32.const 1 call $f else i32.const 2 call $f end i32.const 9 global.set $x i32.const 3 call $f`)},
		{name: "both arms with a value",
			before: code("(result i32)", `local.get 0 if (result i32) i32.const 1 call $f local.get 1 i32.const 5 i32.add else i32.const 2 call $f local.get 1 i32.const 5 i32.add end`),
			after:  code("(result i32)", `local.get 0 if i32.const 1 call $f else i32.const 2 call $f end local.get 1 i32.const 5 i32.add`)},
		{name: "arms that differ",
			before: code("", `local.get 0 if i32.const 1 call $f else i32.const 2 call $f end local.get 0 if local.get 1 call $f else local.get 0 call $f end`), same: true},
		{name: "an arm that is alone",
			before: code("", `local.get 0 if i32.const 1 call $f end i32.const 1 call $f`), same: true},
		{name: "all paths to the end of a block",
			before: code("", `block local.get 0 if i32.const 1 call $f i32.const 1000 call $f br 1 end i32.const 3 call $f local.get 1 if i32.const 2 call $f i32.const 1000 call $f br 1 end i32.const 1000 call $f end i32.const 4 call $f`),
			after:  code("", `block local.get 0 if i32.const 1 call $f br 1 end i32.const 3 call $f local.get 1 if i32.const 2 call $f br 1 end end i32.const 1000 call $f i32.const 4 call $f`)},
		{name: "not all paths to the end of a block",
			before: code("", `block local.get 0 br_if 0 local.get 1 if i32.const 2 call $f i32.const 1000 call $f br 1 end i32.const 5 call $f i32.const 1000 call $f end i32.const 4 call $f`),
			after:  code("", `block block local.get 0 br_if 1 local.get 1 if i32.const 2 call $f br 1 end i32.const 5 call $f end i32.const 1000 call $f end i32.const 4 call $f`)},
		{name: "some paths, and too little for a block",
			before: code("", `block local.get 0 br_if 0 local.get 1 if i32.const 2 call $f local.get 1 call $f br 1 end i32.const 5 call $f end i32.const 4 call $f`), same: true},
		{name: "some paths with a value, and others with another",
			before: code("(result i32)", `block (result i32) local.get 0 if i32.const 1 call $f i32.const 1000 call $f i32.const 500 br 1 end local.get 1 if i32.const 2 call $f i32.const 1000 call $f i32.const 500 br 1 end
				local.get 1 i32.const 2 i32.eq if i32.const 1 call $f i32.const 7000 call $f i32.const 600 br 1 end i32.const 3 call $f i32.const 7000 call $f i32.const 600 end call $f i32.const 4`),
			after: code("(result i32)", `block (result i32) block block local.get 0 if i32.const 1 call $f br 2 end local.get 1 if i32.const 2 call $f br 2 end
				local.get 1 i32.const 2 i32.eq if i32.const 1 call $f br 1 end i32.const 3 call $f end i32.const 7000 call $f i32.const 600 br 1 end i32.const 1000 call $f i32.const 500 end call $f i32.const 4`)},
		{name: "more in common of some",
			before: code("", `block local.get 0 br_if 0
				local.get 1 if i32.const 2 call $f i32.const 1000 call $f i32.const 1001 call $f br 1 end
				local.get 0 i32.const 3 i32.eq if i32.const 3 call $f i32.const 1000 call $f i32.const 1001 call $f br 1 end
				local.get 0 i32.const 4 i32.eq if i32.const 5 call $f i32.const 1001 call $f br 1 end
				i32.const 7 call $f end i32.const 4 call $f`),
			after: code("", `block block block local.get 0 br_if 2
				local.get 1 if i32.const 2 call $f br 1 end
				local.get 0 i32.const 3 i32.eq if i32.const 3 call $f br 1 end
				local.get 0 i32.const 4 i32.eq if i32.const 5 call $f br 2 end
				i32.const 7 call $f br 2 end i32.const 1000 call $f end i32.const 1001 call $f end i32.const 4 call $f`)},
		{name: "to the head of a loop",
			before: code("", `loop local.get 0 if local.get 0 i32.const 1 i32.shr_u local.set 0 i32.const 1000 call $f local.get 1 call $f br 1 end local.get 1 if i32.const 0 local.set 1 i32.const 1000 call $f local.get 1 call $f br 1 end return end`),
			after:  code("", `loop block local.get 0 if local.get 0 i32.const 1 i32.shr_u local.set 0 br 1 end local.get 1 if i32.const 0 local.set 1 br 1 end return end i32.const 1000 call $f local.get 1 call $f br 0 end`)},
		{name: "some paths, in a block that is the end of another path",
			before: code("", `block block local.get 0 if i32.const 1 call $f i32.const 1000 call $f local.get 1 call $f br 1 end local.get 1 if i32.const 2 call $f i32.const 1000 call $f local.get 1 call $f br 1 end
				local.get 0 br_if 0 i32.const 3 call $f i32.const 2000 call $f local.get 1 call $f br 1 end
				local.get 0 br_if 0 i32.const 4 call $f i32.const 2000 call $f local.get 1 call $f end i32.const 5 call $f`),
			after: code("", `block block block block local.get 0 if i32.const 1 call $f br 1 end local.get 1 if i32.const 2 call $f br 1 end
				local.get 0 br_if 1 i32.const 3 call $f br 2 end i32.const 1000 call $f local.get 1 call $f end
				local.get 0 br_if 1 i32.const 4 call $f end i32.const 2000 call $f local.get 1 call $f end i32.const 5 call $f`)},
		{name: "returns behind what returns",
			before: code("(result i32)", `local.get 0 if i32.const 1 call $f local.get 1 if i32.const 1000 call $f i32.const 70 call $f i32.const 500 return end i32.const 3000 call $f i32.const 600 return end
				local.get 1 i32.const 2 i32.eq if i32.const 2 call $f local.get 1 if i32.const 1000 call $f i32.const 70 call $f i32.const 500 return end i32.const 3000 call $f i32.const 600 return end i32.const 3 call $f i32.const 9`),
			after: in(`(func (export "a") (param i32 i32) (result i32) (local i32) block block local.get 1 i32.const 7 i32.and local.set 1
				local.get 0 if i32.const 1 call $f local.get 1 if br 2 end br 2 end
				local.get 1 i32.const 2 i32.eq if i32.const 2 call $f local.get 1 if br 2 end br 2 end i32.const 3 call $f i32.const 9 return end
				i32.const 1000 call $f i32.const 70 call $f i32.const 500 return end i32.const 3000 call $f i32.const 600)`)},
		{name: "throws",
			before: in(`(func (export "a") (param i32 i32) local.get 0 if i32.const 1 call $f i32.const 1000 call $f i32.const 70 throw $t end local.get 1 if i32.const 2 call $f i32.const 1000 call $f i32.const 70 throw $t end i32.const 3 call $f)`),
			after:  in(`(func (export "a") (param i32 i32) block local.get 0 if i32.const 1 call $f br 1 end local.get 1 if i32.const 2 call $f br 1 end i32.const 3 call $f return end i32.const 1000 call $f i32.const 70 throw $t)`)},
		{name: "values that branches bring",
			before: code("(result i32)", `block (result i32) local.get 0 if i32.const 1 call $f local.get 1 i32.const 4 i32.add br 1 end i32.const 3 call $f local.get 1 i32.const 4 i32.add end`),
			after:  code("(result i32)", `block local.get 0 if i32.const 1 call $f br 1 end i32.const 3 call $f end local.get 1 i32.const 4 i32.add`)},
		{name: "a branch to what does not enclose both",
			before: code("", `block block local.get 0 if local.get 1 br_if 1 br 2 end i32.const 3 call $f local.get 1 br_if 0 br 1 end i32.const 3 call $f unreachable end i32.const 4 call $f`), same: true},
		{name: "out of try_table",
			before: code("", `block block try_table (catch_all 0) local.get 0 if i32.const 3 call $f local.get 1 call $throws br 3 end i32.const 4 call $f end i32.const 3 call $f local.get 1 call $throws br 1 end i32.const 7 call $f end i32.const 5 call $f`), same: true},
		{name: "labels of their own",
			before: code("", `local.get 0 if i32.const 1 call $f block local.get 1 br_if 0 i32.const 2 call $f end else i32.const 4 call $f block local.get 1 br_if 0 i32.const 2 call $f end end`),
			after:  code("", `local.get 0 if i32.const 1 call $f else i32.const 4 call $f end block local.get 1 br_if 0 i32.const 2 call $f end`)},
		{name: "labels of their own, one of which is left another way",
			before: code("", `block local.get 0 if i32.const 1 call $f block local.get 1 br_if 0 local.get 0 br_if 0 i32.const 2 call $f end
				else i32.const 4 call $f block local.get 1 br_if 0 local.get 0 br_if 2 i32.const 2 call $f end end i32.const 6 call $f end`), same: true},
		{name: "returns",
			before: code("(result i32)", `local.get 0 if local.get 1 if i32.const 1 call $f i32.const 1000 call $f i32.const 70 call $f i32.const 500 return end i32.const 2 call $f i32.const 1000 call $f i32.const 70 call $f i32.const 500 return end i32.const 3 call $f i32.const 9`),
			after:  in(`(func (export "a") (param i32 i32) (result i32) (local i32) block local.get 1 i32.const 7 i32.and local.set 1 local.get 0 if local.get 1 if i32.const 1 call $f br 2 end i32.const 2 call $f br 1 end i32.const 3 call $f i32.const 9 return end i32.const 1000 call $f i32.const 70 call $f i32.const 500)`)},
		{name: "returns, and the end",
			before: code("(result i32)", `local.get 0 if local.get 1 if i32.const 1 call $f i32.const 1000 call $f i32.const 70 call $f i32.const 500 return end i32.const 2 call $f i32.const 1000 call $f i32.const 70 call $f i32.const 500 return end i32.const 1000 call $f i32.const 70 call $f i32.const 500`),
			after:  in(`(func (export "a") (param i32 i32) (result i32) (local i32) block local.get 1 i32.const 7 i32.and local.set 1 local.get 0 if local.get 1 if i32.const 1 call $f br 2 end i32.const 2 call $f br 1 end end i32.const 1000 call $f i32.const 70 call $f i32.const 500)`)},
		{name: "returns that are too short",
			before: code("", `local.get 0 if local.get 1 if i32.const 1 call $f return end i32.const 2 call $f local.get 1 call $throws i32.const 1 call $f return end i32.const 3 call $f`), same: true},
		{name: "returns in try_table",
			before: code("", `block try_table (catch_all 0) local.get 0 if i32.const 1 call $throws i32.const 1000 call $f i32.const 1000 call $f i32.const 1000 call $f return end local.get 1 if i32.const 1 call $throws i32.const 1000 call $f i32.const 1000 call $f i32.const 1000 call $f return end end end i32.const 3 call $f`), same: true},
		{name: "traps",
			before: code("", `local.get 0 if i32.const 1 call $f i32.const 1000 call $f i32.const 70 call $f unreachable end local.get 1 if i32.const 2 call $f i32.const 1000 call $f i32.const 70 call $f unreachable end i32.const 3 call $f`),
			after:  in(`(func (export "a") (param i32 i32)  (local i32) block local.get 1 i32.const 7 i32.and local.set 1 local.get 0 if i32.const 1 call $f br 1 end local.get 1 if i32.const 2 call $f br 1 end i32.const 3 call $f return end i32.const 1000 call $f i32.const 70 call $f unreachable)`)},
	}, Size, "tails")
}

// TestTailsSpeed makes sure that no branch is added for the sake of size.
func TestTailsSpeed(t *testing.T) {
	runGolden(t, []golden{
		{name: "both arms", same: true,
			before: code("", `local.get 0 if i32.const 1 call $f i32.const 3 call $f else i32.const 2 call $f i32.const 3 call $f end`)},
	}, Speed, "tails")
}
