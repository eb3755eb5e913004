package component

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wbundle/wbundle/internal/wasm"
)

// Core types and core modules as validation sees them.
//
// Two core types are the same when their recursion groups have the same
// structure, in whatever module they stand (core specification, "Type
// equivalence"). So every group is entered in one table for the whole
// component, by a key in which references out of the group are table indices
// and references within it are relative; from then on types are compared as
// numbers.

// coreTypes is the table. In the types it holds, Supers and the heap types of
// references are indices into the table.
type coreTypes struct {
	types []wasm.SubType
	byKey map[string]int // the first type of each group
}

// coreSpace is the type index space of a module, module type or component.
type coreSpace interface {
	// coreType is the table index of the core type with an index, false when
	// there is no core type at it.
	coreType(index uint32) (int, bool)
}

// coreIDs is the type index space of a module or module type.
type coreIDs []int

func (s coreIDs) coreType(i uint32) (int, bool) {
	if uint64(i) >= uint64(len(s)) {
		return 0, false
	}
	return s[i], true
}

// addGroup enters a recursion group whose first member has index base in
// space, and returns the table index of its first member.
func (t *coreTypes) addGroup(group []wasm.SubType, base uint32, space coreSpace) (int, error) {
	first := len(t.types)
	var key strings.Builder
	// local says which member of the group an index is.
	local := func(index uint32) (int, bool) {
		if index < base || uint64(index) >= uint64(base)+uint64(len(group)) {
			return 0, false
		}
		return int(index - base), true
	}
	resolve := func(index uint32) (int, error) {
		if i, ok := local(index); ok {
			fmt.Fprintf(&key, "$%d,", i)
			return first + i, nil
		}
		id, ok := space.coreType(index)
		if !ok {
			return 0, fmt.Errorf("core type index %d is not a core type", index)
		}
		fmt.Fprintf(&key, "%d,", id)
		return id, nil
	}
	val := func(v wasm.ValType) (wasm.ValType, error) {
		fmt.Fprintf(&key, "%d%t", v.Kind, v.Nullable)
		if v.Kind != wasm.KindRef || v.Heap < 0 {
			fmt.Fprintf(&key, "%d ", v.Heap)
			return v, nil
		}
		id, err := resolve(uint32(v.Heap))
		v.Heap = wasm.HeapType(id)
		return v, err
	}
	vals := func(vs []wasm.ValType) ([]wasm.ValType, error) {
		out := make([]wasm.ValType, len(vs))
		for i, v := range vs {
			var err error
			if out[i], err = val(v); err != nil {
				return nil, err
			}
		}
		key.WriteByte(';')
		return out, nil
	}
	out := make([]wasm.SubType, len(group))
	for i, sub := range group {
		fmt.Fprintf(&key, "(%d %t ", sub.Kind, sub.Final)
		supers := make([]uint32, 0, len(sub.Supers))
		for _, super := range sub.Supers {
			if j, ok := local(super); ok && j >= i {
				return 0, fmt.Errorf("supertype %d must be defined before its subtypes", super)
			}
			id, err := resolve(super)
			if err != nil {
				return 0, err
			}
			supers = append(supers, uint32(id))
		}
		key.WriteByte(':')
		sub.Supers, sub.Short = supers, false
		var err error
		if sub.Params, err = vals(sub.Params); err != nil {
			return 0, err
		}
		if sub.Results, err = vals(sub.Results); err != nil {
			return 0, err
		}
		fields := make([]wasm.Field, len(sub.Fields))
		for j, f := range sub.Fields {
			if f.Type, err = val(f.Type); err != nil {
				return 0, err
			}
			fmt.Fprintf(&key, "%t ", f.Mutable)
			fields[j] = f
		}
		sub.Fields = fields
		key.WriteByte(')')
		out[i] = sub
	}
	k := key.String()
	if len(group) == 0 {
		return first, nil
	}
	if id, ok := t.byKey[k]; ok {
		return id, nil
	}
	if t.byKey == nil {
		t.byKey = make(map[string]int)
	}
	t.byKey[k] = first
	t.types = append(t.types, out...)
	for i := range out {
		if err := t.checkSupers(&out[i]); err != nil {
			return 0, err
		}
	}
	return first, nil
}

// addFunc enters a function type without references to other types.
func (t *coreTypes) addFunc(params, results []wasm.ValType) int {
	id, err := t.addGroup([]wasm.SubType{{Kind: wasm.CompFunc, Final: true, Params: params, Results: results}}, 0, coreIDs(nil))
	if err != nil {
		panic("component: core function type with references: " + err.Error())
	}
	return id
}

// checkSupers returns an error unless t may be declared a subtype of its
// supertype.
func (t *coreTypes) checkSupers(sub *wasm.SubType) error {
	if len(sub.Supers) == 0 {
		return nil
	}
	super := &t.types[sub.Supers[0]]
	if super.Final {
		return fmt.Errorf("a core type cannot be a subtype of a final type")
	}
	ok := sub.Kind == super.Kind
	switch {
	case !ok:
	case sub.Kind == wasm.CompFunc:
		ok = t.allMatch(super.Params, sub.Params) && t.allMatch(sub.Results, super.Results)
	default:
		ok = len(sub.Fields) >= len(super.Fields)
		for i := 0; ok && i < len(super.Fields); i++ {
			f, g := sub.Fields[i], super.Fields[i]
			ok = f.Mutable == g.Mutable && t.valMatch(f.Type, g.Type) && (!f.Mutable || t.valMatch(g.Type, f.Type))
		}
	}
	if !ok {
		return fmt.Errorf("core type does not match the supertype it declares")
	}
	return nil
}

func (t *coreTypes) allMatch(a, b []wasm.ValType) bool {
	return slices.EqualFunc(a, b, t.valMatch)
}

// isSubtype reports whether a is b or declared a subtype of it.
func (t *coreTypes) isSubtype(a, b int) bool {
	for a != b {
		s := t.types[a].Supers
		if len(s) == 0 {
			return false
		}
		a = int(s[0]) // smaller than a, or of the same group and before it
	}
	return true
}

// valMatch reports whether a is a subtype of b (core specification, "Value types").
func (t *coreTypes) valMatch(a, b wasm.ValType) bool {
	if a == b {
		return true
	}
	return a.Kind == wasm.KindRef && b.Kind == wasm.KindRef && (!a.Nullable || b.Nullable) && t.heapMatch(a.Heap, b.Heap)
}

func (t *coreTypes) heapMatch(a, b wasm.HeapType) bool {
	switch {
	case a == b:
		return true
	case a >= 0 && b >= 0:
		return t.isSubtype(int(a), int(b))
	case b >= 0:
		if t.types[b].Kind == wasm.CompFunc {
			return a == wasm.HeapNoFunc
		}
		return a == wasm.HeapNone
	case a >= 0:
		switch t.types[a].Kind {
		case wasm.CompFunc:
			a = wasm.HeapFunc
		case wasm.CompStruct:
			a = wasm.HeapStruct
		case wasm.CompArray:
			a = wasm.HeapArray
		}
		return a == b || t.heapMatch(a, b)
	}
	switch a {
	case wasm.HeapNoFunc:
		return b == wasm.HeapFunc
	case wasm.HeapNoExtern:
		return b == wasm.HeapExtern
	case wasm.HeapNoExn:
		return b == wasm.HeapExn
	case wasm.HeapNone:
		return b == wasm.HeapAny || b == wasm.HeapEq || b == wasm.HeapI31 || b == wasm.HeapStruct || b == wasm.HeapArray
	case wasm.HeapI31, wasm.HeapStruct, wasm.HeapArray:
		return b == wasm.HeapAny || b == wasm.HeapEq
	case wasm.HeapEq:
		return b == wasm.HeapAny
	}
	return false
}

// text writes a function type for errors.
func (t *coreTypes) text(id int) string {
	sub := &t.types[id]
	if sub.Kind != wasm.CompFunc {
		return "a core type that is no function"
	}
	return "core function " + sigText(sub.Params, sub.Results)
}

func sigText(params, results []wasm.ValType) string {
	return fmt.Sprintf("(%s) -> (%s)", typesText(params), typesText(results))
}

func typesText(ts []wasm.ValType) string {
	out := make([]string, len(ts))
	for i, t := range ts {
		out[i] = t.String()
	}
	return strings.Join(out, " ")
}

// coreExtern is the type of something a core module can import or export.
type coreExtern struct {
	kind   wasm.ExternKind
	typ    int // ExternFunc, ExternTag: in the table
	table  wasm.TableType
	memory wasm.MemType
	global wasm.GlobalType
}

// moduleType is the type of a core module, or a module type definition.
type moduleType struct {
	extent
	importNames [][2]string
	imports     []coreExtern
	importIndex map[[2]string]int
	exportNames []string
	exports     []coreExtern
	exportIndex map[string]int
}

func (m *moduleType) importOf(name [2]string) (coreExtern, bool) {
	i, ok := m.importIndex[name]
	if !ok {
		return coreExtern{}, false
	}
	return m.imports[i], true
}

func (m *moduleType) exportOf(name string) (coreExtern, bool) {
	i, ok := m.exportIndex[name]
	if !ok {
		return coreExtern{}, false
	}
	return m.exports[i], true
}

// addImport adds an import. That their names are unique is a rule of the
// component model alone.
func (m *moduleType) addImport(module, name string, e coreExtern, x extent) error {
	key := [2]string{module, name}
	if _, dup := m.importIndex[key]; dup {
		return fmt.Errorf("module has a duplicate import `%s::%s`, which is not allowed in components", module, name)
	}
	if m.importIndex == nil {
		m.importIndex = make(map[[2]string]int)
	}
	m.importIndex[key] = len(m.imports)
	m.importNames = append(m.importNames, key)
	m.imports = append(m.imports, e)
	return m.grow(x)
}

func (m *moduleType) addExport(name string, e coreExtern, x extent) error {
	if _, dup := m.exportIndex[name]; dup {
		return fmt.Errorf("duplicate export name `%s`", name)
	}
	if m.exportIndex == nil {
		m.exportIndex = make(map[string]int)
	}
	m.exportIndex[name] = len(m.exports)
	m.exportNames = append(m.exportNames, name)
	m.exports = append(m.exports, e)
	return m.grow(x)
}

// grow counts an import or export; a module is not deeper than its parts.
func (m *moduleType) grow(x extent) error {
	err := m.add(x)
	m.depth = 1
	return err
}

// coreExtent is the extent of the type of a core import or export.
func (v *validator) coreExtent(e coreExtern) extent {
	if e.kind != wasm.ExternFunc && e.kind != wasm.ExternTag {
		return oneExtent
	}
	t := &v.core.types[e.typ]
	return extent{uint32(1 + len(t.Params) + len(t.Results)), 1}
}

// coreExternOf translates the type of an import, whose type indices are those
// of space.
func (v *validator) coreExternOf(imp *wasm.Import, space coreSpace) (coreExtern, error) {
	e := coreExtern{kind: imp.Kind}
	var err error
	switch imp.Kind {
	case wasm.ExternFunc, wasm.ExternTag:
		id, ok := space.coreType(imp.TypeIndex)
		if !ok || v.core.types[id].Kind != wasm.CompFunc {
			return e, fmt.Errorf("core type index %d is not a function type", imp.TypeIndex)
		}
		if imp.Kind == wasm.ExternTag && len(v.core.types[id].Results) > 0 {
			return e, fmt.Errorf("invalid exception type: non-empty tag result type")
		}
		e.typ = id
	case wasm.ExternTable:
		e.table = imp.Table
		e.table.Elem, err = coreVal(imp.Table.Elem, space)
	case wasm.ExternMemory:
		e.memory = imp.Memory
	case wasm.ExternGlobal:
		e.global = imp.Global
		e.global.Type, err = coreVal(imp.Global.Type, space)
	}
	return e, err
}

// coreVal replaces the type index of a reference by that in the table.
func coreVal(t wasm.ValType, space coreSpace) (wasm.ValType, error) {
	if t.Kind != wasm.KindRef || t.Heap < 0 {
		return t, nil
	}
	id, ok := space.coreType(uint32(t.Heap))
	if !ok {
		return t, fmt.Errorf("core type index %d is not a core type", t.Heap)
	}
	t.Heap = wasm.HeapType(id)
	return t, nil
}

// moduleTypeOf is the type of a decoded module.
func (v *validator) moduleTypeOf(m *wasm.Module) (*moduleType, error) {
	ids := make(coreIDs, 0, len(m.Types))
	for _, g := range m.RecGroups {
		first, err := v.core.addGroup(m.Types[g.Start:g.Start+g.Count], g.Start, ids)
		if err != nil {
			return nil, err
		}
		for i := range g.Count {
			ids = append(ids, first+int(i))
		}
	}
	t := &moduleType{extent: oneExtent}
	var imported [wasm.SpaceElem + 1][]coreExtern
	for i := range m.Imports {
		imp := &m.Imports[i]
		e, err := v.coreExternOf(imp, ids)
		if err != nil {
			return nil, err
		}
		space := imp.Kind.Space()
		imported[space] = append(imported[space], e)
		if err := t.addImport(imp.Module, imp.Name, e, v.coreExtent(e)); err != nil {
			return nil, err
		}
	}
	// Definitions that are not exported do not matter to others.
	for _, x := range m.Exports {
		space := x.Kind.Space()
		if x.Index >= m.Count(space) {
			return nil, fmt.Errorf("export `%s`: %s index %d out of range", x.Name, x.Kind, x.Index)
		}
		var e coreExtern
		if n := uint32(len(imported[space])); x.Index < n {
			e = imported[space][x.Index]
		} else {
			def := definedExtern(m, x.Kind, x.Index-n)
			var err error
			if e, err = v.coreExternOf(&def, ids); err != nil {
				return nil, err
			}
		}
		if err := t.addExport(x.Name, e, v.coreExtent(e)); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// definedExtern describes definition i of m, as an import would.
func definedExtern(m *wasm.Module, kind wasm.ExternKind, i uint32) wasm.Import {
	d := wasm.Import{Kind: kind}
	switch kind {
	case wasm.ExternFunc:
		d.TypeIndex = m.Funcs[i]
	case wasm.ExternTable:
		d.Table = m.Tables[i].TableType
	case wasm.ExternMemory:
		d.Memory = m.Memories[i]
	case wasm.ExternGlobal:
		d.Global = m.Globals[i].GlobalType
	case wasm.ExternTag:
		d.TypeIndex = m.Tags[i]
	}
	return d
}

// coreTypeDef is an entry of the core type index space of a component: a
// module type, or the table index of a core type.
type coreTypeDef struct {
	module *moduleType
	id     int
}

// coreType implements coreSpace for the scope of a component or type.
func (s *staticScope) coreType(i uint32) (int, bool) {
	if uint64(i) >= uint64(len(s.coreTypes)) || s.coreTypes[i].module != nil {
		return 0, false
	}
	return s.coreTypes[i].id, true
}

// coreTypeDefs appends what a core type definition defines.
func (v *validator) coreTypeDefs(s *staticScope, d *CoreTypeDef) error {
	if d.Module != nil {
		m, err := v.moduleTypeDef(s, d.Module)
		if err != nil {
			return err
		}
		s.coreTypes = append(s.coreTypes, coreTypeDef{module: m})
		return nil
	}
	first, err := v.core.addGroup(d.Types, uint32(len(s.coreTypes)), s)
	if err != nil {
		return err
	}
	for i := range d.Types {
		s.coreTypes = append(s.coreTypes, coreTypeDef{id: first + i})
	}
	return nil
}

// moduleTypeDef is the type that a module type definition stands for.
func (v *validator) moduleTypeDef(s *staticScope, def *ModuleType) (*moduleType, error) {
	if len(def.Decls) > maxModuleDecls {
		return nil, tooMany("declarations in a module type", maxModuleDecls)
	}
	t := &moduleType{extent: oneExtent}
	var ids coreIDs
	for _, d := range def.Decls {
		switch {
		case d.Type != nil:
			first, err := v.core.addGroup(d.Type.Types, uint32(len(ids)), ids)
			if err != nil {
				return nil, err
			}
			for i := range d.Type.Types {
				ids = append(ids, first+i)
			}
		case d.Alias != nil:
			// The module type is a scope itself: count 0 is its own types.
			var space coreSpace = ids
			if d.Alias.Count > 0 {
				space = s.outer(d.Alias.Count - 1)
			}
			id, ok := space.coreType(d.Alias.Index)
			if !ok {
				return nil, fmt.Errorf("alias to core type %d, which is not a core type", d.Alias.Index)
			}
			ids = append(ids, id)
		case d.Import != nil:
			e, err := v.coreExternOf(d.Import, ids)
			if err != nil {
				return nil, err
			}
			if err := t.addImport(d.Import.Module, d.Import.Name, e, v.coreExtent(e)); err != nil {
				return nil, err
			}
		case d.Export != nil:
			e, err := v.coreExternOf(&d.Export.Desc, ids)
			if err != nil {
				return nil, err
			}
			if err := t.addExport(d.Export.Name, e, v.coreExtent(e)); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// coreInstance is the type of a core instance: its exports.
func (v *validator) coreInstance(s *staticScope, d *CoreInstance) (*moduleType, error) {
	if len(d.Args) > maxArgs || len(d.Exports) > maxArgs {
		return nil, tooMany("arguments or exports of a core instance", maxArgs)
	}
	if !d.Instantiate {
		out := &moduleType{extent: oneExtent}
		for _, x := range d.Exports {
			e := coreExtern{}
			switch x.Sort {
			case SortCoreFunc:
				e = coreExtern{kind: wasm.ExternFunc, typ: s.coreFuncs[x.Index]}
			case SortCoreTable:
				e = coreExtern{kind: wasm.ExternTable, table: s.coreTables[x.Index]}
			case SortCoreMemory:
				e = coreExtern{kind: wasm.ExternMemory, memory: s.coreMemories[x.Index]}
			case SortCoreGlobal:
				e = coreExtern{kind: wasm.ExternGlobal, global: s.coreGlobals[x.Index]}
			case SortCoreTag:
				e = coreExtern{kind: wasm.ExternTag, typ: s.coreTags[x.Index]}
			default:
				return nil, fmt.Errorf("a core instance cannot export a %s", x.Sort)
			}
			if err := out.addExport(x.Name, e, v.coreExtent(e)); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	module := s.coreModules[d.Module]
	args := make(map[string]*moduleType, len(d.Args))
	for _, a := range d.Args {
		if args[a.Name] != nil {
			return nil, fmt.Errorf("duplicate module instantiation argument named `%s`", a.Name)
		}
		args[a.Name] = s.coreInstances[a.Instance]
	}
	for i, name := range module.importNames {
		arg := args[name[0]]
		if arg == nil {
			return nil, fmt.Errorf("missing module instantiation argument named `%s`", name[0])
		}
		have, ok := arg.exportOf(name[1])
		if !ok {
			return nil, fmt.Errorf("module instantiation argument `%s` does not export an item named `%s`", name[0], name[1])
		}
		if err := v.coreMatch(have, module.imports[i]); err != nil {
			return nil, fmt.Errorf("type mismatch for export `%s` of module instantiation argument `%s`: %w", name[1], name[0], err)
		}
	}
	return module, nil
}

// aliasCoreExport brings an export of a core instance into its index space.
func (s *staticScope) aliasCoreExport(a *Alias) error {
	e, ok := s.coreInstances[a.Instance].exportOf(a.Name)
	if !ok {
		return fmt.Errorf("core instance %d has no export named `%s`", a.Instance, a.Name)
	}
	want := wasm.ExternKind(a.Sort - SortCoreFunc)
	if e.kind != want {
		return fmt.Errorf("export `%s` of core instance %d is a %s, not a %s", a.Name, a.Instance, e.kind, want)
	}
	switch e.kind {
	case wasm.ExternFunc:
		s.coreFuncs = append(s.coreFuncs, e.typ)
	case wasm.ExternTable:
		s.coreTables = append(s.coreTables, e.table)
	case wasm.ExternMemory:
		s.coreMemories = append(s.coreMemories, e.memory)
	case wasm.ExternGlobal:
		s.coreGlobals = append(s.coreGlobals, e.global)
	case wasm.ExternTag:
		s.coreTags = append(s.coreTags, e.typ)
	}
	return nil
}
