package gen

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// compose builds the outer component of a pair. It exports all; f, if the pair
// is open: otherwise the host allocates in the consumer only.
func (p *Pair) compose() *component.Component {
	b := &builder{c: &component.Component{}}
	instantiate := func(c *component.Component, args ...component.Arg) uint32 {
		nested := b.def(component.SortComponent, &component.NestedComponent{Component: c})
		return b.def(component.SortInstance, &component.Instance{Instantiate: true, Component: nested, Args: args})
	}
	arg := func(name string, instance uint32) component.Arg {
		return component.Arg{Name: name, Sort: component.SortInstance, Index: instance}
	}
	// What is exported is passed on as it is exported, because that is where
	// its types have their names.
	var args []component.Arg
	if p.Uses[ByHost] {
		args = append(args, arg(HostName, b.importInstance(HostName, resourceAPI())))
	}
	if p.Uses[ByThird] {
		args = append(args, arg(ThirdName, b.export(ThirdName, component.SortInstance, instantiate(thirdComponent()), nil)))
	}
	provider := instantiate(p.providerComponent(), args...)
	var shared, rest []component.InlineExport
	add := func(to *[]component.InlineExport, from uint32, sort component.Sort, name string) {
		*to = append(*to, component.InlineExport{Name: component.Name{Text: name}, Sort: sort, Index: b.member(sort, from, name)})
	}
	for _, name := range [...]string{"stage", "poke", "report"} {
		add(&rest, provider, component.SortFunc, name)
	}
	share := func(to *[]component.InlineExport, from uint32) {
		if p.Uses[ByProvider] {
			add(to, from, component.SortType, "r")
			add(to, from, component.SortFunc, "make")
			add(to, from, component.SortFunc, "value")
		}
		for i := range p.named() {
			add(to, from, component.SortType, typeName(i))
		}
	}
	share(&rest, provider)
	if p.Open {
		add(&rest, provider, component.SortFunc, "f")
	}
	exported := b.export(ProviderName, component.SortInstance, b.def(component.SortInstance, &component.Instance{Exports: rest}), nil)
	share(&shared, exported)
	add(&shared, provider, component.SortFunc, "f")
	args = append(args, arg(ProviderName, b.def(component.SortInstance, &component.Instance{Exports: shared})))
	b.export(ConsumerName, component.SortInstance, instantiate(p.consumerComponent(), args...), nil)
	return b.c
}

// named lists the types of the signature that have names, and typeName is what
// they are called.
func (p *Pair) named() []*component.ValType {
	var out []*component.ValType
	for _, t := range p.types {
		if hasName(t.Kind) {
			out = append(out, t)
		}
	}
	return out
}

func typeName(i int) string { return fmt.Sprint("t", i) }

func (b *builder) importInstance(name string, t *component.InstanceDef) uint32 {
	return b.def(component.SortInstance, &component.Import{
		Name: component.Name{Text: name},
		Desc: component.ExternDesc{Sort: component.SortInstance, TypeIndex: b.typ(t)},
	})
}

// member aliases an export of an instance.
func (b *builder) member(sort component.Sort, instance uint32, name string) uint32 {
	return b.def(sort, &component.Alias{Sort: sort, Kind: component.AliasExport, Instance: instance, Name: name})
}

// declarer keeps count of the types in an instance type.
type declarer struct {
	t component.InstanceDef
	n uint32
}

func (d *declarer) typ(t component.Type) uint32 {
	d.t.Decls = append(d.t.Decls, &component.TypeDef{Type: t})
	d.n++
	return d.n - 1
}

func (d *declarer) outer(index uint32) uint32 {
	d.t.Decls = append(d.t.Decls, &component.Alias{Sort: component.SortType, Kind: component.AliasOuter, Count: 1, Index: index})
	d.n++
	return d.n - 1
}

func (d *declarer) export(name string, desc component.ExternDesc) {
	d.t.Decls = append(d.t.Decls, &component.ExportDecl{Name: component.Name{Text: name}, Desc: desc})
	if desc.Sort == component.SortType {
		d.n++
	}
}

func (d *declarer) fn(name string, t *component.FuncDef) {
	d.export(name, component.ExternDesc{Sort: component.SortFunc, TypeIndex: d.typ(t)})
}

// resource declares a resource type and the functions that go with it.
func (d *declarer) resource() uint32 {
	d.export("r", component.ExternDesc{Sort: component.SortType, Bound: component.BoundSubResource})
	r := d.n - 1
	d.fn("make", makeType(d.typ(&component.ValDef{Kind: component.KindOwn, Index: r})))
	d.fn("value", valueType(d.typ(&component.ValDef{Kind: component.KindBorrow, Index: r})))
	return r
}

func resourceAPI() *component.InstanceDef {
	d := &declarer{}
	d.resource()
	return &d.t
}

func makeType(own uint32) *component.FuncDef {
	r := index(own)
	return &component.FuncDef{Params: []component.FieldDef{{Name: "rep", Type: prim(component.KindU32)}}, Result: &r}
}

func valueType(borrow uint32) *component.FuncDef {
	r := prim(component.KindU32)
	return &component.FuncDef{Params: []component.FieldDef{{Name: "r", Type: index(borrow)}}, Result: &r}
}

// writer writes types into a scope of type indices.
type writer struct {
	// typ appends a definition; name gives a type a name and returns the
	// index that has it.
	typ      func(component.Type) uint32
	name     func(name string, index uint32) uint32
	resource [owners]uint32
	index    map[*component.ValType]uint32
	names    int
}

// write appends the types of the pair that the scope does not have.
func (w *writer) write(types []*component.ValType) {
	if w.index == nil {
		w.index = map[*component.ValType]uint32{}
	}
	for _, t := range types {
		if _, ok := w.index[t]; ok {
			continue
		}
		i := w.typ(w.def(t))
		if hasName(t.Kind) {
			i = w.name(typeName(w.names), i)
			w.names++
		}
		w.index[t] = i
	}
}

func (w *writer) ref(t *component.ValType) component.ValRef {
	if t.Kind.IsPrimitive() {
		return prim(t.Kind)
	}
	return index(w.index[t])
}

func (w *writer) maybe(t *component.ValType) *component.ValRef {
	if t == nil {
		return nil
	}
	r := w.ref(t)
	return &r
}

func (w *writer) def(t *component.ValType) *component.ValDef {
	d := &component.ValDef{Kind: t.Kind, Elem: w.maybe(t.Elem), Len: t.Len}
	for _, f := range t.Fields {
		d.Fields = append(d.Fields, component.FieldDef{Name: f.Name, Type: w.ref(f.Type)})
	}
	switch t.Kind {
	case component.KindVariant:
		d.Members = &component.Members{}
		for _, c := range t.Cases {
			d.Cases = append(d.Cases, component.CaseDef{Name: c.Name, Type: w.maybe(c.Type)})
		}
	case component.KindFlags, component.KindEnum:
		d.Members = &component.Members{Labels: t.Labels}
	case component.KindResult:
		d.Members = &component.Members{Ok: w.maybe(t.Ok), Err: w.maybe(t.Err)}
	case component.KindOwn, component.KindBorrow:
		d.Index = w.resource[ownerOf(t)]
	}
	return d
}

func (w *writer) fn(t *component.FuncType) *component.FuncDef {
	d := &component.FuncDef{Result: w.maybe(t.Result)}
	for _, p := range t.Params {
		d.Params = append(d.Params, component.FieldDef{Name: p.Name, Type: w.ref(p.Type)})
	}
	return d
}

// half is a component of the pair, or the third one, in the making.
type half struct {
	builder
	side Side
	base uint32 // core instance with the memory
	opts component.CanonOpts
	// handles are the core functions of operations, as the second core module
	// imports them.
	ops []component.CoreInlineExport
}

func newHalf(s Side) *half {
	h := &half{builder: builder{c: &component.Component{}}, side: s}
	h.base = h.instantiate(h.def(component.SortCoreModule, &component.CoreModule{Bytes: wasm.Encode(s.Allocator.base())}))
	h.opts = component.CanonOpts{
		Encoding: s.Encoding, HasEncoding: true,
		HasMemory: true, Memory: h.core(component.SortCoreMemory, h.base, "memory"),
		HasRealloc: true, Realloc: h.core(component.SortCoreFunc, h.base, "realloc"),
	}
	return h
}

// op adds a core function to those of operations.
func (h *half) op(name string, f uint32) {
	h.ops = append(h.ops, component.CoreInlineExport{Name: name, Sort: component.SortCoreFunc, Index: f})
}

func (h *half) canon(op component.CanonOp, typ uint32) uint32 {
	return h.def(component.SortCoreFunc, &component.Canon{Op: op, Type: typ})
}

func (h *half) lower(f uint32, opts *component.CanonOpts) uint32 {
	return h.def(component.SortCoreFunc, &component.Canon{Op: component.CanonLower, Func: f, Opts: opts})
}

// own defines a resource type, with the operations on it, and exports it.
func (h *half) own(owner int) uint32 {
	dtor := h.core(component.SortCoreFunc, h.base, "dtor")
	r := h.typ(&component.ResourceDef{Rep: wasm.I32, HasDtor: true, Dtor: dtor})
	h.op(opName(3*owner+OpMake), h.canon(component.CanonResourceNew, r))
	h.op(opName(3*owner+OpDrop), h.canon(component.CanonResourceDrop, r))
	h.op(opName(3*owner+OpRep), h.canon(component.CanonResourceRep, r))
	return h.export("r", component.SortType, r, nil)
}

// foreign takes a resource type from an imported instance.
func (h *half) foreign(owner int, instance uint32) uint32 {
	r := h.member(component.SortType, instance, "r")
	h.op(opName(3*owner+OpMake), h.lower(h.member(component.SortFunc, instance, "make"), &component.CanonOpts{}))
	h.op(opName(3*owner+OpDrop), h.canon(component.CanonResourceDrop, r))
	h.op(opName(3*owner+OpRep), h.lower(h.member(component.SortFunc, instance, "value"), &component.CanonOpts{}))
	return r
}

// run instantiates the second core module.
func (h *half) run(m *wasm.Module) uint32 {
	module := h.def(component.SortCoreModule, &component.CoreModule{Bytes: wasm.Encode(m)})
	args := []component.CoreArg{{Name: "base", Instance: h.base}}
	if len(h.ops) > 0 {
		args = append(args, component.CoreArg{Name: "ops", Instance: h.bag(h.ops...)})
	}
	return h.instantiate(module, args...)
}

// lift exports a function of a core instance.
func (h *half) lift(name string, instance, typ uint32, opts component.CanonOpts) {
	f := h.core(component.SortCoreFunc, instance, name)
	h.export(name, component.SortFunc, h.def(component.SortFunc, &component.Canon{Op: component.CanonLift, Func: f, Type: typ, Opts: &opts}), nil)
}

// withPost is the options of a lift whose post-return is an export of a core
// instance.
func (h *half) withPost(instance uint32, name string) component.CanonOpts {
	opts := h.opts
	if h.side.Post {
		opts.HasPost, opts.PostReturn = true, h.core(component.SortCoreFunc, instance, name)
	}
	return opts
}

// common exports what all components have. Nothing is passed to it in memory, so
// that the host allocates only for calls of f.
func (h *half) common() {
	word := prim(component.KindU32)
	h.lift("stage", h.base, h.typ(&component.FuncDef{Params: []component.FieldDef{{Name: "fault", Type: word}}}), component.CanonOpts{})
	poke := []component.FieldDef{{Name: "at", Type: word}}
	for i := range PokeWords {
		poke = append(poke, component.FieldDef{Name: fmt.Sprint("w", i), Type: prim(component.KindU64)})
	}
	h.lift("poke", h.base, h.typ(&component.FuncDef{Params: poke}), component.CanonOpts{})
	u8 := prim(component.KindU8)
	list := index(h.typ(&component.ValDef{Kind: component.KindList, Elem: &u8}))
	both := index(h.typ(&component.ValDef{Kind: component.KindTuple, Fields: []component.FieldDef{{Type: list}, {Type: list}}}))
	opts := h.opts
	opts.HasRealloc = false
	h.lift("report", h.base, h.typ(&component.FuncDef{Result: &both}), opts)
}

// resource exports the functions that go with an exported resource type.
func (h *half) resource(r, instance uint32) {
	own := h.typ(&component.ValDef{Kind: component.KindOwn, Index: r})
	h.lift("make", instance, h.typ(makeType(own)), component.CanonOpts{})
	borrow := h.typ(&component.ValDef{Kind: component.KindBorrow, Index: r})
	h.lift("value", instance, h.typ(valueType(borrow)), component.CanonOpts{})
}

func thirdComponent() *component.Component {
	h := newHalf(Side{})
	r := h.own(ByThird)
	h.ops = h.ops[:1] // to make one is all it does
	h.resource(r, h.run(third()))
	h.common()
	return h.c
}

// imports are the resources that both components of a pair import.
func (p *Pair) imports(h *half, w *writer) {
	for owner, name := range [owners]string{ByThird: ThirdName, ByHost: HostName} {
		if name != "" && p.Uses[owner] {
			w.resource[owner] = h.foreign(owner, h.importInstance(name, resourceAPI()))
		}
	}
}

func (p *Pair) providerComponent() *component.Component {
	h := newHalf(p.Provider)
	w := &writer{typ: h.typ, name: func(name string, i uint32) uint32 { return h.export(name, component.SortType, i, nil) }}
	p.imports(h, w)
	if p.Uses[ByProvider] {
		w.resource[ByProvider] = h.own(ByProvider)
	}
	w.write(p.types)
	main := h.run(p.provider())
	h.lift("f", main, h.typ(w.fn(p.Func)), h.withPost(main, "post-f"))
	if p.Uses[ByProvider] {
		h.resource(w.resource[ByProvider], main)
	}
	h.common()
	return h.c
}

// providerAPI is the interface that the consumer imports.
func (p *Pair) providerAPI(foreign [owners]uint32) *component.InstanceDef {
	d := &declarer{}
	w := &writer{typ: d.typ, name: func(name string, i uint32) uint32 {
		d.export(name, component.ExternDesc{Sort: component.SortType, TypeIndex: i, Bound: component.BoundEq})
		return d.n - 1
	}}
	for owner, used := range p.Uses {
		switch {
		case used && owner == ByProvider:
			w.resource[owner] = d.resource()
		case used:
			w.resource[owner] = d.outer(foreign[owner])
		}
	}
	w.write(p.types)
	d.fn("f", w.fn(p.Func))
	return &d.t
}

func (p *Pair) consumerComponent() *component.Component {
	h := newHalf(p.Consumer)
	w := &writer{typ: h.typ, index: map[*component.ValType]uint32{}}
	p.imports(h, w)
	api := h.importInstance(ProviderName, p.providerAPI(w.resource))
	if p.Uses[ByProvider] {
		w.resource[ByProvider] = h.foreign(ByProvider, api)
	}
	for i, t := range p.named() {
		w.index[t] = h.member(component.SortType, api, typeName(i))
	}
	w.write(p.types)
	lower := h.opts
	h.op("f", h.lower(h.member(component.SortFunc, api, "f"), &lower))
	main := h.run(p.consumer())
	h.lift("call", main, h.typ(w.fn(p.Func)), h.withPost(main, "post-call"))
	h.lift("raw", main, h.typ(&component.FuncDef{}), component.CanonOpts{})
	h.common()
	return h.c
}
