package wasm

import (
	"fmt"
	"math/bits"
	"strings"
)

// opSig is OpInfo as the validator uses it: the signature spelled out, and
// what the name says of the memory access.
type opSig struct {
	class   uint8
	in, out uint8
	align   uint8 // log2 of the bytes that a memory access takes
	lanes   uint8 // a lane must be below this
	atomic  bool
	address bool // an operand or result has the memory's address type
	// types are the kinds of the operands, then those of the results;
	// sigAddress for the address type.
	types [6]uint8
}

// sigAddress stands for the address type of the memory that is named.
const sigAddress = 1

// The classes: what the loop of checker.run does with an opcode. Everything
// that is not one of the frequent shapes goes through checker.step.
const (
	sigIllegal uint8 = iota
	sigSpecial       // typed by an immediate: checker.special
	sigFixed         // has a signature; step applies it
	sigUnary         // one operand, one result, no immediates
	sigBinary        // two operands, one result, no immediates
	sigLoad          // an address, one result
	sigStore         // an address and a value
	sigConst         // i32.const, i64.const
	sigLocalGet
	sigLocalSet
	sigLocalTee
	sigDrop
	sigCall
	sigGlobalGet
	sigGlobalSet
	sigBrIf
	sigBr
	sigBlock
	sigEnd
)

// opSigs are the signatures of the one-byte opcodes, prefixSigs those of the
// prefixed ones (PrefixGC is the first).
var (
	opSigs     [256]opSig
	prefixSigs [4][]opSig
)

func init() {
	for i := range opsBase {
		opSigs[i] = newSig(Opcode(i))
	}
	for i, n := range []int{len(opsGC), len(opsMisc), len(opsSIMD), len(opsAtomic)} {
		sigs := make([]opSig, n)
		for sub := range sigs {
			sigs[sub] = newSig(PrefixGC*Opcode(i+1) + Opcode(sub))
		}
		prefixSigs[i] = sigs
	}
	for op, class := range map[Opcode]uint8{
		OpI32Const: sigConst, OpI64Const: sigConst,
		OpLocalGet: sigLocalGet, OpLocalSet: sigLocalSet, OpLocalTee: sigLocalTee,
		OpDrop: sigDrop, OpCall: sigCall, OpGlobalGet: sigGlobalGet, OpGlobalSet: sigGlobalSet,
		OpBrIf: sigBrIf, OpBr: sigBr, OpBlock: sigBlock, OpLoop: sigBlock, OpIf: sigBlock, OpEnd: sigEnd,
	} {
		opSigs[op].class = class
	}
}

// sig returns the signature of op, which Info must know.
func (op Opcode) sig() *opSig {
	if op < PrefixGC {
		return &opSigs[op]
	}
	return &prefixSigs[op>>12-1][op&0xfff]
}

// sigKinds are the letters of OpInfo.Sig.
var sigKinds = map[byte]uint8{
	'i': uint8(KindI32), 'l': uint8(KindI64), 'f': uint8(KindF32), 'd': uint8(KindF64),
	'v': uint8(KindV128), 'a': sigAddress,
}

func newSig(op Opcode) opSig {
	info := op.Info()
	if info == nil {
		return opSig{}
	}
	if info.Sig == "*" {
		return opSig{class: sigSpecial}
	}
	s := opSig{class: sigFixed}
	operands, results, ok := strings.Cut(info.Sig, ":")
	if !ok || len(operands)+len(results) > len(s.types) {
		panic("wasm: malformed signature of " + info.Name)
	}
	s.in, s.out = uint8(len(operands)), uint8(len(results))
	for i, letter := range []byte(operands + results) {
		s.types[i] = sigKinds[letter]
		s.address = s.address || s.types[i] == sigAddress
		if s.types[i] == 0 {
			panic("wasm: malformed signature of " + info.Name)
		}
	}
	switch info.Imms[0] {
	case ImmNone:
		switch {
		case s.in == 1 && s.out == 1:
			s.class = sigUnary
		case s.in == 2 && s.out == 1:
			s.class = sigBinary
		}
	case ImmMemArg:
		s.atomic = op&^0xfff == PrefixAtomic
		bytes := accessBytes(info.Name)
		s.align = uint8(bits.TrailingZeros(uint(bytes)))
		s.lanes = uint8(16 / bytes)
		switch {
		case info.Imms[1] != ImmNone || s.atomic:
		case s.in == 1 && s.out == 1:
			s.class = sigLoad
		case s.in == 2 && s.out == 0:
			s.class = sigStore
		}
	case ImmLane:
		// "i16x8.extract_lane_s"
		_, shape, _ := strings.Cut(info.Name, "x")
		s.lanes = number(shape)
	}
	return s
}

// accessBytes is the number of bytes that a load, store or atomic access
// takes, which is what its name says: in "i64.load16_u" and
// "i32.atomic.rmw16.add_u" after the verb, in "v128.load8x8_s" in two factors,
// in "f32.load" by the type.
func accessBytes(name string) int {
	typ, rest, _ := strings.Cut(name, ".")
	for _, verb := range []string{"load", "store", "rmw", "wait", "notify"} {
		_, width, ok := strings.Cut(rest, verb)
		if !ok {
			continue
		}
		if verb == "notify" {
			return 4 // it counts waiters on 32 bits
		}
		if bits := number(width); bits > 0 {
			n := int(bits)
			if _, count, ok := strings.Cut(width, "x"); ok && number(count) > 0 {
				n *= int(number(count))
			}
			return n / 8
		}
		return int(number(typ[1:])) / 8
	}
	panic(fmt.Sprintf("wasm: %s accesses no memory", name))
}

// number is the number that s starts with, 0 for none.
func number(s string) (n uint8) {
	for i := 0; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		n = n*10 + s[i] - '0'
	}
	return n
}
