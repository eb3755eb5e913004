package component

import (
	"fmt"
	"iter"
)

// The static types that Validate gives to definitions. All are immutable once
// built and shared freely; a pointer is the identity of a type, so that a
// substitution or a comparison visits what many refer to once.
//
// An import or export of a type gives it a new name, and later rules ask
// whether a type was named (see named.go): the same structure under two names
// is two pointers. For a value type that is a shallow copy of ValType. For a
// resource it is another *Resource with the same ID: in validation the ID says
// which resource type it is, the pointer under which name it is known.

// anyType is what the type index space holds: *Resource, *ValType, *funcType,
// *instanceType or *componentType.
type anyType interface{ sortOfType() string }

func (*Resource) sortOfType() string      { return "resource" }
func (*ValType) sortOfType() string       { return "value type" }
func (*funcType) sortOfType() string      { return "function type" }
func (*instanceType) sortOfType() string  { return "instance type" }
func (*componentType) sortOfType() string { return "component type" }

// funcType is the type of a function, with the size the limits count.
type funcType struct {
	FuncType
	extent
}

// instanceType is the type of an instance, or an instance type definition.
type instanceType struct {
	extent
	exports externs
	// defined are the resources that a type definition leaves abstract
	// ((export "r" (type (sub resource)))): each use of the definition makes
	// new ones of them. It is empty in the type of an actual instance, whose
	// resources belong to the component around it.
	defined []uint32
	// explicit says where in exports each resource is exported.
	explicit resourcePaths
}

// componentType is the type of a component: a function from its imports to its
// exports, for all imported resources and with new defined ones each time.
type componentType struct {
	extent
	imports, exports externs
	imported         resourcePaths // in imports
	defined          resourcePaths // in exports
	explicit         resourcePaths // in exports, imported and outer resources included
}

// resourcePaths maps resource IDs to where they are found: the name of an
// import or export, then of an export of that, and so on. It keeps the order
// in which IDs came.
type resourcePaths struct {
	ids   []uint32
	paths map[uint32][]string
}

func (p *resourcePaths) set(id uint32, path []string) {
	if _, ok := p.paths[id]; !ok {
		p.ids = append(p.ids, id)
	}
	if p.paths == nil {
		p.paths = make(map[uint32][]string)
	}
	p.paths[id] = path
}

// externs are imports or exports in order.
type externs struct {
	names []string
	items []entity
	index map[string]int
}

func (x *externs) get(name string) (entity, bool) {
	i, ok := x.index[name]
	if !ok {
		return entity{}, false
	}
	return x.items[i], true
}

// add reports whether name is new.
func (x *externs) add(name string, e entity) bool {
	if _, dup := x.index[name]; dup {
		return false
	}
	if x.index == nil {
		x.index = make(map[string]int)
	}
	x.index[name] = len(x.items)
	x.names = append(x.names, name)
	x.items = append(x.items, e)
	return true
}

// withItems is x with other items under the same names.
func (x *externs) withItems(items []entity) externs {
	return externs{names: x.names, items: items, index: x.index}
}

// entity is the type of something that can be imported and exported.
type entity struct {
	sort   Sort
	module *moduleType    // SortCoreModule
	fn     *funcType      // SortFunc
	val    *ValType       // SortValue
	inst   *instanceType  // SortInstance
	comp   *componentType // SortComponent
	// SortType: created is the type under the name of the import or export,
	// referenced the one it was given as. They are the same where the import
	// or export makes up a new resource type.
	created, referenced anyType
}

// extentOf is the part of an entity in the extent of what has it.
func (v *validator) extentOf(e entity) extent {
	switch e.sort {
	case SortCoreModule:
		return e.module.extent
	case SortFunc:
		return e.fn.extent
	case SortValue:
		return v.layoutOf(e.val).extent
	case SortInstance:
		return e.inst.extent
	case SortComponent:
		return e.comp.extent
	case SortType:
		switch t := e.referenced.(type) {
		case *ValType:
			return v.layoutOf(t).extent
		case *funcType:
			return t.extent
		case *instanceType:
			return t.extent
		case *componentType:
			return t.extent
		}
	}
	return oneExtent
}

// The limits that wasm-tools and engines have on types.
const (
	// maxTypeExtent bounds the nodes of a type written out as a tree. Types
	// are DAGs that can be exponentially larger than their definitions; with
	// the bound, work that follows every path ends.
	maxTypeExtent = 1_000_000
	// maxValueSize bounds the bytes of a value in a 64-bit memory.
	maxValueSize = 1 << 28
)

// extent is the size and depth of a type written out as a tree.
type extent struct{ size, depth uint32 }

var oneExtent = extent{1, 1}

// add makes o a part of the type that x is of.
func (x *extent) add(o extent) error {
	x.depth = max(x.depth, o.depth+1)
	if x.depth > MaxTypeDepth {
		return fmt.Errorf("type nests more than %d deep", MaxTypeDepth)
	}
	x.size += o.size
	if x.size >= maxTypeExtent {
		return fmt.Errorf("type has more than %d parts", maxTypeExtent)
	}
	return nil
}

// valLayout is what the limits count about a value type. Sizes are those of a
// 64-bit memory, so that a type does not become too large by moving there.
type valLayout struct {
	extent
	bytes, align uint64
}

// layoutOf is the layout of a type whose parts are within the limits.
func (v *validator) layoutOf(t *ValType) valLayout {
	if l, ok := v.layouts[t]; ok {
		return l
	}
	l, err := v.newLayout(t)
	if err != nil {
		// Only types that passed checkLayout, and substitutions in them, are
		// asked about, and a substitution replaces a type by one like it.
		l.extent = oneExtent
	}
	return l
}

// checkLayout returns an error if t, whose parts are within the limits, is not.
func (v *validator) checkLayout(t *ValType) error {
	_, err := v.newLayout(t)
	return err
}

func (v *validator) newLayout(t *ValType) (valLayout, error) {
	l := valLayout{extent: oneExtent, bytes: uint64(t.size), align: uint64(t.align)}
	if t.Kind == KindString || t.Kind == KindList || t.Kind == KindMap {
		l.bytes, l.align = 16, 8
	}
	if t.Kind.IsPrimitive() {
		return l, nil
	}
	for p := range valParts(t) {
		if err := l.add(v.layoutOf(p).extent); err != nil {
			return l, err
		}
	}
	grow := func(bytes, align uint64) { l.bytes, l.align = bytes, align }
	switch t.Kind {
	case KindRecord, KindTuple:
		grow(0, 1)
		for _, f := range t.Fields {
			p := v.layoutOf(f.Type)
			grow((l.bytes+p.align-1)&^(p.align-1)+p.bytes, max(l.align, p.align))
		}
	case KindVariant, KindOption, KindResult:
		var bytes uint64
		align := uint64(1)
		for _, c := range t.cases {
			if c.Type != nil {
				p := v.layoutOf(c.Type)
				bytes, align = max(bytes, p.bytes), max(align, p.align)
			}
		}
		disc := uint64(t.disc)
		grow((disc+align-1)&^(align-1)+bytes, max(disc, align))
	case KindFixedList:
		p := v.layoutOf(t.Elem)
		grow(p.bytes*uint64(t.Len), p.align)
	}
	l.bytes = (l.bytes + l.align - 1) &^ (l.align - 1)
	if l.bytes >= maxValueSize {
		return l, fmt.Errorf("values of type `%s` take more than %d MiB in memory", t, maxValueSize>>20)
	}
	v.layouts[t] = l
	return l, nil
}

// valParts are the value types that t is made of.
func valParts(t *ValType) iter.Seq[*ValType] {
	return func(yield func(*ValType) bool) {
		for _, f := range t.Fields {
			if !yield(f.Type) {
				return
			}
		}
		for _, c := range t.Cases {
			if c.Type != nil && !yield(c.Type) {
				return
			}
		}
		for _, p := range [...]*ValType{t.Key, t.Elem, t.Ok, t.Err} {
			if p != nil && !yield(p) {
				return
			}
		}
	}
}
