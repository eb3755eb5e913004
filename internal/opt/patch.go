package opt

import "github.com/wbundle/wbundle/internal/wasm"

// patch replaces the bytes [off, end) of a body.
type patch struct {
	off, end uint32
	with     []byte
}

// patchBody replaces parts of a body, in ascending order and not overlapping. It
// works for functions without a tree, too, and costs no more than copying.
func (s *state) patchBody(i int, patches []patch) {
	if len(patches) == 0 {
		return
	}
	b := &s.m.Code[i]
	out := make([]byte, 0, len(b.Bytes)+8*len(patches))
	at := uint32(0)
	for _, p := range patches {
		out = append(append(out, b.Bytes[at:p.off]...), p.with...)
		at = p.end
	}
	s.m.Code[i] = wasm.Body{Bytes: append(out, b.Bytes[at:]...), Off: b.Off}
	s.touched[i] = true
}
