package gen

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Report is what a guest says of its memory: from MemoryLow to the end of the
// log, and the heap.
type Report struct{ Low, Heap []byte }

// at returns n bytes of memory, nil where the report does not have them.
func (r *Report) at(ptr, n uint32) []byte {
	for _, part := range [...]struct {
		from  uint32
		bytes []byte
	}{{MemoryLow, r.Low}, {MemoryHeap, r.Heap}} {
		if ptr >= part.from && uint64(ptr-part.from)+uint64(n) <= uint64(len(part.bytes)) {
			return part.bytes[ptr-part.from:][:n]
		}
	}
	return nil
}

// entries calls f with the entries of the log. The words alias the report.
func (r *Report) entries(f func(kind uint32, words []byte)) {
	log := r.Low[min(MemoryLog-MemoryLow, len(r.Low)):]
	for len(log) >= 4 {
		head := binary.LittleEndian.Uint32(log)
		n := min(4*int(head&0xffff), len(log)-4)
		f(head>>16, log[4:4+n])
		log = log[4+n:]
	}
}

// Log is the log as text.
func (r *Report) Log() string {
	names := [...]string{LogRealloc: "realloc", LogPost: "post-return", LogParams: "params", LogResult: "result", LogDtor: "dtor", LogOp: "op"}
	var b strings.Builder
	r.entries(func(kind uint32, words []byte) {
		name := "?"
		if int(kind) < len(names) {
			name = names[kind]
		}
		b.WriteString(name)
		for ; len(words) > 0; words = words[4:] {
			fmt.Fprintf(&b, " %#x", binary.LittleEndian.Uint32(words))
		}
		b.WriteByte('\n')
	})
	return b.String()
}

// Settle brings reports of a call that did not trap into a form in which
// reports of two programs that did the same are the same bytes: padding and
// the unused parts of variants are cleared, because lowering may leave them or
// not, and every NaN is the canonical one, because lifting may keep them or
// not. It reports false where part of a value is outside of what was reported,
// so that nothing is known of what is behind it.
func (p *Pair) Settle(tr *Trial, consumer, provider *Report) bool {
	complete := true
	for _, r := range [...]*Report{consumer, provider} {
		s := &settler{report: r}
		r.entries(func(kind uint32, words []byte) {
			switch kind {
			case LogParams:
				s.params(p.Func, words)
			case LogResult:
				if r := p.Func.Result; r != nil && r.FlatCount() <= component.MaxFlatResults {
					s.flats([]*component.ValType{r}, words)
				}
			}
		})
		complete = complete && !s.missed
	}
	if r := p.Func.Result; r != nil && r.FlatCount() > component.MaxFlatResults {
		s := &settler{report: consumer}
		complete = s.memory(r, tr.Result) && !s.missed && complete
	}
	return complete
}

type settler struct {
	report *Report
	missed bool
}

func (s *settler) params(ft *component.FuncType, words []byte) {
	n := 0
	var types []*component.ValType
	for _, p := range ft.Params {
		types = append(types, p.Type)
		n += p.Type.FlatCount()
	}
	if n > component.MaxFlatParams {
		if len(words) == 4 {
			s.memory(component.NewTuple(types...), binary.LittleEndian.Uint32(words))
		}
		return
	}
	s.flats(types, words)
}

// flats settles core values as the log has them.
func (s *settler) flats(types []*component.ValType, words []byte) {
	for _, t := range types {
		words = s.flat(t, t.Flat(), words)
	}
}

// flat settles the core values of a value of type t, which were passed with
// the types in slots, and returns the words after them.
func (s *settler) flat(t *component.ValType, slots []wasm.ValType, words []byte) []byte {
	size := 0
	for _, v := range slots[:len(t.Flat())] {
		size += 4 * wordsOf(v)
	}
	if len(words) < size {
		return nil
	}
	rest := words[size:]
	low := func(i int) uint32 {
		at := 0
		for _, v := range slots[:i] {
			at += 4 * wordsOf(v)
		}
		return binary.LittleEndian.Uint32(words[at:])
	}
	switch t.Kind {
	case component.KindString, component.KindList:
		s.pointer(t, low(0), low(1))
	case component.KindFixedList:
		for range t.Len {
			words = s.flat(t.Elem, slots, words)
			slots = slots[len(t.Elem.Flat()):]
		}
	case component.KindRecord, component.KindTuple:
		for _, f := range t.Fields {
			words = s.flat(f.Type, slots, words)
			slots = slots[len(f.Type.Flat()):]
		}
	case component.KindVariant, component.KindEnum, component.KindOption, component.KindResult:
		if i := low(0); i < uint32(len(t.CaseList())) && t.CaseList()[i].Type != nil {
			s.flat(t.CaseList()[i].Type, slots[1:], words[4:])
		}
	default:
		s.scalar(t, words)
	}
	return rest
}

func (s *settler) scalar(t *component.ValType, b []byte) {
	switch {
	case t.Kind == component.KindF32 && len(b) >= 4:
		if f := math.Float32frombits(binary.LittleEndian.Uint32(b)); f != f {
			binary.LittleEndian.PutUint32(b, 0x7fc00000)
		}
	case t.Kind == component.KindF64 && len(b) >= 8:
		if f := math.Float64frombits(binary.LittleEndian.Uint64(b)); f != f {
			binary.LittleEndian.PutUint64(b, 0x7ff8000000000000)
		}
	}
}

// pointer settles the elements of a list.
func (s *settler) pointer(t *component.ValType, ptr, n uint32) {
	if t.Kind != component.KindList {
		return
	}
	for i := range n {
		if !s.memory(t.Elem, ptr+i*t.Elem.Size()) {
			return
		}
	}
}

// memory settles a value in memory; false where the report does not have it.
func (s *settler) memory(t *component.ValType, ptr uint32) bool {
	b := s.report.at(ptr, t.Size())
	if b == nil {
		s.missed = true
		return false
	}
	switch t.Kind {
	case component.KindString, component.KindList:
		s.pointer(t, binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]))
	case component.KindFixedList:
		for i := range t.Len {
			s.memory(t.Elem, ptr+i*t.Elem.Size())
		}
	case component.KindRecord, component.KindTuple:
		end := uint32(0)
		for i, f := range t.Fields {
			clear(b[end:t.FieldOffset(i)])
			s.memory(f.Type, ptr+t.FieldOffset(i))
			end = t.FieldOffset(i) + f.Type.Size()
		}
		clear(b[end:])
	case component.KindVariant, component.KindEnum, component.KindOption, component.KindResult:
		disc := uint32(b[0])
		if t.DiscSize() == 2 {
			disc = uint32(binary.LittleEndian.Uint16(b))
		}
		end := t.DiscSize()
		if disc < uint32(len(t.CaseList())) {
			if pt := t.CaseList()[disc].Type; pt != nil {
				clear(b[end:t.PayloadOffset()])
				s.memory(pt, ptr+t.PayloadOffset())
				end = t.PayloadOffset() + pt.Size()
			}
		}
		clear(b[end:])
	default:
		s.scalar(t, b)
	}
	return true
}
