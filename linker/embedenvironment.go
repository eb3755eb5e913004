package linker

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// WASI 0.2: get-environment, get-arguments and initial-cwd of
// wasi:cli/environment return lists and strings.
//
// In: a lower of one of them. Out: a function that allocates with the realloc of
// the lower, in the order in which a host does (CanonicalABI.md, "Storing"): the
// list, then string by string. The strings are in the encoding of the lower, in
// one segment:
//
//	(func $get-arguments (param $ret i32)
//	  (local.set $list (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 16)))
//	  (call $string (local.get $list) (i32.const 0) (i32.const 4) (i32.const 4)) …
//
// Where variables of the host are passed on, the host is asked first. What it
// wrote is the caller's by then: the entries that are passed on are moved
// together, and realloc makes the list as long as it has to be. Strings that are
// not passed on stay allocated; the canonical ABI has no function to free them.
// An allocator that hands memory out twice, as preview 1 adapters have it to
// count without keeping, would make nonsense of names: it traps. Callers of such
// adapters are answered before they get there (embedPass).

// encoded is a string as a lower has it.
type encoded struct {
	bytes  []byte
	length uint32 // in code units, tagged
}

// utf16Tag marks strings of UTF-16 where Latin-1 is possible, too.
const utf16Tag = 1 << 31

// encode writes a string in an encoding.
func encode(s string, enc component.Encoding) encoded {
	if enc == component.UTF8 {
		return encoded{[]byte(s), uint32(len(s))}
	}
	if enc == component.Latin1UTF16 && !strings.ContainsFunc(s, func(r rune) bool { return r > 0xff }) {
		var b []byte
		for _, r := range s {
			b = append(b, byte(r))
		}
		return encoded{b, uint32(len(b))}
	}
	var b []byte
	units := utf16.Encode([]rune(s))
	for _, u := range units {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	length := uint32(len(units))
	if enc == component.Latin1UTF16 {
		length |= utf16Tag
	}
	return encoded{b, length}
}

// stringAlign is the alignment that an encoding's strings are allocated with.
func stringAlign(enc component.Encoding) uint32 {
	if enc == component.UTF8 {
		return 1
	}
	return 2
}

// environmentAnswer makes the function that answers a lower from the values of
// the bundle; 0: nothing of it is embedded.
func (f *flattener) environmentAnswer(l *graph.Lower, t graph.TypeID) graph.FuncID {
	w, h := &f.opts.WASI, l.Func.Host
	iface, _, _ := strings.Cut(h.Interface, "@")
	if iface != "wasi:cli/environment" || !w.embeds() {
		return 0
	}
	name, ft := coreName(h.Interface, h.Name), l.Func.Type
	a := &allocation{f: f, l: l, name: name}
	switch {
	case h.Name == "get-environment" && w.Env != nil:
		if !a.fits(ft, 2) {
			return 0
		}
		var set []string
		for _, n := range slices.Sorted(maps.Keys(w.Env.Set)) {
			set = append(set, n, w.Env.Set[n])
		}
		if len(w.Env.Pass) > 0 {
			return a.passed(t, set)
		}
		return a.list(set, 2)
	case h.Name == "get-arguments" && w.Args != nil:
		if !a.fits(ft, 1) {
			return 0
		}
		return a.list(w.Args, 1)
	case h.Name == "initial-cwd" && w.Env != nil && len(w.Env.Pass) == 0 && w.Args != nil:
		// Nothing of the interface is left to the host: there is none.
		return f.stub(l, t, "embedded "+name)
	}
	return 0
}

// allocation writes functions that allocate for a lower.
type allocation struct {
	f    *flattener
	l    *graph.Lower
	name string
}

// fits reports whether a function returns a list of strings, or of tuples of
// them, per to an element.
func (a *allocation) fits(t *component.FuncType, per int) bool {
	ok := len(t.Params) == 0 && t.Result != nil && t.Result.Kind == component.KindList
	if ok {
		e := t.Result.Elem
		if per > 1 {
			ok = e.Kind == component.KindTuple && len(e.Fields) == per
			for _, field := range e.Fields {
				ok = ok && field.Type.Kind == component.KindString
			}
		} else {
			ok = e.Kind == component.KindString
		}
	}
	if !ok {
		a.f.embed.refuse("%s has a type that wasi.env and wasi.args do not know", a.name)
	}
	return ok
}

// realloc calls realloc with what is on the stack, and traps unless the result
// is aligned.
func (a *allocation) realloc(b *ir.Builder, align uint32, to ir.Local) {
	b.Call(a.l.Opts.Realloc)
	b.Tee(to)
	if align > 1 {
		b.I32(align - 1)
		b.Op(wasm.OpI32And)
		b.TrapIf()
		return
	}
	b.Op(wasm.OpDrop)
}

// string returns the function that allocates a string of the segment and writes
// its address and length.
//
//	(func (param $at $off $bytes $length i32))
func (a *allocation) string(data graph.DataID) graph.FuncID {
	mem, align := a.l.Opts.Memory, stringAlign(a.l.Opts.Encoding)
	b := ir.New(i32List(4))
	to := b.Local(wasm.I32)
	b.I32(0)
	b.I32(0)
	b.I32(align)
	b.Get(2)
	a.realloc(b, align, to)
	b.Get(to, 1, 2)
	b.MemoryInit(mem, data)
	for i, v := range []ir.Local{to, 3} {
		b.Get(0, v)
		b.Mem(wasm.OpI32Store, mem, 2, uint32(4*i))
	}
	return a.f.embedded("string of "+a.name, i32List(4), nil, b)
}

// strings stores strings one after the other, from the address in at on.
func (a *allocation) strings(b *ir.Builder, list []string, at ir.Local) {
	if len(list) == 0 {
		return
	}
	var image []byte
	data := a.f.bytes(nil)
	one := a.string(data)
	for i, s := range list {
		e := encode(s, a.l.Opts.Encoding)
		b.Get(at)
		b.I32(uint32(8 * i))
		b.Op(wasm.OpI32Add)
		b.I32(uint32(len(image)))
		b.I32(uint32(len(e.bytes)))
		b.I32(e.length)
		b.Call(one)
		image = append(image, e.bytes...)
	}
	a.f.p.Datas[data].Bytes = &image
}

// within traps unless the bytes from an address on are in the memory.
func (a *allocation) within(b *ir.Builder, at ir.Local, size func()) {
	b.Get(at)
	b.Op(wasm.OpI64ExtendI32U)
	size()
	b.Op(wasm.OpI64ExtendI32U, wasm.OpI64Add)
	b.MemorySize(a.l.Opts.Memory)
	b.Op(wasm.OpI64ExtendI32U)
	b.I64(16)
	b.Op(wasm.OpI64Shl, wasm.OpI64GtU)
	b.TrapIf()
}

// list makes the function that returns fixed strings, per to an element.
func (a *allocation) list(list []string, per int) graph.FuncID {
	mem := a.l.Opts.Memory
	b := ir.New(i32List(1))
	at := b.Local(wasm.I32)
	a.aligned(b)
	b.I32(0)
	b.I32(0)
	b.I32(4)
	b.I32(uint32(8 * len(list)))
	a.realloc(b, 4, at)
	a.within(b, at, func() { b.I32(uint32(8 * len(list))) })
	a.strings(b, list, at)
	b.Get(0, at)
	b.Mem(wasm.OpI32Store, mem, 2, 0)
	b.Get(0)
	b.I32(uint32(len(list) / per))
	b.Mem(wasm.OpI32Store, mem, 2, 4)
	return a.f.embedded(a.name, i32List(1), nil, b)
}

// aligned traps unless the address for the result is.
func (a *allocation) aligned(b *ir.Builder) {
	b.Get(0)
	b.I32(3)
	b.Op(wasm.OpI32And)
	b.TrapIf()
}

// passed makes get-environment of what is set and what the host has of the
// names that are passed on, which comes first. The host checks and writes the
// result; its address is the parameter.
func (a *allocation) passed(t graph.TypeID, set []string) graph.FuncID {
	f, l := a.f, a.l
	mem := l.Opts.Memory
	raw := f.p.AddFunc(graph.Func{Kind: graph.FuncImport, Type: t, Import: &graph.Import{Module: l.Func.Host.Interface, Name: l.Func.Host.Name, Lower: l}})
	const ret = ir.Local(0)
	b := ir.New(i32List(1))
	i32 := func() ir.Local { return b.Local(wasm.I32) }
	list, n, from, to, end, size := i32(), i32(), i32(), i32(), i32(), i32()
	b.Get(ret)
	b.Call(raw)
	b.Get(ret)
	b.Mem(wasm.OpI32Load, mem, 2, 0)
	b.Tee(list)
	b.Get(ret)
	b.Mem(wasm.OpI32Load, mem, 2, 4)
	b.Tee(n)
	b.Call(a.distinct())
	b.Get(list)
	b.Tee(from)
	b.Set(to)
	b.Get(list, n)
	b.I32(4)
	b.Op(wasm.OpI32Shl, wasm.OpI32Add)
	b.Set(end)
	b.Block()
	b.Loop()
	b.Get(from, end)
	b.Op(wasm.OpI32Eq)
	b.BrIf(1)
	b.I32(0)
	for _, name := range f.opts.WASI.Env.Pass {
		e := encode(name, l.Opts.Encoding)
		b.Get(from)
		b.Mem(wasm.OpI32Load, mem, 2, 4)
		b.I32(e.length)
		b.Op(wasm.OpI32Eq)
		b.IfResult(wasm.I32)
		b.Get(from)
		b.Mem(wasm.OpI32Load, mem, 2, 0)
		b.Set(size)
		compareBytes(b, mem, size, e.bytes)
		b.Else()
		b.I32(0)
		b.End()
		b.Op(wasm.OpI32Or)
	}
	b.If()
	for _, off := range []uint32{0, 8} {
		b.Get(to, from)
		b.Mem(wasm.OpI64Load, mem, 2, off)
		b.Mem(wasm.OpI64Store, mem, 2, off)
	}
	b.Get(to)
	b.I32(16)
	b.Op(wasm.OpI32Add)
	b.Set(to)
	b.End()
	b.Get(from)
	b.I32(16)
	b.Op(wasm.OpI32Add)
	b.Set(from)
	b.Br(0)
	b.End()
	b.End()
	// The list gets the length that it has to have. An empty one is what it is:
	// realloc is not for making something nothing.
	b.Get(to, list)
	b.Op(wasm.OpI32Sub)
	b.Tee(from) // what is passed on
	b.I32(uint32(8 * len(set)))
	b.Op(wasm.OpI32Add)
	b.Set(size)
	b.Get(size)
	b.I32(0)
	b.Op(wasm.OpI32Ne)
	b.Get(size, n)
	b.I32(4)
	b.Op(wasm.OpI32Shl, wasm.OpI32Ne, wasm.OpI32And)
	b.If()
	b.Get(list)
	b.I32(0)
	b.Get(n)
	b.Op(wasm.OpSelect) // nothing to move: a new one
	b.Get(n)
	b.I32(4)
	b.Op(wasm.OpI32Shl)
	b.I32(4)
	b.Get(size)
	a.realloc(b, 4, list)
	a.within(b, list, func() { b.Get(size) })
	b.End()
	b.Get(list, from)
	b.Op(wasm.OpI32Add)
	b.Set(to)
	a.strings(b, set, to)
	b.Get(ret, list)
	b.Mem(wasm.OpI32Store, mem, 2, 0)
	b.Get(ret, size)
	b.I32(4)
	b.Op(wasm.OpI32ShrU)
	b.Mem(wasm.OpI32Store, mem, 2, 4)
	id := f.embedded(a.name, i32List(1), nil, b)
	if f.embed.whole == nil {
		f.embed.whole = map[graph.FuncID]graph.FuncID{}
	}
	f.embed.whole[id] = raw
	return id
}

// distinct returns the function that traps where strings of a list of pairs lie
// on top of each other.
//
//	(func (param $list $n i32))
func (a *allocation) distinct() graph.FuncID {
	mem := a.l.Opts.Memory
	return a.f.function(embedKey{what: "strings apart, " + a.l.Opts.Encoding.String(), mem: mem}, i32List(2), nil, func(b *ir.Builder) {
		i32 := func() ir.Local { return b.Local(wasm.I32) }
		one, two, end := i32(), i32(), i32()
		// bounds pushes where the string at an entry begins, and its length in bytes.
		begin := func(e ir.Local) { b.Get(e); b.Mem(wasm.OpI32Load, mem, 2, 0) }
		length := func(e ir.Local) {
			b.Get(e)
			b.Mem(wasm.OpI32Load, mem, 2, 4)
			switch a.l.Opts.Encoding {
			case component.UTF16:
				b.I32(1)
				b.Op(wasm.OpI32Shl)
			case component.Latin1UTF16: // tagged: twice, without the tag
				b.Get(e)
				b.Mem(wasm.OpI32Load, mem, 2, 4)
				b.I32(31)
				b.Op(wasm.OpI32ShrU, wasm.OpI32Shl)
			}
		}
		b.Get(0)
		b.Set(one)
		b.Get(0, 1)
		b.I32(4)
		b.Op(wasm.OpI32Shl, wasm.OpI32Add)
		b.Set(end)
		b.Block()
		b.Loop()
		b.Get(one, end)
		b.Op(wasm.OpI32Eq)
		b.BrIf(1)
		b.Get(0)
		b.Set(two)
		b.Block()
		b.Loop()
		b.Get(two, one)
		b.Op(wasm.OpI32Eq)
		b.BrIf(1)
		// Both have bytes, and neither ends before the other begins.
		length(one)
		b.I32(0)
		b.Op(wasm.OpI32Ne)
		length(two)
		b.I32(0)
		b.Op(wasm.OpI32Ne, wasm.OpI32And)
		begin(one)
		begin(two)
		length(two)
		b.Op(wasm.OpI32Add, wasm.OpI32LtU, wasm.OpI32And)
		begin(two)
		begin(one)
		length(one)
		b.Op(wasm.OpI32Add, wasm.OpI32LtU, wasm.OpI32And)
		b.TrapIf()
		b.Get(two)
		b.I32(8)
		b.Op(wasm.OpI32Add)
		b.Set(two)
		b.Br(0)
		b.End()
		b.End()
		b.Get(one)
		b.I32(8)
		b.Op(wasm.OpI32Add)
		b.Set(one)
		b.Br(0)
		b.End()
		b.End()
	})
}
