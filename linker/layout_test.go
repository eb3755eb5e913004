package linker

import (
	"os"
	"slices"
	"testing"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/shake"
)

// TestByUse checks which items get the short indices, and that all others stay
// where they are.
func TestByUse(t *testing.T) {
	ids := make([]graph.FuncID, 300)
	for i := range ids {
		ids[i] = graph.FuncID(i + 1)
	}
	often := map[graph.FuncID]int{300: 9, 200: 7, 150: 7, 1: 0}
	uses := func(id graph.FuncID) int {
		if n, ok := often[id]; ok {
			return n
		}
		return 1
	}
	got := slices.Clone(ids)
	byUse(got, 100, []int{128, 16384}, uses)
	// 28 indices of one byte are left: the three, and the first 25 of those
	// that are used once; 1 is not used at all.
	var want []graph.FuncID
	for id := graph.FuncID(2); id <= 26; id++ {
		want = append(want, id)
	}
	want = append(want, 150, 200, 300, 1)
	for id := graph.FuncID(27); id < 300; id++ {
		if often[id] == 0 {
			want = append(want, id)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	few := slices.Clone(ids[:20])
	byUse(few, 100, []int{128, 16384}, uses)
	if !slices.Equal(few, ids[:20]) {
		t.Errorf("indices are short anyway, but the order changed: %v", few)
	}
}

// TestSlot asks for the slot and the caller that keep a function.
func TestSlot(t *testing.T) {
	b, err := os.ReadFile("testdata/shake/table-slot.wasm")
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasm.Decode("table-slot", b)
	if err != nil {
		t.Fatal(err)
	}
	p := graph.NewProgram()
	p.Inputs = []graph.Input{{ID: "table-slot"}}
	f := &flattener{p: p, opts: &Options{Names: NamesKeep}, modules: map[*wasm.Module]graph.ModuleID{}}
	ci, err := f.instantiateModule(m, 0, 0, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Exports = []graph.Export{{Name: "f", Kind: wasm.ExternFunc, ID: ci.items["f"].id}}
	live := shake.Mark(p)
	find := func(name string) graph.FuncID {
		id := graph.FuncID(slices.IndexFunc(p.Instances[1].Funcs, func(id graph.FuncID) bool { return p.FuncName(id) == name }))
		return p.Instances[1].Funcs[id]
	}
	one := find("one")
	elem, index, caller, ok := live.Slot(one)
	if !ok || elem != p.Instances[1].Elems[0] || index != 1 || caller != find("caller") {
		t.Errorf("one is kept by slot %d of segment %d, called by %q (%v)", index, elem, p.FuncName(caller), ok)
	}
	parent := live.Parent(shake.Item{Space: wasm.SpaceFunc, ID: uint32(one)})
	if parent != (shake.Item{Space: wasm.SpaceElem, ID: uint32(elem)}) {
		t.Errorf("the parent of one is %v", parent)
	}
	n := 0
	for it := parent; it != shake.Root; it = live.Parent(it) {
		if n++; n > 10 {
			t.Fatal("the chain of parents does not end")
		}
	}
	if _, _, _, ok := live.Slot(find("both")); ok || !live.Func(find("both")) {
		t.Error("both is kept by a call")
	}
	if live.Hit(elem, find("dead")) || live.Func(find("dead")) || live.Func(find("gone")) {
		t.Error("nothing calls dead")
	}
}

// TestByShape moves functions of one shape together, within what has equally
// long indices.
func TestByShape(t *testing.T) {
	shape := map[graph.FuncID]uint64{1: 7, 2: 8, 3: 7, 4: 9, 5: 8, 6: 7, 7: 8, 8: 7}
	for _, tc := range []struct {
		first  int
		limits []int
		want   []graph.FuncID
	}{
		{0, []int{100}, []graph.FuncID{1, 3, 6, 8, 2, 5, 7, 4}},
		{0, []int{4, 100}, []graph.FuncID{1, 3, 2, 4, 5, 7, 6, 8}},
		{3, []int{4, 8, 100}, []graph.FuncID{1, 2, 5, 3, 4, 6, 8, 7}},
		{200, []int{4, 100}, []graph.FuncID{1, 3, 6, 8, 2, 5, 7, 4}},
	} {
		ids := []graph.FuncID{1, 2, 3, 4, 5, 6, 7, 8}
		byShape(ids, tc.first, tc.limits, func(id graph.FuncID) uint64 { return shape[id] })
		if !slices.Equal(ids, tc.want) {
			t.Errorf("from %d, limits %v: %v, want %v", tc.first, tc.limits, ids, tc.want)
		}
	}
}
