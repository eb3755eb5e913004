package opt

import "testing"

func TestCells(t *testing.T) {
	same := func(name, text string) golden { return golden{name: name, before: text, same: true} }
	runGolden(t, []golden{
		{name: "a flag", outside: true, before: `(module (memory 1) (data (i32.const 8) "\05\ff")
			(func (export "a") (param i32) (result i32)
				i32.const 0
				local.get 0
				i32.store8 offset=8
				i32.const 9
				i32.load8_s)
			(func (export "b") (result i32)
				i32.const 8
				i32.load8_u))`,
			after: `(module
			(memory 1)
			(global (mut i32) i32.const 5)
			(global (mut i32) i32.const 255)
			(data (i32.const 8) "\05\ff")
			(func (export "a") (param i32) (result i32)
				local.get 0
				i32.const 255
				i32.and
				global.set 0
				global.get 1
				i32.extend8_s)
			(func (export "b") (result i32)
				global.get 0))`},
		{name: "later data wins", outside: true, before: `(module (memory 1) (data (i32.const 0) "\01\02\03\04\05\06\07\08") (data (i32.const 2) "\09")
			(func (export "a") (result i64)
				i32.const 0
				i64.load)
			(func (export "b") (result i32)
				i32.const 8
				i32.load))`,
			after: `(module
			(memory 1)
			(global (mut i64) i64.const 578437695752700417)
			(global (mut i32) i32.const 0)
			(data (i32.const 0) "\01\02\03\04\05\06\07\08") (data (i32.const 2) "\09")
			(func (export "a") (result i64)
				global.get 0)
			(func (export "b") (result i32)
				global.get 1))`},
		same("an address that is not known", `(module (memory 1)
			(func (export "a") (param i32) (result i32) local.get 0 i32.load)
			(func (export "b") (result i32) i32.const 8 i32.load))`),
		same("an exported memory", `(module (memory (export "m") 1)
			(func (export "b") (result i32) i32.const 8 i32.load))`),
		same("it can grow", `(module (memory 1)
			(func (export "a") (result i32) i32.const 1 memory.grow 0)
			(func (export "b") (result i32) i32.const 8 i32.load))`),
		same("it is copied", `(module (memory 1)
			(func (export "a") i32.const 8 i32.const 12 i32.const 4 memory.copy)
			(func (export "b") (result i32) i32.const 8 i32.load))`),
		same("cells overlap", `(module (memory 1)
			(func (export "a") i32.const 8 i32.const 1 i32.store)
			(func (export "b") (result i32) i32.const 9 i32.load8_u))`),
		same("the access traps", `(module (memory 1)
			(func (export "a") (result i32) i32.const -1 i32.load offset=8))`),
		same("instantiation traps", `(module (memory 1) (data (i32.const 65535) "ab")
			(func (export "b") (result i32) i32.const 8 i32.load))`),
	}, Size, "cells")
}
