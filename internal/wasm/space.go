package wasm

import "fmt"

var spaceNames = [...]string{
	SpaceNone: "nothing", SpaceType: "type", SpaceFunc: "function",
	SpaceTable: "table", SpaceMemory: "memory", SpaceGlobal: "global",
	SpaceTag: "tag", SpaceData: "data segment", SpaceElem: "element segment",
}

// String is what a member of the space is called: "function" and so on.
func (s Space) String() string {
	if int(s) < len(spaceNames) {
		return spaceNames[s]
	}
	return fmt.Sprintf("space %d", uint8(s))
}

// Space is the index space of externs of this kind, SpaceNone for a byte that
// is no kind.
func (k ExternKind) Space() Space {
	switch k {
	case ExternFunc:
		return SpaceFunc
	case ExternTable:
		return SpaceTable
	case ExternMemory:
		return SpaceMemory
	case ExternGlobal:
		return SpaceGlobal
	case ExternTag:
		return SpaceTag
	}
	return SpaceNone
}

// String is the kind's name, as that of its space.
func (k ExternKind) String() string { return k.Space().String() }

// siteSpaces says which index space a site's target belongs to.
var siteSpaces = [siteKindCount]Space{
	SiteNone:      SpaceNone,
	SiteFunc:      SpaceFunc,
	SiteType:      SpaceType,
	SiteHeapType:  SpaceType,
	SiteBlockType: SpaceType,
	SiteTable:     SpaceTable,
	SiteGlobal:    SpaceGlobal,
	SiteTag:       SpaceTag,
	SiteData:      SpaceData,
	SiteElem:      SpaceElem,
	SiteMemory:    SpaceMemory,
	SiteMemArg:    SpaceMemory,
	SiteMemOp:     SpaceNone,
	SiteConst:     SpaceNone,
	SiteMemBase:   SpaceMemory,
	SiteRawArg:    SpaceMemory,
}

// Space is the index space that the target of a site of this kind belongs to;
// SpaceNone for SiteNone, SiteMemOp and SiteConst, which have no target.
func (k SiteKind) Space() Space { return siteSpaces[k] }

// Count is the number of members of a space, imports included.
func (m *Module) Count(s Space) uint32 {
	switch s {
	case SpaceType:
		return uint32(len(m.Types))
	case SpaceFunc:
		return m.NumImported[s] + uint32(len(m.Funcs))
	case SpaceTable:
		return m.NumImported[s] + uint32(len(m.Tables))
	case SpaceMemory:
		return m.NumImported[s] + uint32(len(m.Memories))
	case SpaceGlobal:
		return m.NumImported[s] + uint32(len(m.Globals))
	case SpaceTag:
		return m.NumImported[s] + uint32(len(m.Tags))
	case SpaceData:
		return uint32(len(m.Datas))
	case SpaceElem:
		return uint32(len(m.Elems))
	}
	return 0
}
