package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/source"
	"github.com/wbundle/wbundle/internal/symbol"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// SizesVersion is the version of the form of size.json.
const SizesVersion = 1

// Sizes is size.json: the accounts of the outputs of one build. Its schema is
// docs/size.schema.json, what its figures mean is in docs/size.md.
type Sizes struct {
	Version   int        `json:"version"`
	Generator string     `json:"generator"`
	Outputs   []*Account `json:"outputs"`
}

// Account accounts for every byte of one file. The bytes of its Items sum to
// the size of the file, and so do those of each table.
type Account struct {
	Path   string `json:"path"`
	Format string `json:"format"` // core or component
	SHA256 string `json:"sha256"`
	Size   Size   `json:"size"`
	// Provenance is "link" when the linker says where items come from, and
	// "file" when the file alone was there to tell.
	Provenance string         `json:"provenance"`
	Inputs     []AccountInput `json:"inputs,omitempty"`
	ByInput    []SizeRow      `json:"by_input"`
	ByKind     []SizeRow      `json:"by_kind"`
	ByPackage  []SizeRow      `json:"by_package"`
	ByFile     []SizeRow      `json:"by_file,omitempty"` // missing without debug information
	Items      []Item         `json:"items"`

	reach   *reach // nil when it was read from JSON
	nodeOf  []int  // the node of each item; 0: none
	itemOf  []int  // the item of each node; -1: none
	origins *linker.Origins
}

// AccountInput is an input of the link and what became of it.
type AccountInput struct {
	ID   string `json:"id"`
	Path string `json:"path"`
	Kind string `json:"kind"` // component or core module
	Root bool   `json:"root,omitempty"`
	// Bytes is the size of the input file, InOutput what of the output is its.
	Bytes    int `json:"bytes"`
	InOutput int `json:"bytes_in_output"`
	// Retained is what would go from the output if nothing of the input were
	// reachable: its own bytes, and those of others that only it needs.
	Retained int `json:"retained"`
}

// SizeRow is a line of a table.
type SizeRow struct {
	Name  string `json:"name"` // "" is what no name tells
	Input string `json:"input,omitempty"`
	Bytes int    `json:"bytes"`
	Items int    `json:"items"`
}

// Item is one thing in the file, or several small ones of a kind that belong
// together: the name section's entries for one package are one item.
type Item struct {
	Kind string `json:"kind"`
	Name string `json:"name"` // for people: demangled, without hashes
	// Symbol is the name as the compiler wrote it, where it differs.
	Symbol string `json:"symbol,omitempty"`
	// Key is what stays the same from build to build, where that is not Name.
	Key string `json:"key,omitempty"`
	// Input owns the item; "" is the bundle itself: adapters, headers. Also
	// lists the items of inputs that it is the only copy of.
	Input     string   `json:"input,omitempty"`
	Component string   `json:"component,omitempty"` // component instance; an adapter's caller
	Callee    string   `json:"callee,omitempty"`    // component instance that an adapter calls
	Instance  string   `json:"instance,omitempty"`  // core instance
	Package   string   `json:"package,omitempty"`   // crate, Go package, C++ namespace, Swift module, else file
	File      string   `json:"file,omitempty"`      // source file, where there is debug information
	Origin    string   `json:"origin,omitempty"`    // of generated items: adapter, window, start, stub, ...
	Also      []string `json:"also,omitempty"`

	Module int     `json:"module"`          // core module of the output; -1: outside of one
	Index  *uint32 `json:"index,omitempty"` // in its index space of that module
	Source *uint32 `json:"source_index,omitempty"`
	Bytes  int     `json:"bytes"`
	// Pieces is how many segments of the output are in the item, where there are
	// several: what is left of one of an input without its runs of zeros, or
	// small ones without names.
	Pieces int `json:"pieces,omitempty"`
	// IndexBytes is the part of Bytes that is indices and offsets: it changes
	// when other items come or go.
	IndexBytes int `json:"index_bytes,omitempty"`

	// Retained is what would go with the item: it and what it dominates.
	Retained int `json:"retained,omitempty"`
	// Keeper and Dominator are places in Items, from 1; 0 is the root. Keeper is the
	// item before this one on the shortest way from the root, Via says how
	// it keeps this one. "" means that nothing reaches the item.
	Keeper    int    `json:"keeper,omitempty"`
	Via       string `json:"via,omitempty"`
	Dominator int    `json:"dominator,omitempty"`
}

// AccountOptions is what NewAccount is told about a file.
type AccountOptions struct {
	Path string
	// Origins is the linker's provenance; nil for a file of unknown origin.
	Origins *linker.Origins
	Inputs  []linker.InputSummary
	Effort  Effort
}

// NewAccount accounts for the bytes of a module or component.
func NewAccount(b []byte, o AccountOptions) (*Account, error) {
	s, err := split(o.Path, b)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	a := &Account{Path: o.Path, Format: "core", SHA256: hex.EncodeToString(sum[:]), Size: Measure(b, o.Effort), Provenance: "file", origins: o.Origins}
	if wasm.Sniff(b) == wasm.FormatComponent {
		a.Format = "component"
	}
	if o.Origins != nil {
		a.Provenance = "link"
	}
	acc := newAccountant(a, s)
	for _, p := range s.pieces {
		acc.add(p)
	}
	a.reach = newReach(s.modules)
	a.keepers(acc)
	acc.keepSymbols()
	a.rows()
	var ids []string
	for _, in := range o.Inputs {
		one := AccountInput{ID: in.ID, Path: in.Path, Kind: in.Kind, Root: in.Root, Bytes: in.Bytes}
		for _, r := range a.ByInput {
			if r.Name == in.ID {
				one.InOutput = r.Bytes
			}
		}
		a.Inputs = append(a.Inputs, one)
		ids = append(ids, in.ID)
	}
	for i, n := range a.retainedByInputs(ids) {
		a.Inputs[i].Retained = n
	}
	total := 0
	for i := range a.Items {
		total += a.Items[i].Bytes
	}
	if total != len(b) {
		return nil, fmt.Errorf("%s: the items have %d bytes, the file has %d", o.Path, total, len(b))
	}
	return a, nil
}

// accountant turns pieces into items.
type accountant struct {
	a       *Account
	s       *splitter
	modules []moduleNames
	items   map[itemKey]int
	// byNode finds the item of an item of a module.
	byNode map[reachItem]int
	// typeUser is the first function of each type, by module.
	typeUser []map[uint32]uint32
	sources  map[graph.ModuleID]*sourceModule
	parsed   map[mangled]symbol.Symbol
	// spans and symbols are of data by symbols (size_symbols.go).
	spans   map[graph.ModuleID][]symbolSpan
	symbols []symbolItem
}

type itemKey struct {
	module      int
	kind        string
	space       wasm.Space
	index       int // -1: for all of a kind
	input, text string
}

// moduleNames is what the output's own sections say about names.
type moduleNames struct {
	label string
	lang  symbol.Language
	names map[wasm.Space]map[uint32]string
	funcs []source.Func // of a module that nobody linked: what its debug information says
	// foreign says that the module is not the one that was linked: a helper of
	// the component around it, or a module that the root exports.
	helper, foreign bool
}

func newAccountant(a *Account, s *splitter) *accountant {
	acc := &accountant{a: a, s: s, items: map[itemKey]int{}, byNode: map[reachItem]int{}, sources: map[graph.ModuleID]*sourceModule{}, parsed: map[mangled]symbol.Symbol{}, spans: map[graph.ModuleID][]symbolSpan{}}
	for k, m := range s.modules {
		n := moduleNames{names: map[wasm.Space]map[uint32]string{}, label: fmt.Sprintf("core module %d", k)}
		names, _ := m.Names() // what can be read of a broken section will do
		if names.HasModule && names.Module != "" {
			n.label += " " + names.Module
		}
		if a.Format == "core" {
			n.label = ""
		}
		for space, list := range map[wasm.Space][]wasm.NameAssoc{
			wasm.SpaceFunc: names.Funcs, wasm.SpaceType: names.Types, wasm.SpaceTable: names.Tables, wasm.SpaceMemory: names.Memories,
			wasm.SpaceGlobal: names.Globals, wasm.SpaceTag: names.Tags, wasm.SpaceData: names.Datas, wasm.SpaceElem: names.Elems,
		} {
			n.names[space] = make(map[uint32]string, len(list))
			for _, x := range list {
				n.names[space][x.Index] = x.Name
			}
		}
		if a.origins != nil && k > 0 {
			n.foreign = exportsModule(a.origins.Program(), m.Bytes)
			n.helper = !n.foreign
		}
		if a.origins == nil || n.foreign {
			n.funcs = source.Funcs(m)
		}
		for i, f := range n.funcs {
			if at := m.NumImported[wasm.SpaceFunc] + uint32(i); n.names[wasm.SpaceFunc][at] == "" {
				n.names[wasm.SpaceFunc][at] = f.Name
			}
		}
		n.lang = language(m, n.names[wasm.SpaceFunc])
		for i := range m.Exports {
			e := &m.Exports[i]
			if space := e.Kind.Space(); n.names[space][e.Index] == "" {
				n.names[space][e.Index] = e.Name
			}
		}
		acc.modules = append(acc.modules, n)
		users := map[uint32]uint32{}
		for i, t := range funcTypes(m) {
			if _, ok := users[t]; !ok {
				users[t] = uint32(i)
			}
		}
		acc.typeUser = append(acc.typeUser, users)
	}
	return acc
}

// exportsModule reports whether the root exports that core module, as it is.
func exportsModule(p *graph.Program, b []byte) bool {
	for i := range p.WorldExports {
		x := &p.WorldExports[i]
		if x.Module != nil && string(x.Module.Bytes) == string(b) {
			return true
		}
		if x.Inst != nil {
			for j := range x.Inst.Items {
				if y := x.Inst.Items[j].Module; y != nil && string(y.Bytes) == string(b) {
					return true
				}
			}
		}
	}
	return false
}

// language is the language of a module as far as it changes what names mean.
func language(m *wasm.Module, names map[uint32]string) symbol.Language {
	p, _ := m.Producers() // an unreadable custom section is not an error of the module
	for _, v := range p.Field(wasm.ProducerLanguage) {
		if v.Name == "Go" {
			return symbol.Go
		}
	}
	for _, name := range names {
		if name == "runtime.alloc" || name == "runtime.mallocgc" || name == "runtime.newobject" {
			return symbol.Go // TinyGo writes no language
		}
	}
	return symbol.Unknown
}

// owner is what is known of where something comes from.
type owner struct {
	Item
	lang symbol.Language
}

// owner finds out where an item of a module comes from.
func (acc *accountant) owner(module int, space wasm.Space, index uint32) owner {
	a := acc.a
	names := &acc.modules[module]
	var o owner
	o.Module, o.lang = module, names.lang
	raw := ""
	var fn source.Func
	switch {
	case names.helper:
		o.Origin = "wiring"
		raw = names.names[space][index]
	case a.origins == nil || names.foreign:
		o.Input = names.label
		if names.foreign {
			o.Input = rootInput(a.origins.Program())
		}
		raw = names.names[space][index]
		if space == wasm.SpaceFunc {
			fn = defined(names.funcs, acc.s.modules[module], index)
		}
	default:
		or := a.origins.At(space, index)
		o.Item = acc.origin(space, or)
		o.Module = module
		raw = a.origins.Name(space, or)
		if or.Module != 0 {
			src := acc.source(or.Module)
			o.lang = src.lang
			if space == wasm.SpaceFunc {
				fn = defined(a.origins.FuncSources(or.Module), a.origins.Program().Modules[or.Module].Code, or.Index)
			}
			if raw == "" {
				raw = src.exports[reachItem{0, space, or.Index}]
			}
		}
	}
	if o.Origin != "" || space != wasm.SpaceFunc || index < acc.s.modules[module].NumImported[space] {
		o.Name = raw
		if o.Callee != "" {
			// What says "adapter app -> log" of all adapters between the two.
			if fn := acc.adapted(index); fn != "" {
				o.Name += ": " + fn
			}
		}
		return o
	}
	if fn.Go {
		o.lang = symbol.Go
	}
	sym := acc.parse(raw, o.lang)
	o.Name, o.Package, o.File = sym.Name, sym.Package, fn.File
	if o.Package == "" {
		o.Package = cmp.Or(fn.Crate, base(fn.File))
	}
	if sym.Name != raw {
		o.Symbol = raw
	}
	if sym.Key != sym.Name {
		o.Key = sym.Key
	}
	return o
}

// mangled is a name that was parsed.
type mangled struct {
	name string
	lang symbol.Language
}

// parse is symbol.Parse; a function has a body, a type, a name and more, and
// each asks.
func (acc *accountant) parse(name string, lang symbol.Language) symbol.Symbol {
	key := mangled{name, lang}
	sym, ok := acc.parsed[key]
	if !ok {
		sym = symbol.Parse(name, lang)
		acc.parsed[key] = sym
	}
	return sym
}

// defined is what debug information says of a function of a module.
func defined(funcs []source.Func, m *wasm.Module, index uint32) source.Func {
	if i := int(index) - int(m.NumImported[wasm.SpaceFunc]); i >= 0 && i < len(funcs) {
		return funcs[i]
	}
	return source.Func{}
}

// base is the last part of a path of any system.
func base(path string) string { return path[strings.LastIndexAny(path, `/\`)+1:] }

// adapted names the function that an adapter calls.
func (acc *accountant) adapted(index uint32) string {
	p := acc.a.origins.Program()
	or := acc.a.origins.At(wasm.SpaceFunc, index)
	c := p.Funcs[or.ID].Canon
	if c == nil || c.Lower == nil || c.Lower.Func.Lift == nil {
		return ""
	}
	core := &p.Funcs[p.Resolve(c.Lower.Func.Lift.Core)]
	if core.Kind != graph.FuncDefined {
		return ""
	}
	m := p.Instances[core.Inst].Module
	at := p.Modules[m].Code.NumImported[wasm.SpaceFunc] + core.Index
	if name := acc.source(m).exports[reachItem{0, wasm.SpaceFunc, at}]; name != "" {
		return name // as the component's function is called
	}
	return symbol.Parse(acc.a.origins.FuncName(p.Resolve(c.Lower.Func.Lift.Core)), symbol.Unknown).Name
}

// sourceModule is what the module of an input tells beside its names.
type sourceModule struct {
	lang    symbol.Language
	exports map[reachItem]string // the first name that an item is exported by
}

func (acc *accountant) source(id graph.ModuleID) *sourceModule {
	if src := acc.sources[id]; src != nil {
		return src
	}
	m := acc.a.origins.Program().Modules[id]
	names := map[uint32]string{}
	for i, name := range acc.a.origins.FuncNames(id) {
		names[uint32(i)] = name
	}
	src := &sourceModule{lang: language(m.Code, names), exports: map[reachItem]string{}}
	for i := range m.Code.Exports {
		e := &m.Code.Exports[i]
		key := reachItem{0, e.Kind.Space(), e.Index}
		if src.exports[key] == "" {
			src.exports[key] = e.Name
		}
	}
	acc.sources[id] = src
	return src
}

func rootInput(p *graph.Program) string {
	for _, in := range p.Inputs {
		if in.Root {
			return in.ID
		}
	}
	return ""
}

// origin fills in what an origin says.
func (acc *accountant) origin(space wasm.Space, or linker.Origin) Item {
	p := acc.a.origins.Program()
	var it Item
	if or.Input >= 0 && or.Input < len(p.Inputs) {
		it.Input = p.Inputs[or.Input].ID
	}
	if or.Component != 0 {
		it.Component = p.Components[or.Component].Name
	}
	if or.Callee != 0 {
		it.Callee = p.Components[or.Callee].Name
	}
	if or.Kind == linker.OriginInput {
		it.Instance = p.Instances[or.Instance].Name
		index := or.Index
		it.Source = &index
	}
	if or.Kind.Generated() {
		it.Origin = or.Kind.String()
	}
	for _, other := range or.Also {
		text := ""
		if other.Input >= 0 {
			text = p.Inputs[other.Input].ID
		}
		if name := acc.a.origins.Name(space, other); name != "" && space == wasm.SpaceFunc && other.Kind == linker.OriginInput {
			text += ": " + symbol.Parse(name, symbol.Unknown).Name
		}
		if text != "" && !slices.Contains(it.Also, text) {
			it.Also = append(it.Also, text)
		}
	}
	return it
}

// add counts a piece.
func (acc *accountant) add(p piece) {
	var it Item
	key := itemKey{module: p.module, kind: p.kind, space: p.space, index: -1, text: p.text}
	if p.module >= 0 && acc.modules[p.module].foreign {
		it.Input = rootInput(acc.a.origins.Program())
	} else if p.module >= 0 && acc.a.origins == nil {
		it.Input = acc.modules[p.module].label
	}
	it.Name = p.text
	if p.module >= 0 && p.space != wasm.SpaceNone {
		it, key = acc.item(p)
	}
	it.Kind, it.Module = p.kind, p.module
	if p.kind == KindCode && it.Origin != "" {
		it.Kind = KindGenerated
	}
	key.kind, key.input = it.Kind, it.Input
	i, ok := acc.items[key]
	if !ok {
		i = len(acc.a.Items)
		acc.items[key] = i
		acc.a.Items = append(acc.a.Items, it)
	}
	size := p.size
	if p.kind == KindData && p.module >= 0 && p.space == wasm.SpaceData {
		size = acc.addData(p, it)
	}
	have := &acc.a.Items[i]
	have.Bytes += size
	if it.Index != nil && p.kind != KindExports {
		acc.byNode[reachItem{p.module, p.space, p.index}] = i
	}
	if ok && (p.kind == KindData || p.kind == KindElements) {
		have.Pieces = max(have.Pieces, 1) + 1
		have.IndexBytes += it.IndexBytes
	}
}

// item is the item that a piece is, or is counted with.
func (acc *accountant) item(p piece) (Item, itemKey) {
	m := acc.s.modules[p.module]
	key := itemKey{module: p.module, space: p.space, index: int(p.index)}
	space, index := p.space, p.index
	if p.kind == KindTypes {
		// A type is whose function first has it.
		if fn, ok := acc.typeUser[p.module][p.index]; ok {
			space, index = wasm.SpaceFunc, fn
		}
	}
	o := acc.owner(p.module, space, index)
	it := o.Item
	switch {
	case p.kind == KindNames, p.kind == KindDeclarations && p.space == wasm.SpaceFunc, p.kind == KindTypes:
		// One item for all of an input and package.
		what := map[string]string{KindNames: "names", KindDeclarations: "types of functions", KindTypes: "types"}[p.kind]
		it = Item{Name: what, Input: it.Input, Package: it.Package}
		key.index, key.space, key.text = -1, wasm.SpaceNone, what+"\x00"+it.Package
		return it, key
	case p.kind == KindExports:
		root := it.Input
		if acc.a.origins != nil && !acc.modules[p.module].helper {
			root = rootInput(acc.a.origins.Program())
		}
		it = Item{Name: p.text, Input: root, Index: &index, IndexBytes: lebSize(p.index)}
		key.text = p.text
		return it, key
	}
	it.Index = &index
	switch p.kind {
	case KindImports:
		if it.Name == "" || acc.a.origins == nil {
			it.Name, it.Symbol, it.Key, it.Package = importName(m, p.space, p.index), "", "", ""
		}
	case KindCode:
		body := &m.Code[p.index-m.NumImported[wasm.SpaceFunc]]
		for i := range body.Sites {
			if s := &body.Sites[i]; s.Kind.Space() != wasm.SpaceNone {
				it.IndexBytes += int(s.Len)
			}
		}
		if it.Name == "" {
			it.Name = numbered("func", it)
			it.Key = "code " + bodyHash(body)
		}
	case KindData, KindElements:
		if it.Source != nil && it.Instance != "" {
			// What is left of a segment of an input is one item.
			key.index, key.text = int(*it.Source), it.Instance
		}
	}
	switch p.kind {
	case KindData:
		it.IndexBytes = len(m.Datas[p.index].OffsetExpr().Bytes)
		if it.Name == "" && acc.segmentSize(p) < smallSegment {
			// Some compilers write tens of thousands of them.
			it.Name, it.Source = "small segments", nil
			key.index, key.text = -1, it.Instance+it.Input
		} else if it.Name == "" {
			it.Name = numbered("data", it)
			it.Key = "data " + dataHash(&m.Datas[p.index])
		}
	case KindElements:
		e := &m.Elems[p.index]
		for _, f := range e.Funcs {
			it.IndexBytes += lebSize(f)
		}
		if it.Name == "" {
			it.Name = numbered("elem", it)
		}
	default:
		if it.Name == "" {
			it.Name = numbered(p.space.String(), it)
		}
	}
	return it, key
}

// smallSegment is the size in bytes below which data segments without a name
// are one item.
const smallSegment = 512

// dataHash identifies a segment that has no name, by what is in it.
func dataHash(d *wasm.Data) string {
	h := fnv.New64a()
	h.Write(d.Init)
	return hex.EncodeToString(h.Sum(nil))
}

// segmentSize is the size of the segment that a data segment of the output is,
// or is a part of.
func (acc *accountant) segmentSize(p piece) int {
	if acc.a.origins != nil && !acc.modules[p.module].helper && !acc.modules[p.module].foreign {
		if or := acc.a.origins.At(wasm.SpaceData, p.index); or.Kind == linker.OriginInput {
			return len(acc.a.origins.Program().Modules[or.Module].Code.Datas[or.Index].Init)
		}
	}
	return p.size
}

// numbered names what has no name, by its index in its source.
func numbered(what string, it Item) string {
	if it.Source != nil {
		return fmt.Sprintf("%s %d", what, *it.Source)
	}
	return fmt.Sprintf("%s %d", what, *it.Index)
}

func importName(m *wasm.Module, space wasm.Space, index uint32) string {
	n := uint32(0)
	for i := range m.Imports {
		if m.Imports[i].Kind.Space() != space {
			continue
		}
		if n == index {
			return m.Imports[i].Module + "#" + m.Imports[i].Name
		}
		n++
	}
	return ""
}

// lebSize is the number of bytes of an index in its shortest form.
func lebSize(v uint32) int {
	n := 1
	for v >>= 7; v != 0; v >>= 7 {
		n++
	}
	return n
}

// bodyHash identifies a body that has no name: what it does, whatever the
// indices of what it names are in this build.
func bodyHash(body *wasm.Body) string {
	h := fnv.New64a()
	at := uint32(0)
	for i := range body.Sites {
		s := &body.Sites[i]
		if s.Kind.Space() == wasm.SpaceNone || s.Off < at {
			continue
		}
		h.Write(body.Bytes[at:s.Off])
		h.Write([]byte{0xff, byte(s.Kind)})
		at = s.Off + uint32(s.Len)
	}
	h.Write(body.Bytes[at:])
	return hex.EncodeToString(h.Sum(nil))
}

// keepers tells of every item who keeps it and what it keeps.
func (a *Account) keepers(acc *accountant) {
	r := a.reach
	a.nodeOf = make([]int, len(a.Items))
	a.itemOf = make([]int, len(r.items))
	size := make([]int, len(r.items))
	for v := range r.items {
		a.itemOf[v] = -1
		if i, ok := acc.byNode[r.items[v]]; ok {
			a.itemOf[v] = i
			if a.nodeOf[i] == 0 { // the first of several segments
				a.nodeOf[i], size[v] = v, a.Items[i].Bytes
			}
		}
	}
	// The dominated come after their dominators in the order of depth.
	children := make([][]int, len(r.items))
	for v, d := range r.dominator {
		if d >= 0 {
			children[d] = append(children[d], v)
		}
	}
	order := []int{0}
	for i := 0; i < len(order); i++ {
		order = append(order, children[order[i]]...)
	}
	for i := len(order) - 1; i > 0; i-- {
		size[r.dominator[order[i]]] += size[order[i]]
	}
	// up is the next item at or above a node, 0 for the root.
	up := func(v int, parent []int) int {
		for ; v > 0; v = parent[v] {
			if i := a.itemOf[v]; i >= 0 {
				return i + 1
			}
		}
		return 0
	}
	for i := range a.Items {
		v := a.nodeOf[i]
		it := &a.Items[i]
		if v == 0 || r.keeper[v] < 0 {
			continue
		}
		it.Retained = size[v]
		it.Keeper, it.Dominator = up(r.keeper[v], r.keeper), up(r.dominator[v], r.dominator)
		it.Via = r.via[v]
		for k := r.keeper[v]; k > 0 && a.itemOf[k] < 0; k = r.keeper[k] {
			it.Via = r.via[k] + ", " + it.Via
		}
	}
}

// rows sums the items up.
func (a *Account) rows() {
	type key struct{ input, name string }
	sum := func(of func(it *Item) key) []SizeRow {
		index := map[key]int{}
		rows := []SizeRow{}
		for i := range a.Items {
			k := of(&a.Items[i])
			n, ok := index[k]
			if !ok {
				n = len(rows)
				index[k] = n
				rows = append(rows, SizeRow{Name: k.name, Input: k.input})
			}
			rows[n].Bytes += a.Items[i].Bytes
			rows[n].Items++
		}
		slices.SortStableFunc(rows, func(x, y SizeRow) int {
			return cmp.Or(cmp.Compare(y.Bytes, x.Bytes), strings.Compare(x.Input, y.Input), strings.Compare(x.Name, y.Name))
		})
		return rows
	}
	a.ByInput = sum(func(it *Item) key { return key{name: it.Input} })
	a.ByKind = sum(func(it *Item) key { return key{name: it.Kind} })
	a.ByPackage = sum(func(it *Item) key { return key{it.Input, it.Package} })
	a.ByFile = nil
	if slices.ContainsFunc(a.Items, func(it Item) bool { return it.File != "" }) {
		a.ByFile = sum(func(it *Item) key { return key{it.Input, it.File} })
	}
}
