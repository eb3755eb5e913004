package component

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/wasm"
)

// Subtyping (Subtyping.md): what may be passed for an import, and which type
// an export may be given. As in engines, value and function types must be
// equal; instances may export more than is asked for, modules and components
// may import less and export more.

// subtyping is one question about two types and those that follow from it.
// A pair found to hold is remembered, because types are DAGs.
type subtyping struct {
	v     *validator
	holds map[[2]anyType]struct{}
}

func (v *validator) subtyping() *subtyping {
	return &subtyping{v: v, holds: map[[2]anyType]struct{}{}}
}

// once makes check at most once for a pair of types.
func (s *subtyping) once(a, b anyType, check func() error) error {
	pair := [2]anyType{a, b}
	if _, ok := s.holds[pair]; ok || a == b {
		return nil
	}
	if err := check(); err != nil {
		return err
	}
	s.holds[pair] = struct{}{}
	return nil
}

// entity returns an error unless something of type a can be used as one of
// type b. The same holds for the other methods.
func (s *subtyping) entity(a, b entity) error {
	if a.sort != b.sort {
		return fmt.Errorf("expected %s, found %s", b.sort, a.sort)
	}
	switch a.sort {
	case SortCoreModule:
		return s.module(a.module, b.module)
	case SortFunc:
		return s.fn(a.fn, b.fn)
	case SortValue:
		return s.val(a.val, b.val)
	case SortInstance:
		return s.instance(a.inst, b.inst)
	case SortComponent:
		return s.component(a.comp, b.comp)
	}
	return s.any(a.referenced, b.referenced)
}

func (s *subtyping) any(a, b anyType) error {
	switch a := a.(type) {
	case *Resource:
		if b, ok := b.(*Resource); ok {
			return sameResource(a, b)
		}
	case *ValType:
		if b, ok := b.(*ValType); ok {
			return s.val(a, b)
		}
	case *funcType:
		if b, ok := b.(*funcType); ok {
			return s.fn(a, b)
		}
	case *instanceType:
		if b, ok := b.(*instanceType); ok {
			return s.instance(a, b)
		}
	case *componentType:
		if b, ok := b.(*componentType); ok {
			return s.component(a, b)
		}
	}
	return fmt.Errorf("expected %s, found %s", b.sortOfType(), a.sortOfType())
}

func sameResource(a, b *Resource) error {
	if a.ID == b.ID {
		return nil
	}
	if a.name() != b.name() {
		return fmt.Errorf("resource types are not the same: expected `%s`, found `%s`", b.name(), a.name())
	}
	return fmt.Errorf("resource types are not the same: two different ones are named `%s`", a.name())
}

func (s *subtyping) val(a, b *ValType) error {
	if a == nil || b == nil {
		if a == b {
			return nil
		}
		return fmt.Errorf("expected %s, found %s", quoted(b), quoted(a))
	}
	if a.Kind != b.Kind {
		return fmt.Errorf("expected %s, found %s", quoted(b), quoted(a))
	}
	if a.Kind.IsPrimitive() {
		return nil
	}
	return s.once(a, b, func() error { return s.valParts(a, b) })
}

// valParts compares two types of one kind.
func (s *subtyping) valParts(a, b *ValType) error {
	if a.Resource != nil || b.Resource != nil {
		return sameResource(a.Resource, b.Resource)
	}
	if len(a.Fields) != len(b.Fields) || len(a.Cases) != len(b.Cases) || len(a.Labels) != len(b.Labels) || a.Len != b.Len {
		return fmt.Errorf("expected %s, found %s", quoted(b), quoted(a))
	}
	for i, f := range a.Fields {
		g := b.Fields[i]
		if f.Name != g.Name {
			return fmt.Errorf("expected field `%s`, found `%s`", g.Name, f.Name)
		}
		if err := s.val(f.Type, g.Type); err != nil {
			return fmt.Errorf("%s field %d: %w", a.Kind, i, err)
		}
	}
	for i, c := range a.Cases {
		d := b.Cases[i]
		if c.Name != d.Name {
			return fmt.Errorf("expected case `%s`, found `%s`", d.Name, c.Name)
		}
		if err := s.val(c.Type, d.Type); err != nil {
			return fmt.Errorf("case `%s`: %w", c.Name, err)
		}
	}
	for i, l := range a.Labels {
		if l != b.Labels[i] {
			return fmt.Errorf("expected `%s` in %s, found `%s`", b.Labels[i], a.Kind, l)
		}
	}
	for _, p := range [...][2]*ValType{{a.Key, b.Key}, {a.Elem, b.Elem}, {a.Ok, b.Ok}, {a.Err, b.Err}} {
		if err := s.val(p[0], p[1]); err != nil {
			return fmt.Errorf("in %s: %w", a.Kind, err)
		}
	}
	return nil
}

func (s *subtyping) fn(a, b *funcType) error {
	return s.once(a, b, func() error {
		if a.Async != b.Async {
			return fmt.Errorf("expected %s function, found %s one", asyncness(b), asyncness(a))
		}
		if len(a.Params) != len(b.Params) {
			return fmt.Errorf("expected %s, found %d", count(len(b.Params), "parameter"), len(a.Params))
		}
		for i, p := range a.Params {
			q := b.Params[i]
			if p.Name != q.Name {
				return fmt.Errorf("expected parameter `%s`, found `%s`", q.Name, p.Name)
			}
			if err := s.val(p.Type, q.Type); err != nil {
				return fmt.Errorf("parameter `%s`: %w", p.Name, err)
			}
		}
		if err := s.val(a.Result, b.Result); err != nil {
			return fmt.Errorf("function result: %w", err)
		}
		return nil
	})
}

func asyncness(f *funcType) string {
	if f.Async {
		return "an async"
	}
	return "a synchronous"
}

func (s *subtyping) instance(a, b *instanceType) error {
	return s.once(a, b, func() error {
		for i, name := range b.exports.names {
			have, ok := a.exports.get(name)
			if !ok {
				return fmt.Errorf("missing expected export `%s`", name)
			}
			if err := s.entity(have, b.exports.items[i]); err != nil {
				return fmt.Errorf("type mismatch in instance export `%s`: %w", name, err)
			}
		}
		return nil
	})
}

// component checks a <: b the way a linker would use a: the imports of b are
// all that a will be given, so they must satisfy the imports of a; then the
// exports of a, with what was given put in, must satisfy the exports of b.
func (s *subtyping) component(a, b *componentType) error {
	return s.once(a, b, func() error {
		given, err := s.open(&b.imports, &a.imports, &a.imported, "import")
		if err != nil {
			return err
		}
		exports, _ := given.externs(&a.exports)
		_, err = s.open(&exports, &b.exports, &b.defined, "export")
		return err
	})
}

// open checks that given satisfies wanted, in which the resources that are
// introduced there (at the paths of resources) stand for whatever given has in
// their place. It returns the substitution for types in terms of wanted.
func (s *subtyping) open(given, wanted *externs, resources *resourcePaths, what string) (*remapping, error) {
	m := s.v.newRemapping()
	for _, id := range resources.ids {
		// Where given has no resource at the path, the comparison below says so.
		if r, ok := lookUp(given, resources.paths[id]).(*Resource); ok {
			m.resources[id] = r.ID
		}
	}
	for i, name := range wanted.names {
		have, ok := given.get(name)
		if !ok {
			return nil, fmt.Errorf("missing %s named `%s`", what, name)
		}
		if err := s.entity(have, m.entity(wanted.items[i])); err != nil {
			return nil, fmt.Errorf("type mismatch for %s `%s`: %w", what, name, err)
		}
	}
	// Types that wanted has under a name are those of given from here on.
	m.types = map[anyType]anyType{}
	seen := map[[2]*instanceType]struct{}{}
	for i, name := range wanted.names {
		have, _ := given.get(name)
		m.rename(wanted.items[i], have, seen)
	}
	return m, nil
}

// rename records what became of the types that wanted names.
func (m *remapping) rename(wanted, have entity, seen map[[2]*instanceType]struct{}) {
	switch wanted.sort {
	case SortType:
		m.types[wanted.created] = have.created
	case SortInstance:
		pair := [2]*instanceType{wanted.inst, have.inst}
		if _, ok := seen[pair]; ok {
			return
		}
		seen[pair] = struct{}{}
		for i, name := range wanted.inst.exports.names {
			e, _ := have.inst.exports.get(name)
			m.rename(wanted.inst.exports.items[i], e, seen)
		}
	}
}

// lookUp follows a path of names through instances, to a type.
func lookUp(x *externs, path []string) anyType {
	for i, name := range path {
		e, ok := x.get(name)
		switch {
		case !ok:
			return nil
		case i == len(path)-1:
			return e.created
		case e.inst == nil:
			return nil
		}
		x = &e.inst.exports
	}
	return nil
}

func (s *subtyping) module(a, b *moduleType) error {
	if a == b {
		return nil
	}
	for i, name := range a.importNames {
		have, ok := b.importOf(name)
		if !ok {
			return fmt.Errorf("missing expected import `%s::%s`", name[0], name[1])
		}
		if err := s.v.coreMatch(have, a.imports[i]); err != nil {
			return fmt.Errorf("type mismatch in import `%s::%s`: %w", name[0], name[1], err)
		}
	}
	for i, name := range b.exportNames {
		have, ok := a.exportOf(name)
		if !ok {
			return fmt.Errorf("missing expected export `%s`", name)
		}
		if err := s.v.coreMatch(have, b.exports[i]); err != nil {
			return fmt.Errorf("type mismatch in export `%s`: %w", name, err)
		}
	}
	return nil
}

// coreMatch returns an error unless a can be given where b is imported
// (core specification, "Import matching").
func (v *validator) coreMatch(a, b coreExtern) error {
	if a.kind != b.kind {
		return fmt.Errorf("expected %s, found %s", b.kind, a.kind)
	}
	switch a.kind {
	case wasm.ExternFunc:
		if !v.core.isSubtype(a.typ, b.typ) {
			return fmt.Errorf("expected %s, found %s", v.core.text(b.typ), v.core.text(a.typ))
		}
	case wasm.ExternTag:
		if a.typ != b.typ {
			return fmt.Errorf("expected tag %s, found %s", v.core.text(b.typ), v.core.text(a.typ))
		}
	case wasm.ExternTable:
		return tableMatch(a.table, b.table)
	case wasm.ExternMemory:
		return memoryMatch(a.memory, b.memory)
	case wasm.ExternGlobal:
		x, y := a.global, b.global
		if x.Mutable != y.Mutable {
			return fmt.Errorf("global types differ in mutability")
		}
		if x.Shared != y.Shared {
			return fmt.Errorf("mismatch in the shared flag of globals")
		}
		if !v.core.valMatch(x.Type, y.Type) || y.Mutable && !v.core.valMatch(y.Type, x.Type) {
			return fmt.Errorf("expected global of type %s, found %s", y.Type, x.Type)
		}
	}
	return nil
}

func tableMatch(a, b wasm.TableType) error {
	switch {
	case a.Elem != b.Elem:
		return fmt.Errorf("expected table of %s, found %s", b.Elem, a.Elem)
	case a.Shared != b.Shared:
		return fmt.Errorf("mismatch in the shared flag of tables")
	case a.Is64 != b.Is64:
		return fmt.Errorf("mismatch in the index type of tables")
	}
	return limitsMatch("table", a.Limits, b.Limits)
}

func memoryMatch(a, b wasm.MemType) error {
	switch {
	case a.Shared != b.Shared:
		return fmt.Errorf("mismatch in the shared flag of memories")
	case a.Is64 != b.Is64:
		return fmt.Errorf("mismatch in the index type of memories")
	case a.PageSize() != b.PageSize():
		return fmt.Errorf("mismatch in the page size of memories")
	}
	return limitsMatch("memory", a.Limits, b.Limits)
}

func limitsMatch(what string, a, b wasm.Limits) error {
	switch {
	case a.Min < b.Min:
		return fmt.Errorf("%s limits: at least %d expected, %d found", what, b.Min, a.Min)
	case b.HasMax && !a.HasMax:
		return fmt.Errorf("%s limits: at most %d expected, found no maximum", what, b.Max)
	case b.HasMax && a.Max > b.Max:
		return fmt.Errorf("%s limits: at most %d expected, %d found", what, b.Max, a.Max)
	}
	return nil
}
