package component

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/wasm"
)

// canonForm says what a canon definition is called and which immediates follow
// its opcode, a letter each:
//
//	s  the sort byte of lift and lower, always 0
//	f  Func, a core function index
//	F  Func, a function index
//	t  Type, a type index
//	o  Opts
//	r  Result, a resultlist
//	v  ValImm, a core value type
//	u  Imm, a number
//	a  Imm, 1 with `async`, else 0
//	m  Imm, a core memory index
//	y  Imm, a core type index
//	b  Imm, a core table index
//	z  a reserved byte, always 0
type canonForm struct {
	name string
	imm  string
}

// canonFormOf describes an opcode; the name is empty when there is none such.
// It is the one table that decoding, encoding and checking go by.
func canonFormOf(op CanonOp) canonForm {
	switch op {
	case CanonLift:
		return canonForm{"lift", "sfot"}
	case CanonLower:
		return canonForm{"lower", "sFo"}
	case CanonResourceNew:
		return canonForm{"resource.new", "t"}
	case CanonResourceDrop:
		return canonForm{"resource.drop", "t"}
	case CanonResourceRep:
		return canonForm{"resource.rep", "t"}
	case 0x05:
		return canonForm{"task.cancel", ""}
	case 0x06:
		return canonForm{"subtask.cancel", "a"}
	case 0x07:
		return canonForm{"resource.drop async", "t"}
	case 0x09:
		return canonForm{"task.return", "ro"}
	case 0x0a:
		return canonForm{"context.get", "vu"}
	case 0x0b:
		return canonForm{"context.set", "vu"}
	case 0x0c:
		return canonForm{"thread.yield", "z"}
	case 0x0d:
		return canonForm{"subtask.drop", ""}
	case 0x0e:
		return canonForm{"stream.new", "t"}
	case 0x0f:
		return canonForm{"stream.read", "to"}
	case 0x10:
		return canonForm{"stream.write", "to"}
	case 0x11:
		return canonForm{"stream.cancel-read", "ta"}
	case 0x12:
		return canonForm{"stream.cancel-write", "ta"}
	case 0x13:
		return canonForm{"stream.drop-readable", "t"}
	case 0x14:
		return canonForm{"stream.drop-writable", "t"}
	case 0x15:
		return canonForm{"future.new", "t"}
	case 0x16:
		return canonForm{"future.read", "to"}
	case 0x17:
		return canonForm{"future.write", "to"}
	case 0x18:
		return canonForm{"future.cancel-read", "ta"}
	case 0x19:
		return canonForm{"future.cancel-write", "ta"}
	case 0x1a:
		return canonForm{"future.drop-readable", "t"}
	case 0x1b:
		return canonForm{"future.drop-writable", "t"}
	case 0x1c:
		return canonForm{"error-context.new", "o"}
	case 0x1d:
		return canonForm{"error-context.debug-message", "o"}
	case 0x1e:
		return canonForm{"error-context.drop", ""}
	case 0x1f:
		return canonForm{"waitable-set.new", ""}
	case 0x20:
		return canonForm{"waitable-set.wait", "zm"}
	case 0x21:
		return canonForm{"waitable-set.poll", "zm"}
	case 0x22:
		return canonForm{"waitable-set.drop", ""}
	case 0x23:
		return canonForm{"waitable.join", ""}
	case 0x24:
		return canonForm{"backpressure.inc", ""}
	case 0x25:
		return canonForm{"backpressure.dec", ""}
	case 0x26:
		return canonForm{"thread.index", ""}
	case 0x27:
		return canonForm{"thread.new-indirect", "yb"}
	case 0x28:
		return canonForm{"thread.resume-later", ""}
	case 0x29:
		return canonForm{"thread.suspend", "z"}
	case 0x2a:
		return canonForm{"thread.suspend-then-resume", "z"}
	case 0x2b:
		return canonForm{"thread.yield-then-resume", "z"}
	case 0x2c:
		return canonForm{"thread.suspend-then-promote", "z"}
	case 0x2d:
		return canonForm{"thread.yield-then-promote", "z"}
	case 0x2e:
		return canonForm{"stream.forward", "t"}
	case 0x2f:
		return canonForm{"future.forward", "t"}
	// Binary.md puts a `shared` byte first in these three; the tools do not.
	case 0x40:
		return canonForm{"thread.spawn-ref", "y"}
	case 0x41:
		return canonForm{"thread.spawn-indirect", "yb"}
	case 0x42:
		return canonForm{"thread.available-parallelism", ""}
	}
	return canonForm{}
}

// String is the name of the definition in the text format: "lift",
// "resource.new", "stream.read".
func (op CanonOp) String() string {
	if form := canonFormOf(op); form.name != "" {
		return form.name
	}
	return fmt.Sprintf("canon 0x%02x", uint8(op))
}

func readCanon(r *wasm.Reader) *Canon {
	at := r.Offset()
	d := &Canon{Pos: Pos(at), Op: CanonOp(r.Byte())}
	form := canonFormOf(d.Op)
	if form.name == "" {
		// 0x08 was backpressure.set until inc and dec took its place.
		r.FailAt(at, "unknown canon definition 0x%02x", uint8(d.Op))
		return d
	}
	ext := func() *Immediates {
		if d.Immediates == nil {
			d.Immediates = &Immediates{}
		}
		return d.Immediates
	}
	for _, imm := range []byte(form.imm) {
		switch imm {
		case 's':
			readZero(r, "the sort of canon "+form.name)
		case 'z':
			readZero(r, "the reserved immediate of "+form.name)
		case 'f', 'F':
			d.Func = r.U32()
		case 't':
			d.Type = r.U32()
		case 'o':
			if o := readCanonOpts(r); o.Order != nil || o.HasEncoding {
				d.Opts = &o
			}
		case 'r':
			ext().Result = readResult(r)
		case 'v':
			t := r.ValType()
			ext().ValImm = &t
		case 'a':
			n := uint32(0)
			if readFlag(r, "async") {
				n = 1
			}
			ext().Imm = append(ext().Imm, n)
		default:
			ext().Imm = append(ext().Imm, r.U32())
		}
	}
	return d
}

// The canonopt bytes; 0x00 to 0x02 are the string encodings.
const (
	optMemory     = 0x03
	optRealloc    = 0x04
	optPostReturn = 0x05
	optAsync      = 0x06
	optCallback   = 0x07
	optCoreType   = 0x08
	optGC         = 0x09
)

func readCanonOpts(r *wasm.Reader) CanonOpts {
	var o CanonOpts
	for range r.Vec(1) {
		at := r.Offset()
		b := r.Byte()
		if b > optGC {
			r.FailAt(at, "unknown canonical option 0x%02x", b)
			return o
		}
		if *o.has(b) {
			r.FailAt(at, "canonical option `%s` is given twice", canonOptName(b))
			return o
		}
		*o.has(b) = true
		if index := o.index(b); index != nil {
			*index = r.U32()
		} else if b <= byte(Latin1UTF16) {
			o.Encoding = Encoding(b)
		}
		if r.Err() != nil {
			return o
		}
		o.Order = append(o.Order, b)
	}
	return o
}

// has is the field that says whether the option is present. All string
// encodings share one.
func (o *CanonOpts) has(opt byte) *bool {
	switch opt {
	case optMemory:
		return &o.HasMemory
	case optRealloc:
		return &o.HasRealloc
	case optPostReturn:
		return &o.HasPost
	case optAsync:
		return &o.Async
	case optCallback:
		return &o.HasCallback
	case optCoreType:
		return &o.HasCoreType
	case optGC:
		return &o.GC
	}
	return &o.HasEncoding
}

// index is the field with the index of the option, nil when it takes none.
func (o *CanonOpts) index(opt byte) *uint32 {
	switch opt {
	case optMemory:
		return &o.Memory
	case optRealloc:
		return &o.Realloc
	case optPostReturn:
		return &o.PostReturn
	case optCallback:
		return &o.Callback
	case optCoreType:
		return &o.CoreType
	}
	return nil
}

func canonOptName(opt byte) string {
	switch opt {
	case optMemory:
		return "memory"
	case optRealloc:
		return "realloc"
	case optPostReturn:
		return "post-return"
	case optAsync:
		return "async"
	case optCallback:
		return "callback"
	case optCoreType:
		return "core-type"
	case optGC:
		return "gc"
	}
	return "string-encoding"
}

// String is the name of the encoding in the text format.
func (e Encoding) String() string {
	switch e {
	case UTF8:
		return "utf8"
	case UTF16:
		return "utf16"
	case Latin1UTF16:
		return "latin1+utf16"
	}
	return fmt.Sprintf("encoding %d", uint8(e))
}
