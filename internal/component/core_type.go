package component

import "github.com/wbundle/wbundle/internal/wasm"

// The core type section. The byte 0x50 opens both a module type and a
// non-final sub type; Binary.md therefore puts 0x00 before the latter when it
// stands alone.
const (
	coreTypeModule   = 0x50
	coreTypeSub      = 0x50
	coreTypeNotFinal = 0x00
)

func readCoreType(r *wasm.Reader) *CoreTypeDef {
	d := &CoreTypeDef{Pos: Pos(r.Offset())}
	switch b, _ := r.Peek(); b {
	case coreTypeModule:
		r.Byte()
		d.Module = &ModuleType{Decls: readVec(r, 2, readModuleDecl)}
	case coreTypeNotFinal:
		at := r.Offset()
		r.Byte()
		if b, ok := r.Peek(); ok && b != coreTypeSub {
			r.FailAt(at, "invalid byte 0x%02x after 0x00, want a non-final sub type (0x50)", b)
		}
		d.Types, d.Explicit = r.RecGroup()
	default:
		d.Types, d.Explicit = r.RecGroup()
	}
	return d
}

func readModuleDecl(r *wasm.Reader) ModuleDecl {
	at := r.Offset()
	switch b := r.Byte(); b {
	case moduleDeclImport:
		imp := r.Import()
		return ModuleDecl{Import: &imp}
	case moduleDeclType:
		// Module types do not nest, so 0x50 is always a sub type here.
		d := &CoreTypeDef{Pos: Pos(r.Offset())}
		d.Types, d.Explicit = r.RecGroup()
		return ModuleDecl{Type: d}
	case moduleDeclAlias:
		at := r.Offset()
		a := &Alias{Pos: Pos(at), Kind: AliasOuter, Sort: readCoreSort(r)}
		if a.Sort != SortCoreType {
			r.FailAt(at, "a module type cannot alias a %s", a.Sort)
		}
		at = r.Offset()
		if b := r.Byte(); b != outerCoreAlias {
			r.FailAt(at, "unknown alias target 0x%02x in a module type", b)
		}
		a.Count = r.U32()
		a.Index = r.U32()
		return ModuleDecl{Alias: a}
	case moduleDeclExport:
		e := &ModuleExport{Name: r.Name()}
		e.Desc.Off = int(r.Offset())
		r.ExternType(&e.Desc)
		return ModuleDecl{Export: e}
	default:
		r.FailAt(at, "unknown declaration 0x%02x in a module type", b)
		return ModuleDecl{}
	}
}

func appendCoreType(b []byte, d *CoreTypeDef) []byte {
	if d.Module == nil {
		if !d.Explicit && len(d.Types) == 1 && !d.Types[0].Final {
			b = append(b, coreTypeNotFinal)
		}
		return wasm.AppendRecGroup(b, d.Types, d.Explicit || len(d.Types) != 1)
	}
	b = wasm.AppendU32(append(b, coreTypeModule), uint32(len(d.Module.Decls)))
	for _, decl := range d.Module.Decls {
		switch {
		case decl.Import != nil:
			b = wasm.AppendImport(append(b, moduleDeclImport), decl.Import)
		case decl.Type != nil:
			t := decl.Type
			b = wasm.AppendRecGroup(append(b, moduleDeclType), t.Types, t.Explicit || len(t.Types) != 1)
		case decl.Alias != nil:
			b = appendCoreSort(append(b, moduleDeclAlias), decl.Alias.Sort)
			b = wasm.AppendU32(append(b, outerCoreAlias), decl.Alias.Count)
			b = wasm.AppendU32(b, decl.Alias.Index)
		case decl.Export != nil:
			b = wasm.AppendName(append(b, moduleDeclExport), decl.Export.Name)
			b = wasm.AppendExternType(b, &decl.Export.Desc)
		}
	}
	return b
}
