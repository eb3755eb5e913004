package linker

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/shake"
)

// Policy says what becomes of a WASI import.
type Policy string

// The policies. What is denied or stubbed is not asked of the host, and the
// code behind it dies with it, because this is decided before anything is
// marked.
const (
	// PolicyAllow leaves the import to the host; the default.
	PolicyAllow Policy = "allow"
	// PolicyDeny makes every call trap, in a function whose name says why.
	PolicyDeny Policy = "deny"
	// PolicyStub answers every call in the bundle: with an error where the
	// result type has one, else with what is empty: zero, none, no bytes. A
	// function that would have to make up a handle traps.
	PolicyStub Policy = "stub"
)

// WASI is what the bundle makes of WASI.
type WASI struct {
	Default Policy // default PolicyAllow
	// Rules overrule the default: for a package ("wasi:sockets"), an interface
	// ("wasi:random/random") or a function ("wasi:random/random#get-random-u64").
	// The longest rule that fits counts. Versions may be left out. Preview 1's
	// functions follow the rules of the interfaces that they have become.
	Rules map[string]Policy
	// Forbid lists packages, interfaces and functions that the bundle must not
	// import: an error names what still calls them.
	Forbid []string

	// Env, when set, is the environment of all programs in the bundle. What it
	// answers is not asked of the host, and rules are not about it.
	Env *Environment
	// Args, when not nil, are the arguments, the program's name first.
	Args []string
	// Mounts are directories of read-only files, for programs that use preview 1
	// or an adapter for it.
	Mounts []Mount
}

// ruleNames lists the names by which a rule may speak of a function, the
// longest first.
func ruleNames(iface, fn string) []string {
	bare, _, _ := strings.Cut(iface, "@")
	names := []string{iface + "#" + fn, bare + "#" + fn, iface, bare}
	if pkg, _, ok := strings.Cut(bare, "/"); ok {
		_, version, _ := strings.Cut(iface, "@")
		names = append(names, pkg+"@"+version, pkg)
	}
	return names
}

// policy returns what becomes of a function of the host.
func (w *WASI) policy(iface, fn string) Policy {
	if !isWASI(iface) {
		return PolicyAllow
	}
	rules := w.Rules
	if iface == preview1Module {
		iface, fn = preview1Meaning(fn)
		rules = w.unversioned()
	}
	for _, n := range ruleNames(iface, fn) {
		if p := rules[n]; p != "" {
			return p
		}
	}
	if w.Default != "" {
		return w.Default
	}
	return PolicyAllow
}

// unversioned is the rules without versions, which preview 1 does not have. Of
// rules that differ in nothing else, the last in order of their names counts.
func (w *WASI) unversioned() map[string]Policy {
	out := map[string]Policy{}
	for _, r := range slices.Sorted(maps.Keys(w.Rules)) {
		name, fn, ok := strings.Cut(r, "#")
		name, _, _ = strings.Cut(name, "@")
		if ok {
			name += "#" + fn
		}
		out[name] = w.Rules[r]
	}
	return out
}

// check refuses words that are no policies, and rules that can mean nothing.
func (w *WASI) check() error {
	known := func(p Policy) bool { return p == "" || p == PolicyAllow || p == PolicyDeny || p == PolicyStub }
	if !known(w.Default) {
		return fmt.Errorf("wasi default %q is not available; there are allow, deny and stub", w.Default)
	}
	for _, r := range slices.Sorted(maps.Keys(w.Rules)) {
		if !known(w.Rules[r]) {
			return fmt.Errorf("wasi rule %q: %q is not available; there are allow, deny and stub", r, w.Rules[r])
		}
		if !isWASI(r) {
			return fmt.Errorf("wasi rule %q is not about WASI: it begins with wasi: or is %s#function", r, preview1Module)
		}
	}
	return w.checkValues()
}

// answer makes the function that stands for a lowered function of the host: from
// values of the bundle, or under a policy; 0 where the host is asked.
func (f *flattener) answer(l *graph.Lower, t graph.TypeID) (fn graph.FuncID) {
	if fn = f.environmentAnswer(l, t); fn != 0 {
		f.answered[fn] = true
		return fn
	}
	h := l.Func.Host
	name := coreName(h.Interface, h.Name)
	switch f.opts.WASI.policy(h.Interface, h.Name) {
	case PolicyDeny:
		fn = f.trapFunc(t, "denied "+name)
	case PolicyStub:
		if ft := l.Func.Type; ft.Result == nil || canStub(ft.Result) {
			fn = f.stub(l, t, "stub "+name)
		} else {
			fn = f.trapFunc(t, "not stubbed, it returns a handle: "+name)
		}
	default:
		return 0
	}
	f.answered[fn] = true
	return fn
}

// answerDrop is answer for dropping a handle of the host's resource. There is
// nothing to drop where the resource is denied or stubbed.
func (f *flattener) answerDrop(r *graph.Resource, t graph.TypeID) (fn graph.FuncID) {
	drop := "[resource-drop]" + r.Name
	switch f.opts.WASI.policy(r.Interface, drop) {
	case PolicyDeny:
		fn = f.trapFunc(t, "denied "+coreName(r.Interface, drop))
	case PolicyStub:
		b := ir.New(f.p.Types.At(t).Params)
		fn = f.p.AddFunc(graph.Func{Kind: graph.FuncGenerated, Type: t, Body: b.Finish(), Name: "stub " + coreName(r.Interface, drop)})
	default:
		return 0
	}
	f.answered[fn] = true
	return fn
}

// stub generates a lowered function that answers by itself.
func (f *flattener) stub(l *graph.Lower, t graph.TypeID, name string) graph.FuncID {
	st := f.p.Types.At(t)
	b := ir.New(st.Params)
	ft := l.Func.Type
	_, _, _, retptr := component.FlattenFunc(ft, component.Lower)
	s := &stubber{b: b, mem: l.Opts.Memory}
	switch {
	case ft.Result == nil:
	case retptr:
		s.ptr = ir.Local(len(st.Params) - 1)
		s.store(ft.Result, 0)
	default:
		s.flat(ft.Result, st.Results)
	}
	return f.p.AddFunc(graph.Func{Kind: graph.FuncGenerated, Type: t, Body: b.Finish(), Name: name})
}

// canStub reports whether a value of t can be made from nothing.
func canStub(t *component.ValType) bool {
	switch t.Kind {
	case component.KindOwn, component.KindBorrow, component.KindStream, component.KindFuture, component.KindErrorContext:
		return false
	case component.KindRecord, component.KindTuple:
		for _, f := range t.Fields {
			if !canStub(f.Type) {
				return false
			}
		}
	case component.KindFixedList:
		return canStub(t.Elem)
	case component.KindVariant, component.KindEnum, component.KindOption, component.KindResult:
		return stubCase(t) >= 0
	}
	return true
}

// stubCases are the cases of error enums and variants that say best that
// nothing is behind a function, in order of preference.
var stubCases = []string{"unsupported", "not-supported", "access-denied", "not-permitted", "access", "closed"}

// stubCase chooses the case of a variant, enum, option or result that stands
// for nothing: err, none, an error that says so, else the first that can be
// made. -1: none can.
func stubCase(t *component.ValType) int {
	cases := t.CaseList()
	can := func(i int) bool { return cases[i].Type == nil || canStub(cases[i].Type) }
	if t.Kind == component.KindResult && can(1) {
		return 1
	}
	for _, name := range stubCases {
		for i, c := range cases {
			if c.Name == name && can(i) {
				return i
			}
		}
	}
	for i := range cases {
		if can(i) {
			return i
		}
	}
	return -1
}

// stubber writes the empty value of a type.
type stubber struct {
	b   *ir.Builder
	mem graph.MemoryID
	ptr ir.Local
}

// store writes it to memory at ptr + off. A list is an aligned pointer, as
// realloc gives for no bytes, and a length of 0.
func (s *stubber) store(t *component.ValType, off uint32) {
	put := func(op wasm.Opcode, align, off, v uint32) {
		s.b.Get(s.ptr)
		s.b.I32(v)
		s.b.Mem(op, s.mem, align, off)
	}
	switch t.Kind {
	case component.KindString, component.KindList, component.KindMap:
		align := uint32(1)
		if t.Elem != nil {
			align = t.Elem.Align()
		}
		put(wasm.OpI32Store, 2, off, align)
		put(wasm.OpI32Store, 2, off+4, 0)
	case component.KindRecord, component.KindTuple:
		for i, f := range t.Fields {
			s.store(f.Type, off+t.FieldOffset(i))
		}
	case component.KindFixedList:
		for i := range t.Len {
			s.store(t.Elem, off+i*t.Elem.Size())
		}
	case component.KindVariant, component.KindEnum, component.KindOption, component.KindResult:
		i := stubCase(t)
		op, align := wasm.OpI32Store8, uint32(0)
		switch t.DiscSize() {
		case 2:
			op, align = wasm.OpI32Store16, 1
		case 4:
			op, align = wasm.OpI32Store, 2
		}
		put(op, align, off, uint32(i))
		if c := t.CaseList()[i]; c.Type != nil {
			s.store(c.Type, off+t.PayloadOffset())
		}
	default:
		for size := t.Size(); size > 0; size-- {
			put(wasm.OpI32Store8, 0, off+size-1, 0)
		}
	}
}

// flat pushes it as the one flat value that a result without memory has.
func (s *stubber) flat(t *component.ValType, results []wasm.ValType) {
	if len(results) == 0 {
		return
	}
	for k := t; ; {
		switch k.Kind {
		case component.KindVariant, component.KindEnum, component.KindOption, component.KindResult:
			s.b.I32(uint32(stubCase(k)))
			return
		case component.KindRecord, component.KindTuple:
			k = k.Fields[0].Type
			continue
		case component.KindFixedList:
			k = k.Elem
			continue
		}
		s.b.Zero(results[0])
		return
	}
}

// checkForbidden refuses imports that must not be there, with the path of
// calls that keeps each.
func (f *flattener) checkForbidden(live *shake.Live, asked func(graph.FuncID) bool) error {
	w := &f.opts.WASI
	if len(w.Forbid) == 0 {
		return nil
	}
	forbidden := map[string]bool{}
	for _, n := range w.Forbid {
		forbidden[n] = true
	}
	for id := graph.FuncID(1); int(id) < len(f.p.Funcs); id++ {
		fn := &f.p.Funcs[id]
		if fn.Kind != graph.FuncImport || !asked(id) {
			continue
		}
		iface, name := fn.Import.Module, fn.Import.Name
		names := ruleNames(iface, name)
		if iface == preview1Module {
			names = append(names, ruleNames(preview1Meaning(name))...)
		}
		for _, n := range names {
			if forbidden[n] {
				return fmt.Errorf("the bundle imports %s, which wasi.forbid names (%q):\n%s", coreName(iface, name), n, f.path(live, id))
			}
		}
	}
	return nil
}

// path writes who keeps a function, from the root on, one to a line.
func (f *flattener) path(live *shake.Live, id graph.FuncID) string {
	var lines []string
	it := shake.Item{Space: wasm.SpaceFunc, ID: uint32(id)}
	for it != shake.Root {
		name := f.itemName(it)
		parent := live.Parent(it)
		if it.Space == wasm.SpaceFunc {
			// An indirect call tells more than the segment that it finds the function in.
			if _, slot, caller, ok := live.Slot(graph.FuncID(it.ID)); ok && caller != 0 {
				name = fmt.Sprintf("%s (through slot %d of %s)", name, slot, f.itemName(parent))
				parent = shake.Item{Space: wasm.SpaceFunc, ID: uint32(caller)}
			}
		}
		lines = append(lines, name)
		it = parent
	}
	var s strings.Builder
	for i := len(lines) - 1; i >= 0; i-- {
		fmt.Fprintf(&s, "%s%s", strings.Repeat("  ", len(lines)-i), lines[i])
		if i > 0 {
			s.WriteByte('\n')
		}
	}
	return s.String()
}

// itemName names an item of the program for people.
func (f *flattener) itemName(it shake.Item) string {
	if it.Space != wasm.SpaceFunc {
		return fmt.Sprintf("%s %d", it.Space, it.ID)
	}
	id := graph.FuncID(it.ID)
	fn := &f.p.Funcs[id]
	owner := ""
	if fn.Kind == graph.FuncDefined {
		owner = " of " + f.p.Instances[fn.Inst].Name
	}
	for _, e := range f.p.Exports {
		if e.Kind == wasm.ExternFunc && f.p.Resolve(graph.FuncID(e.ID)) == id {
			return fmt.Sprintf("export %q%s", e.Name, owner)
		}
	}
	if fn.Kind == graph.FuncImport {
		return fmt.Sprintf("import %q", coreName(fn.Import.Module, fn.Import.Name))
	}
	name := f.p.FuncName(id)
	if name == "" && fn.Kind == graph.FuncDefined {
		if names := f.p.ModuleOf(f.p.Instances[fn.Inst]).Code.FuncNames(); names != nil {
			n := f.p.ModuleOf(f.p.Instances[fn.Inst]).Code
			if i := int(n.NumImported[wasm.SpaceFunc]) + int(fn.Index); i < len(names) {
				name = names[i]
			}
		}
	}
	if name == "" {
		name = fmt.Sprintf("function %d", fn.Index)
	}
	return name + owner
}
