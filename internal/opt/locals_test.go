package opt

import "testing"

// TestSimplifyLocals runs the rules of simplify-locals, those that must hold
// back included.
func TestSimplifyLocals(t *testing.T) {
	same := func(name, text string) golden { return golden{name: name, before: text, same: true} }
	runGolden(t, []golden{
		{name: "one use", before: `(module (memory 1) (global $g (mut i32) (i32.const 0))
			(func (export "a") (param i32) (result i32) (local i32)
				local.get 0
				i32.load
				local.set 1
				i32.const 5
				local.set 0
				local.get 1
				local.get 0
				i32.add))`,
			after: `(module (memory 1) (global $g (mut i32) (i32.const 0))
			(func (export "a") (param i32) (result i32) (local i32)
				local.get 0
				i32.load
				i32.const 5
				i32.add))`},
		{name: "several uses", before: `(module (memory 1)
			(func (export "a") (param i32) (result i32) (local i32)
				local.get 0
				i32.load
				local.set 1
				local.get 1
				local.get 1
				i32.mul))`,
			after: `(module (memory 1)
			(func (export "a") (param i32) (result i32) (local i32)
				local.get 0
				i32.load
				local.tee 1
				local.get 1
				i32.mul))`},
	}, Size, "simplify-locals")
	_ = same
}
