package linker

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Segments in as few bytes as they take.
//
// In: live segments. Out: the segments of the output, as dataSegments and
// elemPieces.
//
// Memory and tables begin empty: all zero, all null. So zeros at the ends of an
// active data segment need not be there, nor a run of them in the middle that is
// longer than the header of another segment; two segments with less between them
// than a header are one. The same is true of the slots of a table that no call
// that is left can hit, which may be null.
//
//	(data (i32.const 8) "\00\00\00\00a\00…\00b")   ->   (data (i32.const 12) "a") (data (i32.const 113) "b")
//	(elem (i32.const 1) $dead $f $dead $g)         ->   (elem (i32.const 2) $f $trap $g)
//
// It is safe for a segment whose place is known, in bounds, and empty before: of
// a memory or table that the bundle defines, and that no earlier segment writes
// there, wherever it may write. An out-of-bounds segment traps, so it stays as
// it is, and nothing moves past it. All this happens before any code runs, which
// start.go has seen to; a segment that waits for code is passive here and keeps
// its length.
//
// A segment that instructions name but that is empty when they run (shake,
// Live.Void) becomes an empty passive one, shared by all: dropping it again does
// nothing, and reading any of it traps. An active data segment would do, but
// wazero 1.12 does not drop those.

// maxSegments bounds the number of data segments. Engines take 100,000 (the
// limit of the JavaScript API, and of others after it).
const maxSegments = 1 << 16

// cutGain is how many bytes a cut has to save. Compression makes next to nothing
// of zeros and cannot do anything about headers: of a snapshot of StarlingMonkey,
// cuts that save less make the output 0.4% smaller and the compressed output 1%
// larger, and are two thirds of the segments.
const cutGain = 4

// dataPlace is a data segment whose place is known and empty before.
type dataPlace struct {
	at uint64 // in the memory of the output, the window's base included
	id graph.DataID
}

// dataPacker lays out the data segments.
type dataPacker struct {
	l *layout
	// places are those that may be cut and joined, by memory, since the last
	// segment that may not.
	places map[graph.MemoryID][]dataPlace
	order  []graph.MemoryID       // of places
	count  map[graph.MemoryID]int // of live segments
	// changed are the segments whose content is not what it was.
	changed map[graph.DataID][]byte
	// packed are the memories that have been written by segments that went out
	// already.
	packed map[graph.MemoryID]bool
	// gain is what a cut has to save at least, see cutGain.
	gain int

	n        int // of segments
	ids      []graph.DataID
	segments []wasm.Data // nil while they are counted
}

// packDatas fills in dataSegments, datas and the indices of those that
// instructions name.
func (l *layout) packDatas() {
	live := order[graph.DataID](l, wasm.SpaceData, len(l.p.Datas), nil)
	count := map[graph.MemoryID]int{}
	for _, id := range live {
		if d := &l.p.Datas[id]; d.Active {
			count[d.Memory]++
		}
	}
	for gain := cutGain; ; gain = 2*gain + 16 {
		// Twice, so that there is room for as many segments as there will be and
		// no more.
		d := l.packWith(gain, live, count, -1)
		if d.n <= max(maxSegments, len(live)) {
			d = l.packWith(gain, live, count, d.n)
			l.datas, l.dataSegments = d.ids, d.segments
			break
		}
	}
	void := -1
	for id := graph.DataID(1); int(id) < len(l.p.Datas); id++ {
		if !l.live.Void(wasm.SpaceData, uint32(id)) {
			continue
		}
		if void < 0 {
			void = len(l.datas)
			l.datas = append(l.datas, id)
			l.dataSegments = append(l.dataSegments, wasm.Data{Mode: wasm.SegmentPassive, Flags: 1})
		}
		l.index[wasm.SpaceData][id] = uint32(void)
	}
}

// packWith lays out the segments with the given gain of a cut. There are n of
// them; -1: they are to be counted.
func (l *layout) packWith(gain int, live []graph.DataID, count map[graph.MemoryID]int, n int) *dataPacker {
	d := &dataPacker{l: l, count: count, changed: map[graph.DataID][]byte{}, places: map[graph.MemoryID][]dataPlace{}, packed: map[graph.MemoryID]bool{}, gain: gain}
	if n >= 0 {
		d.ids, d.segments = make([]graph.DataID, 0, n), make([]wasm.Data, 0, n)
	}
	for _, id := range live {
		d.add(id)
	}
	d.flush()
	return d
}

// add takes one segment, in the order in which they are initialised.
func (d *dataPacker) add(id graph.DataID) {
	p := d.l.p
	data := &p.Datas[id]
	bytes := p.DataBytes(id)
	if !data.Active || data.Deferred {
		d.put(id, wasm.Data{Mode: wasm.SegmentPassive, Init: bytes, Flags: 1})
		return
	}
	mem := &p.Memories[data.Memory]
	size := uint64(len(bytes))
	if mem.Import == nil && data.Offset.Known && !d.packed[data.Memory] && segmentFits(data.Offset, size, mem.Size()) {
		if size == 0 {
			return
		}
		if _, ok := d.places[data.Memory]; !ok {
			d.order = append(d.order, data.Memory)
			d.places[data.Memory] = make([]dataPlace, 0, d.count[data.Memory])
		}
		if dead := d.l.live.DeadData(id); len(dead) > 0 {
			bytes = slices.Clone(bytes)
			for _, r := range dead {
				clear(bytes[r[0]:r[1]])
			}
			d.changed[id] = bytes
		}
		d.places[data.Memory] = append(d.places[data.Memory], dataPlace{data.Offset.Bits + d.base(data.Memory), id})
		return
	}
	d.flush()
	d.packed[data.Memory] = true
	if data.Offset.Known {
		d.put(id, d.active(data.Memory, data.Offset.Bits+d.base(data.Memory), bytes))
		return
	}
	inst := p.Instances[data.Inst]
	out := d.active(data.Memory, 0, bytes)
	offset := d.l.expr(p.ModuleOf(inst).Code.Datas[data.Index].OffsetExpr(), inst)
	out.Offset = &offset
	d.put(id, out)
}

// content is the content of a segment that may be cut.
func (d *dataPacker) content(id graph.DataID) []byte {
	if b, ok := d.changed[id]; ok {
		return b
	}
	return d.l.p.DataBytes(id)
}

// base is what a window adds to addresses.
func (d *dataPacker) base(mem graph.MemoryID) uint64 {
	if w := d.l.p.Memories[mem].Window; w != nil {
		return w.Base
	}
	return 0
}

// active makes a segment with a known offset.
func (d *dataPacker) active(mem graph.MemoryID, at uint64, bytes []byte) wasm.Data {
	out := wasm.Data{Memory: d.l.memoryIndex(mem), Init: bytes, At: int64(int32(at)), Wide: d.l.p.Memories[mem].Type.Is64}
	if out.Wide {
		out.At = int64(at)
	}
	if out.Memory != 0 {
		out.Flags = 2
	}
	return out
}

// put appends a segment of the output.
func (d *dataPacker) put(id graph.DataID, s wasm.Data) {
	d.l.index[wasm.SpaceData][id] = uint32(d.n)
	d.n++
	if d.segments == nil {
		return
	}
	d.ids = append(d.ids, id)
	d.segments = append(d.segments, s)
}

// flush cuts and joins what has been collected.
func (d *dataPacker) flush() {
	var cuts []graph.MemoryID
	for _, mem := range d.order {
		places := d.places[mem]
		d.packed[mem] = true
		byPlace := func(a, b dataPlace) int { return cmp.Compare(a.at, b.at) }
		sorted := places // as nearly all modules have them
		if !slices.IsSortedFunc(places, byPlace) {
			sorted = slices.Clone(places)
			slices.SortStableFunc(sorted, byPlace)
		}
		overlap := false
		for i := range sorted[1:] {
			overlap = overlap || sorted[i].at+uint64(len(d.content(sorted[i].id))) > sorted[i+1].at
		}
		if overlap {
			// The later one wins, zeros included.
			for _, s := range places {
				d.put(s.id, d.active(mem, s.at, d.content(s.id)))
			}
			continue
		}
		d.places[mem] = sorted
		cuts = append(cuts, mem)
	}
	first := d.n
	for _, mem := range cuts {
		d.cut(mem, d.places[mem])
	}
	clear(d.places)
	d.order = d.order[:0]
	d.together(first)
}

// together puts segments that look alike next to each other, from the first that
// was cut on, as byShape does with functions: they do not overlap, so that their
// order is nobody's business but the compressor's. Those look alike that are as
// long as each other and begin with the same bytes.
func (d *dataPacker) together(first int) {
	if d.segments == nil {
		return
	}
	segments, ids := d.segments[first:], d.ids[first:]
	compare := func(a, b uint32) int {
		const head = 16
		x, y := segments[a].Init, segments[b].Init
		return cmp.Or(cmp.Compare(len(x), len(y)), bytes.Compare(x[:min(head, len(x))], y[:min(head, len(y))]))
	}
	from := make([]uint32, len(segments)) // for each place, what goes there
	for i := range from {
		from[i] = uint32(i)
	}
	slices.SortFunc(from, func(a, b uint32) int { return cmp.Or(compare(a, b), cmp.Compare(a, b)) })
	group := make([]uint32, len(segments)) // the first that looks alike
	for k, i := range from {
		group[i] = i
		if k > 0 && compare(from[k-1], i) == 0 {
			group[i] = group[from[k-1]]
		}
	}
	slices.SortFunc(from, func(a, b uint32) int { return cmp.Or(cmp.Compare(group[a], group[b]), cmp.Compare(a, b)) })
	// In place, one cycle after the other: there may be very many.
	for i := range from {
		segment, id := segments[i], ids[i]
		for at := i; ; {
			next := int(from[at])
			from[at] = uint32(at)
			if next == i {
				segments[at], ids[at] = segment, id
				break
			}
			segments[at], ids[at] = segments[next], ids[next]
			at = next
		}
	}
	for i, id := range ids {
		d.l.index[wasm.SpaceData][id] = uint32(first + i)
	}
}

// cut writes the runs of bytes that are not zero, joined where what lies between
// is shorter than a header.
func (d *dataPacker) cut(mem graph.MemoryID, places []dataPlace) {
	var (
		bytes    []byte // of the segment at hand: a part of its source while it has one
		id       graph.DataID
		at       uint64
		size     uint64 // of the segment at hand
		from, to int    // where bytes are in the source
		last     = -1
	)
	for n, s := range places {
		source := d.content(s.id)
		for pos := 0; pos < len(source); {
			lo := pos + leadingZeros(source[pos:])
			if lo == len(source) {
				break
			}
			room := d.header(mem, s.at+uint64(lo)) + d.gain
			hi, next := zeroRun(source, lo, room+1)
			begin := s.at + uint64(lo)
			switch end := at + size; {
			case last < 0 || begin-end > uint64(room):
				if last >= 0 {
					d.put(id, d.active(mem, at, bytes))
				}
				id, at, from, to, last = s.id, begin, lo, hi, n
				bytes, size = source[from:to:to], uint64(to-from)
			case last == n:
				// In one source: nothing to copy.
				to = hi
				bytes, size = source[from:to:to], uint64(to-from)
			default:
				size = begin - at + uint64(hi-lo)
				last = len(places) // of more than one source from here on
				if d.segments == nil {
					break
				}
				bytes = append(append(bytes, make([]byte, begin-end)...), source[lo:hi]...)
			}
			pos = next
		}
	}
	if last >= 0 {
		d.put(id, d.active(mem, at, bytes))
	}
}

// header is how many bytes a segment takes that is not much longer than that:
// flags, memory, offset, length.
func (d *dataPacker) header(mem graph.MemoryID, at uint64) int {
	n := 5 // flags, the opcode of the constant, end, one byte of length, one of the offset
	if idx := d.l.memoryIndex(mem); idx != 0 {
		n += len(wasm.AppendU32(nil, idx))
	}
	for v := int64(int32(uint32(at))); v < -64 || v > 63; v >>= 7 {
		n++
	}
	return n
}

// leadingZeros counts the zeros at the start of b.
func leadingZeros(b []byte) int {
	n := 0
	for len(b)-n >= 8 && binary.LittleEndian.Uint64(b[n:]) == 0 {
		n += 8
	}
	for n < len(b) && b[n] == 0 {
		n++
	}
	return n
}

// zeroRun finds the first run of at least n zeros in b from pos on: it starts at
// lo and ends at hi. The zeros at the end of b count as one, however few.
func zeroRun(b []byte, pos, n int) (lo, hi int) {
	for i := pos; i+n <= len(b); {
		// Any run that begins here covers this byte.
		j := i + n - 1
		if b[j] != 0 {
			i = j + 1
			continue
		}
		lo = j
		for lo > i && b[lo-1] == 0 {
			lo--
		}
		hi = j + 1 + leadingZeros(b[j+1:])
		if hi-lo >= n {
			return lo, hi
		}
		i = hi
	}
	lo = len(b)
	for lo > pos && b[lo-1] == 0 {
		lo--
	}
	return lo, len(b)
}
