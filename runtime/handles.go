package runtime

import (
	"github.com/wbundle/wbundle/internal/component"
)

// maxHandles is the length limit of a handle table (CanonicalABI.md, "Table").
const maxHandles = 1<<28 - 1

// resourceHandle is one entry of a handle table (CanonicalABI.md, "Resource State").
type resourceHandle struct {
	res   *component.Resource
	rep   uint32
	own   bool
	scope *borrowScope // of the call that lent a borrow; nil for own
	lends int          // calls in progress that have borrowed an own handle
}

// borrowScope counts the borrows that a call gave its callee and that the
// callee has not dropped yet.
type borrowScope struct{ borrows int }

// handleTable is the table of one component instance: indices begin at 1, and
// freed indices are reused last in, first out.
type handleTable struct {
	entries []*resourceHandle // [0] is never used
	free    []uint32
}

func (t *handleTable) add(h *resourceHandle) uint32 {
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		t.entries[i] = h
		return i
	}
	if len(t.entries) == 0 {
		t.entries = append(t.entries, nil)
	}
	if len(t.entries) > maxHandles {
		trapf("the handle table is full")
	}
	t.entries = append(t.entries, h)
	return uint32(len(t.entries) - 1)
}

// get returns the handle at i, which must be one of resource res.
func (t *handleTable) get(i uint32, res *component.Resource) *resourceHandle {
	if uint64(i) >= uint64(len(t.entries)) || t.entries[i] == nil {
		trapf("unknown handle index %d", i)
	}
	h := t.entries[i]
	if h.res != res {
		trapf("handle index %d is used with the wrong type: expected %s, found %s", i, resourceName(res), resourceName(h.res))
	}
	return h
}

func (t *handleTable) remove(i uint32, res *component.Resource) *resourceHandle {
	h := t.get(i, res)
	t.entries[i] = nil
	t.free = append(t.free, i)
	return h
}

func resourceName(r *component.Resource) string {
	if r == nil || r.Name == "" {
		return "a resource"
	}
	return "resource " + r.Name
}

// hostHandle is what a Value of type own or borrow carries: a handle that has
// left its component and not entered another one.
type hostHandle struct {
	res *component.Resource
	rep uint32
	own bool
	// gone is set when the handle was passed on or dropped.
	gone bool
}
