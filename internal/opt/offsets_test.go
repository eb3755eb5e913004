package opt

import (
	"strings"
	"testing"
)

func TestOffsets(t *testing.T) {
	// bounded is a module whose memory is never as large as addresses reach.
	bounded := func(body string) string { return strings.Replace(code("", body), "(memory 1)", "(memory 1 65535)", 1) }
	runGolden(t, []golden{
		{name: "behind an access",
			before: code("", `local.get 0 i64.load offset=40 drop local.get 0 i32.const 8 i32.add i32.const 5 i32.store`),
			after:  code("", `local.get 0 i64.load offset=40 drop local.get 0 i32.const 5 i32.store offset=8`)},
		{name: "behind an access in the value",
			before: code("", `local.get 0 i32.const 8 i32.add local.get 0 i32.load offset=8 i32.store offset=4`),
			after:  code("", `local.get 0 local.get 0 i32.load offset=8 i32.store offset=12`)},
		{name: "right behind what was accessed", same: true,
			before: code("", `local.get 0 i32.const 5 i32.store local.get 0 i32.const 4 i32.add i32.const 5 i32.store`)},
		{name: "right behind what was accessed, in a bounded memory",
			before: bounded(`local.get 0 i32.const 5 i32.store local.get 0 i32.const 4 i32.add i32.const 5 i32.store`),
			after:  bounded(`local.get 0 i32.const 5 i32.store local.get 0 i32.const 5 i32.store offset=4`)},
		{name: "nothing before", same: true,
			before: bounded(`local.get 0 i32.const 4 i32.add i32.const 5 i32.store`)},
		{name: "less than the local", same: true,
			before: bounded(`local.get 0 i32.const 5 i32.store local.get 0 i32.const -4 i32.add i32.const 5 i32.store`)},
		{name: "another value", same: true,
			before: bounded(`local.get 1 i32.const 5 i32.store local.get 0 local.set 1 local.get 1 i32.const 4 i32.add i32.const 5 i32.store`)},
		{name: "another value when it is accessed", same: true,
			before: bounded(`local.get 0 i32.const 4 i32.add local.get 1 local.tee 0 i32.load i32.store`)},
		{name: "in an arm before", same: true,
			before: bounded(`local.get 1 if local.get 0 i32.const 5 i32.store end local.get 0 i32.const 4 i32.add i32.const 5 i32.store`)},
		{name: "written in an arm that leaves",
			before: bounded(`local.get 0 i32.const 5 i32.store block local.get 1 if i32.const -4 local.set 0 br 1 end local.get 0 i32.const 4 i32.add i32.const 5 i32.store end local.get 0 i32.const 8 i32.add i32.const 5 i32.store`),
			after:  bounded(`local.get 0 i32.const 5 i32.store block local.get 1 if i32.const -4 local.set 0 br 1 end local.get 0 i32.const 5 i32.store offset=4 end local.get 0 i32.const 8 i32.add i32.const 5 i32.store`)},
		{name: "written in one of two arms", same: true,
			before: bounded(`local.get 0 i32.const 5 i32.store local.get 1 if i32.const -4 local.set 0 else i32.const 1 call $f end local.get 0 i32.const 8 i32.add i32.const 5 i32.store`)},
		{name: "round a loop", same: true,
			before: bounded(`i32.const 3 local.set 2 local.get 0 i32.const 5 i32.store loop local.get 0 i32.const 8 i32.add i32.const 5 i32.store i32.const -8 local.set 0 local.get 2 i32.const 1 i32.sub local.tee 2 br_if 0 end`)},
	}, Size, "offsets")
}
