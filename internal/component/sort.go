package component

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/wasm"
)

// The sort bytes that other grammar rules refer to.
const (
	sortByteCore         = 0x00
	sortByteCoreType     = 0x10
	sortByteCoreModule   = 0x11
	sortByteCoreInstance = 0x12
)

// IsCore reports whether s is one of the core sorts.
func (s Sort) IsCore() bool { return s <= SortCoreInstance }

// isExtern reports whether items of sort s can be imported, exported and
// passed to an instantiation.
func (s Sort) isExtern() bool { return s == SortCoreModule || s >= SortFunc && s < NumSorts }

// String names the sort as errors do: "core function", "instance".
func (s Sort) String() string {
	switch s {
	case SortCoreFunc:
		return "core function"
	case SortCoreTable:
		return "core table"
	case SortCoreMemory:
		return "core memory"
	case SortCoreGlobal:
		return "core global"
	case SortCoreTag:
		return "core tag"
	case SortCoreType:
		return "core type"
	case SortCoreModule:
		return "core module"
	case SortCoreInstance:
		return "core instance"
	case SortFunc:
		return "function"
	case SortValue:
		return "value"
	case SortType:
		return "type"
	case SortComponent:
		return "component"
	case SortInstance:
		return "instance"
	}
	return fmt.Sprintf("sort %d", uint8(s))
}

// String names the section as errors do: "canon section".
func (id SectionID) String() string {
	switch id {
	case SectionCoreCustom:
		return "custom section"
	case SectionCoreModule:
		return "core module section"
	case SectionCoreInstance:
		return "core instance section"
	case SectionCoreType:
		return "core type section"
	case SectionComponent:
		return "component section"
	case SectionInstance:
		return "instance section"
	case SectionAlias:
		return "alias section"
	case SectionType:
		return "type section"
	case SectionCanon:
		return "canon section"
	case SectionStart:
		return "start section"
	case SectionImport:
		return "import section"
	case SectionExport:
		return "export section"
	case SectionValue:
		return "value section"
	}
	return fmt.Sprintf("section %d", uint8(id))
}

// readSort reads a sort: one byte, or two for a core sort.
func readSort(r *wasm.Reader) Sort {
	at := r.Offset()
	switch b := r.Byte(); b {
	case sortByteCore:
		return readCoreSort(r)
	case 0x01:
		return SortFunc
	case 0x02:
		return SortValue
	case 0x03:
		return SortType
	case 0x04:
		return SortComponent
	case 0x05:
		return SortInstance
	default:
		r.FailAt(at, "unknown sort 0x%02x", b)
		return 0
	}
}

func readCoreSort(r *wasm.Reader) Sort {
	at := r.Offset()
	switch b := r.Byte(); b {
	case 0x00, 0x01, 0x02, 0x03, 0x04:
		return SortCoreFunc + Sort(b)
	case sortByteCoreType:
		return SortCoreType
	case sortByteCoreModule:
		return SortCoreModule
	case sortByteCoreInstance:
		return SortCoreInstance
	default:
		r.FailAt(at, "unknown core sort 0x%02x", b)
		return 0
	}
}

// readExternSort reads the sort of something that crosses the boundary of a
// component.
func readExternSort(r *wasm.Reader) Sort {
	at := r.Offset()
	s := readSort(r)
	if !s.isExtern() {
		r.FailAt(at, "a %s cannot be imported, exported or passed to a component", s)
	}
	return s
}

func appendSort(b []byte, s Sort) []byte {
	if s.IsCore() {
		return appendCoreSort(append(b, sortByteCore), s)
	}
	return append(b, byte(s-SortFunc)+1)
}

func appendCoreSort(b []byte, s Sort) []byte {
	switch s {
	case SortCoreType:
		return append(b, sortByteCoreType)
	case SortCoreModule:
		return append(b, sortByteCoreModule)
	case SortCoreInstance:
		return append(b, sortByteCoreInstance)
	}
	return append(b, byte(s-SortCoreFunc))
}

// SpaceCounts counts the items of each index space.
type SpaceCounts [NumSorts]uint32

// Add accounts for one definition or declaration (Def or Decl).
func (s *SpaceCounts) Add(d Decl) {
	switch d := d.(type) {
	case *CoreTypeDef:
		if d.Module == nil {
			s[SortCoreType] += uint32(len(d.Types))
			return
		}
	case *Start:
		s[SortValue] += d.Results
		return
	}
	if sort, ok := DefSort(d); ok {
		s[sort]++
	}
}

// Spaces returns how many items each index space of c holds at its end.
func (c *Component) Spaces() SpaceCounts {
	var s SpaceCounts
	for _, d := range c.Defs {
		s.Add(d)
	}
	return s
}

// DefSort returns the index space that a definition or declaration (Def or
// Decl) appends to, false when it appends to none (Custom). All append one
// item, except that a CoreTypeDef without Module appends one for each of Types,
// and Start one for each result.
func DefSort(d Decl) (Sort, bool) {
	switch d := d.(type) {
	case *CoreModule:
		return SortCoreModule, true
	case *CoreInstance:
		return SortCoreInstance, true
	case *CoreTypeDef:
		return SortCoreType, true
	case *NestedComponent:
		return SortComponent, true
	case *Instance:
		return SortInstance, true
	case *Alias:
		return d.Sort, true
	case *TypeDef:
		return SortType, true
	case *Canon:
		if d.Op == CanonLift {
			return SortFunc, true
		}
		return SortCoreFunc, true
	case *Start:
		return SortValue, true
	case *Import:
		return d.Desc.Sort, true
	case *Export:
		return d.Sort, true
	case *ExportDecl:
		return d.Desc.Sort, true
	}
	return 0, false
}

// sectionOf is the section that a definition stands in.
func sectionOf(d Def) SectionID {
	switch d.(type) {
	case *CoreModule:
		return SectionCoreModule
	case *CoreInstance:
		return SectionCoreInstance
	case *CoreTypeDef:
		return SectionCoreType
	case *NestedComponent:
		return SectionComponent
	case *Instance:
		return SectionInstance
	case *Alias:
		return SectionAlias
	case *TypeDef:
		return SectionType
	case *Canon:
		return SectionCanon
	case *Start:
		return SectionStart
	case *Import:
		return SectionImport
	case *Export:
		return SectionExport
	case *Custom:
		return SectionCoreCustom
	}
	panic(fmt.Sprintf("component: %T is no definition", d))
}
