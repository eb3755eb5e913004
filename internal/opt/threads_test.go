package opt

import "testing"

// machine is a function around a loop with a br_table on its first parameter,
// and what the states 0, 1 and 2 do. From state 0, the labels are 0 for 1, 1 for
// 2 and 2 for the loop.
func machine(zero, one, two string) string {
	return in(`(func (export "a") (param i32 i32)
		block loop block block block local.get 0 br_table 0 1 2 end ` + zero + ` end ` + one + ` end ` + two + ` end end)`)
}

func TestThreads(t *testing.T) {
	runGolden(t, []golden{
		{name: "forward",
			before: machine(`i32.const 5 call $f i32.const 2 local.set 0 br 2`, `i32.const 6 call $f`, `i32.const 7 call $f br 1`),
			after:  machine(`i32.const 5 call $f br 1`, `i32.const 6 call $f`, `i32.const 7 call $f br 1`)},
		{name: "out of an arm",
			before: machine(`local.get 1 if i32.const 9 local.set 0 br 3 end i32.const 5 call $f`, `i32.const 6 call $f`, `i32.const 7 call $f br 1`),
			after:  machine(`local.get 1 if br 2 end i32.const 5 call $f`, `i32.const 6 call $f`, `i32.const 7 call $f br 1`)},
		{name: "back",
			before: machine(`i32.const 5 call $f br 3`, `local.get 1 i32.const 1 i32.shr_u local.tee 1 if i32.const 1 local.set 0 br 2 end`, `br 1`), same: true},
		{name: "where the local is read",
			before: machine(`i32.const 5 call $f i32.const 2 local.set 0 br 2`, `i32.const 6 call $f`, `local.get 0 call $f br 1`),
			after:  machine(`i32.const 5 call $f i32.const 2 local.set 0 br 1`, `i32.const 6 call $f`, `local.get 0 call $f br 1`)},
		{name: "where a branch comes without a set",
			before: machine(`i32.const 1 local.set 0 br 2`, `local.get 1 i32.eqz br_if 2 i32.const 0 local.set 1 br 1`, `br 1`),
			after:  machine(`i32.const 1 local.set 0 br 0`, `local.get 1 i32.eqz br_if 2 i32.const 0 local.set 1 br 1`, `br 1`)},
		{name: "br_if",
			before: machine(`i32.const 2 local.set 0 local.get 1 br_if 2 i32.const 5 call $f`, `i32.const 6 call $f`, `i32.const 7 call $f br 1`),
			after:  machine(`i32.const 2 local.set 0 local.get 1 br_if 1 i32.const 5 call $f`, `i32.const 6 call $f`, `i32.const 7 call $f br 1`)},
		{name: "a value that is not known",
			before: machine(`local.get 1 local.set 0 i32.const 1 local.set 1 br 2`, `i32.const 6 call $f`, `i32.const 7 call $f br 1`), same: true},
		{name: "a value that changes",
			before: machine(`i32.const 1 local.set 0 local.get 1 local.tee 0 call $f i32.const 1 local.set 1 br 2`, `i32.const 6 call $f br 2`, `i32.const 7 call $f br 1`), same: true},
		{name: "a loop that is in another one",
			before: in(`(func (export "a") (param i32 i32) loop i32.const 8 call $f block block loop block block local.get 0 br_table 0 1 3 end i32.const 1 local.set 0 br 1 end
				i32.const 3 call $f local.get 1 i32.eqz br_if 2 br 1 end end local.get 1 i32.const 0 local.set 1 br_if 1 i32.const 4 call $f end end)`),
			after: in(`(func (export "a") (param i32 i32) loop i32.const 8 call $f block block loop block block local.get 0 br_table 0 1 3 end i32.const 1 local.set 0 br 0 end
				i32.const 3 call $f local.get 1 i32.eqz br_if 2 br 1 end end local.get 1 i32.const 0 local.set 1 br_if 1 i32.const 4 call $f end end)`)},
		{name: "from the end of a block",
			before: in(`(func (export "a") (param i32 i32) block block block local.get 1 if i32.const 1 local.set 0 br 1 end i32.const 0 local.set 0 end local.get 0 br_table 0 1 end i32.const 3 call $f end i32.const 4 call $f)`),
			after:  in(`(func (export "a") (param i32 i32) block block local.get 1 if i32.const 1 local.set 0 br 2 end i32.const 0 local.set 0 local.get 0 br_table 0 1 end i32.const 3 call $f end i32.const 4 call $f)`)},
	}, Size, "threads")
}
