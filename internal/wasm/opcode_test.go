package wasm_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/wbundle/wbundle/internal/wasm"
)

// allOps lists the opcodes in the table.
func allOps() (ops []wasm.Opcode) {
	for op := wasm.Opcode(0); op < 0x5000; op++ {
		if op.Info() != nil {
			ops = append(ops, op)
		}
	}
	return ops
}

// TestOpcodeTable checks the form of every entry: names are distinct and
// spelt as in the text format, signatures use the known letters, immediates
// are packed to the front.
func TestOpcodeTable(t *testing.T) {
	names := map[string]wasm.Opcode{}
	count := map[wasm.Opcode]int{}
	for _, op := range allOps() {
		info := op.Info()
		count[op&^0xfff]++
		if old, dup := names[info.Name]; dup && op != wasm.OpSelectT {
			t.Errorf("%x and %x are both called %s", old, op, info.Name)
		}
		names[info.Name] = op
		if op.String() != info.Name || strings.Trim(info.Name, "abcdefghijklmnopqrstuvwxyz0123456789._ ") != "" {
			t.Errorf("%x: odd name %q", op, info.Name)
		}
		if info.Sig != "*" {
			in, out, ok := strings.Cut(info.Sig, ":")
			if !ok || strings.Trim(in+out, "ilfdva") != "" {
				t.Errorf("%s: malformed signature %q", info.Name, info.Sig)
			}
		}
		done := false
		for _, imm := range info.Imms {
			if done && imm != wasm.ImmNone {
				t.Errorf("%s: immediate after the end", info.Name)
			}
			done = done || imm == wasm.ImmNone
			imm.SiteKind().Space() // panics for what is not classified
		}
	}
	// As the specification's index of instructions and the legacy exception
	// proposal count them.
	want := map[wasm.Opcode]int{0: 199, wasm.PrefixGC: 31, wasm.PrefixMisc: 22, wasm.PrefixSIMD: 236 + 20, wasm.PrefixAtomic: 67}
	if d := cmp.Diff(want, count); d != "" {
		t.Errorf("instructions by prefix: -want +got:\n%s", d)
	}
	for _, op := range []wasm.Opcode{0x16, 0x27, 0xfc, 0x1fff, 0x2012, 0x309a, 0x3114, 0x404f, 0xffff} {
		if op.Info() != nil {
			t.Errorf("%x is called %v", op, op)
		}
	}
	if got := wasm.Opcode(0xff).String(); got != "opcode(0xff)" {
		t.Errorf("unknown opcode is %q", got)
	}
}

// sampleImm is an immediate with index 0 wherever it can name something, and
// how many sites it makes.
func sampleImm(imm wasm.Imm) (b string, sites int) {
	switch imm {
	case wasm.ImmBlockType, wasm.ImmFunc, wasm.ImmType, wasm.ImmTable, wasm.ImmGlobal,
		wasm.ImmTag, wasm.ImmData, wasm.ImmElem, wasm.ImmMemory, wasm.ImmHeapType:
		return "\x00", 1
	case wasm.ImmMemOp:
		return "", 1
	case wasm.ImmMemArg:
		return "\x40\x02\x85\x01", 1
	case wasm.ImmValTypes:
		return "\x01\x64\x00", 1
	case wasm.ImmCatches:
		return "\x04\x00\x00\x00\x01\x00\x00\x02\x00\x03\x00", 2
	case wasm.ImmLabelTable:
		return "\x02\x00\x01\x00", 0
	case wasm.ImmS32, wasm.ImmS64:
		return "\xff\x00", 0
	case wasm.ImmF32:
		return "\x0b\x0b\x0b\x0b", 0
	case wasm.ImmF64:
		return "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b", 0
	case wasm.ImmV128, wasm.ImmLanes:
		return strings.Repeat("\x0b", 16), 0
	}
	return "\x00", 0 // labels, locals, bytes
}

// TestEveryInstruction scans each instruction of the table in a body, checks
// the sites it makes, and reads it back with NextInstr.
func TestEveryInstruction(t *testing.T) {
	for _, op := range allOps() {
		t.Run(op.String(), func(t *testing.T) {
			code := wasm.AppendOpcode(nil, op)
			sites := 0
			for _, imm := range op.Info().Imms {
				if imm == wasm.ImmNone {
					break
				}
				b, n := sampleImm(imm)
				code = append(code, b...)
				sites += n
			}
			// The instruction stands in a try, after one local; the ends
			// that close it and what it opens follow.
			ends := "\x0b\x0b"
			switch op {
			case wasm.OpBlock, wasm.OpLoop, wasm.OpIf, wasm.OpTry, wasm.OpTryTable:
				ends = "\x0b\x0b\x0b"
			case wasm.OpDelegate, wasm.OpEnd:
				ends = "\x0b"
			}
			m := decode(t, everything("\x01\x01\x7f\x06\x40", code, ends))
			body := m.Code[0]
			if body.Code != 3 {
				t.Errorf("code starts at %d", body.Code)
			}
			if len(body.Sites) != sites {
				t.Errorf("%d sites, want %d: %+v", len(body.Sites), sites, body.Sites)
			}
			for _, s := range body.Sites {
				if s.Op != op {
					t.Errorf("site %+v is not of %v", s, op)
				}
			}
			checkSites(t, m)
			in, ok := wasm.NextInstr(body.Bytes, 5)
			if !ok || in.Op != op || in.Off != 5 || int(in.Len) != len(code) {
				t.Errorf("NextInstr: %+v, %v", in, ok)
			}
			for n := range code {
				if in, ok := wasm.NextInstr(code[:n], 0); ok {
					t.Errorf("NextInstr read %+v from %d of %d bytes", in, n, len(code))
				}
			}
		})
	}
}

// TestSites spells out the sites of what the linker rewrites.
func TestSites(t *testing.T) {
	for _, tc := range []struct {
		name, code string
		want       []wasm.Site
	}{
		{"locals of concrete types", "\x02\x01\x7f\x03\x63\x01\x0b", []wasm.Site{{Off: 5, Target: 1, Kind: wasm.SiteHeapType, Len: 1}}},
		{"call, padded", "\x00\x10\x81\x80\x00\x0b", []wasm.Site{{Off: 2, Target: 1, Kind: wasm.SiteFunc, Len: 3, Op: wasm.OpCall}}},
		{"call_indirect", "\x00\x11\x00\x80\x00\x0b", []wasm.Site{
			{Off: 2, Kind: wasm.SiteType, Len: 1, Op: wasm.OpCallIndirect},
			{Off: 3, Kind: wasm.SiteTable, Len: 2, Op: wasm.OpCallIndirect}}},
		{"block of a type", "\x00\x02\x00\x0b\x0b", []wasm.Site{{Off: 2, Kind: wasm.SiteBlockType, Len: 1, Op: wasm.OpBlock}}},
		{"block of a concrete reference", "\x00\x02\x64\x01\x00\x0b\x0b", []wasm.Site{{Off: 3, Target: 1, Kind: wasm.SiteHeapType, Len: 1, Op: wasm.OpBlock}}},
		{"block of an abstract reference", "\x00\x02\x63\x70\x0b\x02\x70\x0b\x0b", nil},
		{"select", "\x00\x1c\x01\x64\x01\x0b", []wasm.Site{{Off: 4, Target: 1, Kind: wasm.SiteHeapType, Len: 1, Op: wasm.OpSelectT}}},
		{"br_on_cast", "\x00\xfb\x18\x03\x00\x6e\x81\x00\x0b", []wasm.Site{{Off: 6, Target: 1, Kind: wasm.SiteHeapType, Len: 2, Op: wasm.OpBrOnCast}}},
		{"try_table", "\x00\x1f\x40\x02\x01\x00\x00\x02\x00\x0b\x0b", []wasm.Site{{Off: 5, Kind: wasm.SiteTag, Len: 1, Op: wasm.OpTryTable}}},
		{"loads", "\x00\x28\x02\x90\x01\x36\x42\x01\x80\x80\x80\x80\x80\x02\x0b", []wasm.Site{
			{Off: 2, Kind: wasm.SiteMemArg, Len: 3, Op: wasm.OpI32Load},
			{Off: 6, Target: 1, Kind: wasm.SiteMemArg, Len: 8, Op: wasm.OpI32Store}}},
		{"padded constants", "\x00\x41\x81\x80\x80\x80\x00\x41\xff\xff\xff\xff\x7f\x42\x80\x80\x80\x80\x80\x00\x0b", []wasm.Site{
			{Off: 2, Kind: wasm.SiteConst, Len: 5, Op: wasm.OpI32Const},
			{Off: 8, Kind: wasm.SiteConst, Len: 5, Op: wasm.OpI32Const},
			{Off: 14, Kind: wasm.SiteConst, Len: 6, Op: wasm.OpI64Const}}},
		{"long constants", "\x00\x41\x80\x80\x80\x80\x78\x41\xff\xff\xff\xff\x07\x42\x80\x80\x80\x80\xc0\x00\x0b", nil},
		{"memory.size", "\x00\x3f\x01\x0b", []wasm.Site{
			{Off: 1, Kind: wasm.SiteMemOp, Len: 1, Op: wasm.OpMemorySize},
			{Off: 2, Target: 1, Kind: wasm.SiteMemory, Len: 1, Op: wasm.OpMemorySize}}},
		{"memory.grow", "\x00\x40\x00\x0b", []wasm.Site{
			{Off: 1, Kind: wasm.SiteMemOp, Len: 1, Op: wasm.OpMemoryGrow},
			{Off: 2, Kind: wasm.SiteMemory, Len: 1, Op: wasm.OpMemoryGrow}}},
		{"memory.copy, padded opcode", "\x00\xfc\x8a\x00\x01\x02\x0b", []wasm.Site{
			{Off: 1, Kind: wasm.SiteMemOp, Len: 3, Op: wasm.OpMemoryCopy},
			{Off: 4, Target: 1, Kind: wasm.SiteMemory, Len: 1, Op: wasm.OpMemoryCopy},
			{Off: 5, Target: 2, Kind: wasm.SiteMemory, Len: 1, Op: wasm.OpMemoryCopy}}},
		{"memory.fill", "\x00\xfc\x0b\x02\x0b", []wasm.Site{
			{Off: 1, Kind: wasm.SiteMemOp, Len: 2, Op: wasm.OpMemoryFill},
			{Off: 3, Target: 2, Kind: wasm.SiteMemory, Len: 1, Op: wasm.OpMemoryFill}}},
		{"memory.init", "\x00\xfc\x08\x00\x01\x0b", []wasm.Site{
			{Off: 1, Kind: wasm.SiteMemOp, Len: 2, Op: wasm.OpMemoryInit},
			{Off: 3, Kind: wasm.SiteData, Len: 1, Op: wasm.OpMemoryInit},
			{Off: 4, Target: 1, Kind: wasm.SiteMemory, Len: 1, Op: wasm.OpMemoryInit}}},
		{"table.init", "\x00\xfc\x0c\x00\x00\x0b", []wasm.Site{
			{Off: 3, Kind: wasm.SiteElem, Len: 1, Op: wasm.OpTableInit},
			{Off: 4, Kind: wasm.SiteTable, Len: 1, Op: wasm.OpTableInit}}},
		{"table.copy", "\x00\xfc\x0e\x00\x00\x0b", []wasm.Site{
			{Off: 3, Kind: wasm.SiteTable, Len: 1, Op: wasm.OpTableCopy},
			{Off: 4, Kind: wasm.SiteTable, Len: 1, Op: wasm.OpTableCopy}}},
		{"wait in a 64-bit memory", "\x00\xfe\x01\x42\x01\x10\x0b", []wasm.Site{{Off: 3, Target: 1, Kind: wasm.SiteMemArg, Len: 3, Op: wasm.OpMemoryAtomicWait32}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := decode(t, everything(tc.code))
			if d := cmp.Diff(tc.want, m.Code[0].Sites, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			checkSites(t, m)
		})
	}
}

func TestNextInstrArg(t *testing.T) {
	for code, want := range map[string]uint64{
		"\x20\x81\x01":                         129,
		"\x41\x7f":                             ^uint64(0),
		"\x42\x80\x7f":                         ^uint64(127),
		"\x43\x01\x02\x03\x04":                 0x04030201,
		"\x44\x01\x00\x00\x00\x00\x00\x00\x80": 1<<63 | 1,
		"\x28\x02\x90\x01":                     144,
		"\xd0\x70":                             ^uint64(15),
		"\x02\x40":                             ^uint64(63),
		"\xfd\x15\x03":                         3,
		"\xfc\x08\x02\x01":                     2,
		"\x0e\x01\x02\x03":                     0,
	} {
		if in, ok := wasm.NextInstr([]byte(code), 0); !ok || in.Arg != want {
			t.Errorf("% x: got %+v, want argument %d", code, in, want)
		}
	}
}

// TestRewriteSites moves every function index and memory offset of a body.
func TestRewriteSites(t *testing.T) {
	m := decode(t, everything("\x00\x10\x01\x41\x00\x28\x02\x04\x1a\x10\x00\x0b"))
	b := m.Code[0]
	out := wasm.RewriteSites(nil, b.Bytes, b.Sites, func(dst []byte, s wasm.Site) []byte {
		if s.Kind == wasm.SiteMemArg {
			arg, _ := wasm.ReadMemArg(b.Bytes[s.Off:])
			arg.Offset += 1000
			return wasm.AppendMemArg(dst, arg)
		}
		return wasm.AppendU32(dst, s.Target+200)
	})
	const want = "\x00\x10\xc9\x01\x41\x00\x28\x02\xec\x07\x1a\x10\xc8\x01\x0b"
	if string(out) != want {
		t.Errorf("got % x, want % x", out, want)
	}
	if got := wasm.RewriteSites([]byte("x"), b.Bytes, nil, nil); string(got) != "x"+string(b.Bytes) {
		t.Errorf("without sites: % x", got)
	}
}
