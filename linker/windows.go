package linker

import (
	"errors"
	"slices"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
)

// WindowsSection is the custom section with the map of the windows of a single
// memory. Engines ignore it; wbundle inspect --memory prints it.
//
//	section  ::= version:u32=1 isolation:name window:vec(window)
//	window   ::= owner:name base:u32 min:u32 max:u32
//
// The base and the sizes are in pages of 64 KiB, the windows in the order of
// their bases. A module whose memories stay apart, or are one, has none.
const WindowsSection = "wbundle.windows"

const windowsVersion = 1

// windows lists the windows in the order of their bases.
func windows(p *graph.Program, mems []graph.MemoryID) []Window {
	var out []Window
	for _, id := range mems {
		m := &p.Memories[id]
		out = append(out, Window{Owner: m.Name, Base: m.Window.Base, MinPages: m.Window.MinPages, MaxPages: m.Window.MaxPages})
	}
	slices.SortFunc(out, func(a, b Window) int {
		if a.Base < b.Base {
			return -1
		}
		return 1
	})
	return out
}

// windowsSection is the map of the windows for the output.
func (l *layout) windowsSection() wasm.Custom {
	all := windows(l.p, l.memories)
	b := wasm.AppendU32(nil, windowsVersion)
	b = wasm.AppendName(b, string(l.isolation))
	b = wasm.AppendU32(b, uint32(len(all)))
	for _, w := range all {
		b = wasm.AppendName(b, w.Owner)
		for _, v := range []uint64{w.Base / pageSize, w.MinPages, w.MaxPages} {
			b = wasm.AppendU32(b, uint32(v))
		}
	}
	return wasm.Custom{Name: WindowsSection, Data: b}
}

var errWindows = errors.New("the map of windows is malformed or of another version of wbundle")

// ReadWindows reads the content of a WindowsSection.
func ReadWindows(b []byte) (Isolation, []Window, error) {
	bad := false
	number := func() uint32 {
		v, n := wasm.ReadU32(b)
		bad = bad || n == 0
		b = b[n:]
		return v
	}
	name := func() string {
		n := number()
		if bad || uint64(n) > uint64(len(b)) {
			bad = true
			return ""
		}
		s := string(b[:n])
		b = b[n:]
		return s
	}
	if version := number(); version != windowsVersion {
		return "", nil, errWindows
	}
	isolation := Isolation(name())
	var out []Window
	for n := number(); n > 0 && !bad; n-- {
		out = append(out, Window{Owner: name(), Base: uint64(number()) * pageSize, MinPages: uint64(number()), MaxPages: uint64(number())})
	}
	if bad || len(b) > 0 {
		return "", nil, errWindows
	}
	return isolation, out, nil
}
