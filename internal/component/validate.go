package component

import (
	"errors"
	"fmt"

	"github.com/wbundle/wbundle/internal/wasm"
)

// Validation of components: what Decode and Check leave open, that is, whether
// every index names something of the right type. A component that passes is
// one that engines accept, as far as its core modules are valid.
//
// The rules are spread over the specification (Explainer.md, Binary.md,
// CanonicalABI.md, Subtyping.md); where these leave room, validation does what
// wasm-tools does, whose verdicts engines share. The files:
//
//   - validate.go walks the definitions in order; each appends its static type
//     to an index space.
//   - validate_types.go has the static types, validate_typedef.go makes them
//     of type definitions, validate_core.go those of the core sorts.
//   - validate_instance.go instantiates components and follows aliases,
//     validate_extern.go does imports and exports, validate_named.go the rule
//     that what they refer to has a name, validate_name.go the names.
//   - validate_canon.go checks lifts, lowers and built-ins, validate_gc.go
//     those of them that pass values as core structs and arrays.
//   - validate_subtype.go compares types, validate_remap.go substitutes in them.

// The limits that wasm-tools and engines put on components, beyond those on
// types. Inputs that exceed one are no use to anybody and costly to look at.
const (
	maxModules     = 1_000
	maxComponents  = 1_000
	maxInstances   = 4_096
	maxValues      = 1_000
	maxTypes       = 1_000_000
	maxFuncs       = 1_000_000
	maxExports     = 1_000_000
	maxArgs        = 100_000
	maxModuleDecls = 100_000
	maxDecls       = 1_000_000
	maxParts       = 10_000 // of a record, variant, tuple or enum
	maxFlags       = 32
	maxParams      = 1_000
	maxListLen     = 1 << 30 // of a fixed-length list
	maxStartArgs   = 1_000
	maxName        = 100_000 // bytes of an import or export name
)

func tooMany(what string, limit int) error {
	return fmt.Errorf("too many %s (the limit is %d)", what, limit)
}

// Validate returns an error unless c is valid: Check, and the static typing
// that Explainer.md prescribes section by section, with Subtyping.md and the
// validation rules of each canonical definition in CanonicalABI.md.
//
// Core decodes an embedded core module; nil stands for wasm.DecodeNoScan. Only
// its types, imports and exports are looked at: whether a core module is valid
// itself is not a question to Validate. Values, and options of proposals that
// Decode knows, are validated too, except that 64-bit memories and resource
// representations, which the canonical ABI is to have later, are refused.
//
// Errors are *wasm.Error with the section and the offset of the definition or
// declaration.
func Validate(c *Component, core func(*CoreModule) (*wasm.Module, error)) error {
	if err := Check(c); err != nil {
		return err
	}
	if core == nil {
		core = func(m *CoreModule) (*wasm.Module, error) { return decodeCore(c.Input, m) }
	}
	v := &validator{
		input:   c.Input,
		decode:  core,
		layouts: map[*ValType]valLayout{},
		named:   map[resourceKey]*Resource{},
		aliases: map[*Resource]uint32{},
	}
	_, err := v.component(c, nil)
	return err
}

// decodeCore decodes a core module, with the offsets of errors counted from the
// start of the component's input.
func decodeCore(input string, m *CoreModule) (*wasm.Module, error) {
	out, err := wasm.DecodeNoScan(input, m.Bytes)
	if e := (*wasm.Error)(nil); errors.As(err, &e) {
		at := *e
		at.Offset += m.Offset()
		return nil, &at
	}
	return out, err
}

// validator is one run over a component.
type validator struct {
	input  string
	decode func(*CoreModule) (*wasm.Module, error)
	core   coreTypes

	layouts map[*ValType]valLayout

	// The resource types: IDs count from 1, and so do the aliases, which tell
	// names of one resource type apart (0: the name it was made with).
	lastResource, lastAlias uint32
	named                   map[resourceKey]*Resource
	aliases                 map[*Resource]uint32

	modules int // core modules and components so far
}

// resourceKey is what a *Resource stands for in validation. Substitution may
// arrive at the same name of the same resource twice; it must find one pointer.
type resourceKey struct{ id, alias uint32 }

func (v *validator) newResource(name string) *Resource {
	v.lastResource++
	return v.resource(resourceKey{id: v.lastResource}, name)
}

// aliasResource is r under a new name.
func (v *validator) aliasResource(r *Resource, name string) *Resource {
	v.lastAlias++
	return v.resource(resourceKey{r.ID, v.lastAlias}, name)
}

// resourceNamedLike is the resource type id under the name that r has.
func (v *validator) resourceNamedLike(r *Resource, id uint32) *Resource {
	return v.resource(resourceKey{id, v.aliases[r]}, r.Name)
}

func (v *validator) resource(key resourceKey, name string) *Resource {
	if r := v.named[key]; r != nil {
		return r
	}
	r := &Resource{ID: key.id, Name: name}
	v.named[key] = r
	v.aliases[r] = key.alias
	return r
}

// scopeKind tells what a staticScope is the scope of.
type scopeKind uint8

const (
	scopeComponent scopeKind = iota
	scopeComponentType
	scopeInstanceType
)

// staticScope has the index spaces of a component, component type or instance
// type, as types. Check has found every index to be within them.
type staticScope struct {
	kind   scopeKind
	parent *staticScope

	coreFuncs     []int // core types in the table
	coreTables    []wasm.TableType
	coreMemories  []wasm.MemType
	coreGlobals   []wasm.GlobalType
	coreTags      []int
	coreTypes     []coreTypeDef
	coreModules   []*moduleType
	coreInstances []*moduleType // only their exports count
	funcs         []*funcType
	values        []staticValue
	types         []anyType
	components    []*componentType
	instances     []*instanceType

	imports, exports externSet

	// The resources by where they come from. A defined one has its
	// representation when the definition stands here, and none when it came
	// with an instance.
	imported resourcePaths
	defined  []uint32
	reps     map[uint32]wasm.ValType
	explicit resourcePaths

	started     bool
	contextType *wasm.ValType // of context.get and context.set
	extent      extent
}

// staticValue is an item of the value index space; it must be used just once.
type staticValue struct {
	typ  *ValType
	used bool
}

func newScope(kind scopeKind, parent *staticScope) *staticScope {
	return &staticScope{kind: kind, parent: parent, extent: oneExtent, reps: map[uint32]wasm.ValType{},
		imports: newExternSet(), exports: newExternSet()}
}

// outer is the scope that is count scopes further out.
func (s *staticScope) outer(count uint32) *staticScope {
	for ; s != nil && count > 0; count-- {
		s = s.parent
	}
	return s
}

// wrap gives an error its place, unless it has one.
func (v *validator) wrap(err error, section SectionID, offset int64) error {
	var e *wasm.Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	return &wasm.Error{Input: v.input, Section: section.String(), Offset: offset, Msg: err.Error()}
}

// component validates c, whose definitions may refer to those of parent, and
// returns its type.
func (v *validator) component(c *Component, parent *staticScope) (*componentType, error) {
	if v.modules++; v.modules > maxModules {
		return nil, v.wrap(tooMany("core modules and components", maxModules), SectionComponent, c.Base)
	}
	s := newScope(scopeComponent, parent)
	for _, d := range c.Defs {
		if err := v.wrap(v.def(s, d), sectionOf(d), d.Offset()); err != nil {
			return nil, err
		}
	}
	for i, value := range s.values {
		if !value.used {
			err := fmt.Errorf("value %d is not used by an instantiation, start function or export", i)
			return nil, v.wrap(err, SectionComponent, c.Base)
		}
	}
	t, err := v.componentTypeOf(s)
	return t, v.wrap(err, SectionComponent, c.Base)
}

// def validates one definition and appends what it defines.
func (v *validator) def(s *staticScope, d Def) error {
	switch d := d.(type) {
	case *CoreModule:
		return v.coreModule(s, d)
	case *CoreInstance:
		t, err := v.coreInstance(s, d)
		if err != nil {
			return err
		}
		s.coreInstances = append(s.coreInstances, t)
		return s.limitInstances()
	case *CoreTypeDef:
		if err := v.coreTypeDefs(s, d); err != nil {
			return err
		}
		return s.limitTypes()
	case *NestedComponent:
		t, err := v.component(d.Component, s)
		if err != nil {
			return err
		}
		s.components = append(s.components, t)
		return s.limitComponents()
	case *Instance:
		t, err := v.instance(s, d)
		if err != nil {
			return err
		}
		s.instances = append(s.instances, t)
		return s.limitInstances()
	case *Alias:
		return v.alias(s, d)
	case *TypeDef:
		return v.typeDef(s, d.Type)
	case *Canon:
		return v.canon(s, d)
	case *Start:
		return v.start(s, d)
	case *Import:
		return v.importDef(s, d)
	case *Export:
		return v.exportDef(s, d)
	}
	return nil
}

func (s *staticScope) limitTypes() error {
	if len(s.types)+len(s.coreTypes) > maxTypes {
		return tooMany("types", maxTypes)
	}
	return nil
}

func (s *staticScope) limitInstances() error {
	if len(s.instances)+len(s.coreInstances) > maxInstances {
		return tooMany("instances", maxInstances)
	}
	return nil
}

func (s *staticScope) limitComponents() error {
	if len(s.components) > maxComponents {
		return tooMany("components", maxComponents)
	}
	return nil
}

func (s *staticScope) limitModules() error {
	if len(s.coreModules) > maxModules {
		return tooMany("core modules", maxModules)
	}
	return nil
}

func (s *staticScope) limitFuncs() error {
	if len(s.funcs)+len(s.coreFuncs) > maxFuncs {
		return tooMany("functions", maxFuncs)
	}
	return nil
}

func (s *staticScope) limitValues() error {
	if len(s.values) > maxValues {
		return tooMany("values", maxValues)
	}
	return nil
}

func (v *validator) coreModule(s *staticScope, d *CoreModule) error {
	if v.modules++; v.modules > maxModules {
		return tooMany("core modules and components", maxModules)
	}
	m, err := v.decode(d)
	if err != nil {
		return err
	}
	t, err := v.moduleTypeOf(m)
	if err != nil {
		return err
	}
	s.coreModules = append(s.coreModules, t)
	return s.limitModules()
}

// start validates a start definition (Explainer.md, "Start Definitions").
func (v *validator) start(s *staticScope, d *Start) error {
	if s.started {
		return fmt.Errorf("component cannot have more than one start function")
	}
	s.started = true
	f := s.funcs[d.Func]
	if len(d.Args) > maxStartArgs {
		return tooMany("arguments of a start function", maxStartArgs)
	}
	if len(d.Args) != len(f.Params) {
		return fmt.Errorf("start function takes %s, but is given %d", count(len(f.Params), "parameter"), len(d.Args))
	}
	results := uint32(0)
	if f.Result != nil {
		results = 1
	}
	if d.Results != results {
		return fmt.Errorf("start function has %s, but %d are expected", count(int(results), "result"), d.Results)
	}
	for i, a := range d.Args {
		t, err := s.useValue(a)
		if err != nil {
			return err
		}
		if err := v.subtyping().val(t, f.Params[i].Type); err != nil {
			return fmt.Errorf("type mismatch for start function argument %d: %w", i, err)
		}
	}
	if f.Result != nil {
		s.values = append(s.values, staticValue{typ: f.Result})
	}
	return nil
}

// useValue consumes a value.
func (s *staticScope) useValue(i uint32) (*ValType, error) {
	value := &s.values[i]
	if value.used {
		return nil, fmt.Errorf("value %d cannot be used more than once", i)
	}
	value.used = true
	return value.typ, nil
}
