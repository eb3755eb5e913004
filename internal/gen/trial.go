package gen

import (
	"encoding/binary"
	"slices"

	"github.com/wbundle/wbundle/internal/component"
)

// Stage is what one guest is told before a call.
type Stage struct {
	Image         []byte   // of memory, from ImageAt
	Flat          []uint64 // core values that f is called with, or returns
	Before, After []uint32 // the call: operations on resources, each with its operand
	Fault         uint32   // kind<<16 | which call of realloc goes wrong, from 1; 0: none
}

// Pokes are the arguments of poke that set up the guest.
func (s *Stage) Pokes() [][1 + PokeWords]uint64 {
	var out [][1 + PokeWords]uint64
	put := func(at uint32, b []byte) {
		for len(b) > 0 {
			args := [1 + PokeWords]uint64{uint64(at)}
			var chunk [8 * PokeWords]byte
			n := copy(chunk[:], b)
			for i := range PokeWords {
				args[1+i] = binary.LittleEndian.Uint64(chunk[8*i:])
			}
			out = append(out, args)
			at, b = at+uint32(n), b[n:]
		}
	}
	var flat []byte
	for _, x := range s.Flat {
		flat = binary.LittleEndian.AppendUint64(flat, x)
	}
	put(flatAt, flat)
	for _, l := range [2]struct {
		at    uint32
		words []uint32
	}{{beforeAt, s.Before}, {afterAt, s.After}} {
		if len(l.words) == 0 {
			continue
		}
		b := binary.LittleEndian.AppendUint64(nil, uint64(len(l.words)))
		for _, x := range l.words {
			b = binary.LittleEndian.AppendUint32(b, x)
		}
		put(l.at, b)
	}
	put(ImageAt, s.Image)
	return out
}

// op appends an operation.
func op(list *[]uint32, owner, what int, operand uint32) {
	*list = append(*list, uint32(3*owner+what), operand)
}

// Trial is one call of f.
type Trial struct {
	Consumer, Provider Stage
	// Result is where the consumer wants the result to be stored.
	Result uint32
}

// Handle says what kind of handle a value is.
type Handle struct {
	Owner int
	Own   bool
}

// table foretells the indices in a handle table: freed ones come back, the
// last one first.
type table struct {
	next uint32
	free []uint32
	live map[uint32]Handle
}

func newTable() *table { return &table{next: 1, live: map[uint32]Handle{}} }

func (t *table) add(h Handle) uint32 {
	i := t.next
	if n := len(t.free); n > 0 {
		i, t.free = t.free[n-1], t.free[:n-1]
	} else {
		t.next++
	}
	t.live[i] = h
	return i
}

func (t *table) remove(i uint32) {
	if _, ok := t.live[i]; ok {
		delete(t.live, i)
		t.free = append(t.free, i)
	}
}

// indices are those in use, in order.
func (t *table) indices() []uint32 {
	out := make([]uint32, 0, len(t.live))
	for i := range t.live {
		out = append(out, i)
	}
	slices.Sort(out)
	return out
}

// Session is a sequence of calls on one instance of a composition. What it
// foretells of handle tables is right until a call traps, or does not although
// something invalid was in it.
type Session struct {
	*Pair
	Source
	consumer, provider *table
	reps               uint32
}

// NewSession begins with fresh instances.
func (p *Pair) NewSession(s Source) *Session {
	return &Session{Pair: p, Source: s, consumer: newTable(), provider: newTable()}
}

// make foretells the index in t of a handle that a guest makes.
func (s *Session) make(t *table, list *[]uint32, owner int) uint32 {
	s.reps++
	op(list, owner, OpMake, s.reps)
	if t == s.consumer && owner == ByProvider {
		s.provider.remove(s.provider.add(Handle{}))
	}
	return t.add(Handle{owner, true})
}

// Raw draws a call with made-up core values. bad allows invalid ones.
func (s *Session) Raw(bad bool) *Trial {
	tr := &Trial{}
	im := &image{Source: s.Source, enc: s.Pair.Consumer.Encoding, bad: bad && s.IntN(3) != 0}
	var passed []Handle
	var given, kept []uint32
	im.handle = func(t *component.ValType) uint32 {
		h := Handle{ownerOf(t), t.Kind == component.KindOwn}
		passed = append(passed, h)
		if !h.Own && s.IntN(2) == 0 {
			for _, i := range kept {
				if s.consumer.live[i].Owner == h.Owner {
					return i
				}
			}
		}
		i := s.make(s.consumer, &tr.Consumer.Before, h.Owner)
		if h.Own {
			given = append(given, i)
		} else {
			kept = append(kept, i)
		}
		return i
	}
	var types []*component.ValType
	for _, p := range s.Func.Params {
		types = append(types, p.Type)
	}
	tr.Consumer.Flat = im.values(types, component.MaxFlatParams)
	tr.Consumer.Image = im.mutated()
	for _, i := range given {
		s.consumer.remove(i)
	}
	tr.Consumer.Fault = s.fault(bad)
	s.answer(tr, passed, bad)
	if r := s.Func.Result; r != nil && r.FlatCount() > component.MaxFlatResults {
		tr.Result = im.address(RetAt+r.Align()*uint32(s.IntN(3)), r.Size(), r.Align())
		tr.Consumer.Flat = append(tr.Consumer.Flat, uint64(tr.Result))
	}
	for _, i := range s.consumer.indices() {
		s.use(&tr.Consumer.After, s.consumer, i)
	}
	return tr
}

// Call draws the circumstances of a call by the host, which passes the given
// handles, in the order of its arguments.
func (s *Session) Call(passed []Handle, bad bool) *Trial {
	tr := &Trial{Result: RetAt}
	var own, lent []uint32
	for _, h := range passed {
		i := s.consumer.add(h)
		if h.Own {
			own = append(own, i)
		} else {
			lent = append(lent, i)
		}
	}
	for _, i := range own {
		s.consumer.remove(i)
	}
	tr.Consumer.Fault = s.fault(bad)
	before := s.consumer.indices()
	s.answer(tr, passed, bad)
	results := slices.DeleteFunc(s.consumer.indices(), func(i uint32) bool { return slices.Contains(before, i) })
	for _, i := range lent {
		if !oneIn(s, 30) {
			op(&tr.Consumer.After, s.consumer.live[i].Owner, OpDrop, i)
		}
		s.consumer.remove(i)
	}
	for _, i := range results {
		s.consumer.remove(i)
	}
	return tr
}

// Direct is Call for a call of f itself.
func (s *Session) Direct(passed []Handle, bad bool) *Trial {
	tr := &Trial{Result: RetAt}
	consumer := s.consumer
	s.consumer = newTable() // what is returned is the host's
	s.answer(tr, passed, bad)
	s.consumer = consumer
	return tr
}

// use draws what a guest does with a handle that it keeps: hardly ever
// nothing.
func (s *Session) use(list *[]uint32, t *table, i uint32) {
	h := t.live[i]
	// To ask for the representation of another one's borrow is to lend it on.
	if s.IntN(3) == 0 {
		op(list, h.Owner, OpRep, i)
	}
	if oneIn(s, 30) {
		if !h.Own {
			t.remove(i) // not that it matters: the call traps
		}
		return
	}
	op(list, h.Owner, OpDrop, i)
	t.remove(i)
}

// answer draws what the provider does when it is passed the given handles, and
// what it returns.
func (s *Session) answer(tr *Trial, passed []Handle, bad bool) {
	st := &tr.Provider
	st.Fault = s.fault(bad)
	var got []uint32
	for _, h := range passed {
		if h.Own || h.Owner != ByProvider {
			got = append(got, s.provider.add(h))
		}
	}
	if s.Echo {
		for k, i := range got {
			s.provider.remove(i)
			s.consumer.add(passed[k])
		}
		return
	}
	for _, i := range got {
		s.use(&st.Before, s.provider, i)
	}
	if s.Func.Result == nil {
		return
	}
	var given []uint32
	var results []Handle
	im := &image{Source: s.Source, enc: s.Pair.Provider.Encoding, bad: bad && s.IntN(3) != 0}
	im.handle = func(t *component.ValType) uint32 {
		i := s.make(s.provider, &st.Before, ownerOf(t))
		given, results = append(given, i), append(results, Handle{ownerOf(t), true})
		return i
	}
	st.Flat = im.values([]*component.ValType{s.Func.Result}, component.MaxFlatResults)
	st.Image = im.mutated()
	for k, i := range given {
		s.provider.remove(i)
		s.consumer.add(results[k])
	}
}

// fault draws a call of realloc that goes wrong, seldom.
func (s *Session) fault(bad bool) uint32 {
	if !bad || !oneIn(s, 4) {
		return 0
	}
	return uint32(s.IntN(faults))<<16 | uint32(1+s.IntN(4))
}

// mutated returns the image, seldom with a byte changed that may be anything.
func (im *image) mutated() []byte {
	if n := len(im.buf); im.bad && n > 0 && oneIn(im, 3) {
		for range 1 + im.IntN(3) {
			im.buf[im.IntN(n)] ^= 1 << im.IntN(8)
		}
	}
	return im.buf
}
