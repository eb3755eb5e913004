package linker

import (
	"fmt"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/shake"
)

// importsPass makes one core import of what several components ask of the
// host under one name.
//
// In: live function imports, one per component that lowers. Out: equal ones
// are aliases of the first. Lowers of one function through different memories
// stay apart, which only component output allows, and get names of their own
// there: the names only join the module to the component around it.
//
//	A: (import "wasi:io/poll" "[resource-drop]pollable")   ;; kept
//	B: (import "wasi:io/poll" "[resource-drop]pollable")   ;; alias of A's
func importsPass(p *graph.Program, live *shake.Live) {
	type key struct {
		module, name string
		typ          graph.TypeID
	}
	first := map[key][]graph.FuncID{}
	for id := graph.FuncID(1); int(id) < len(p.Funcs); id++ {
		f := &p.Funcs[id]
		if f.Kind != graph.FuncImport || !live.Func(id) {
			continue
		}
		k := key{f.Import.Module, f.Import.Name, f.Type}
		merged := false
		for _, other := range first[k] {
			if sameImport(f.Import, p.Funcs[other].Import) {
				f.Kind, f.Alias = graph.FuncAlias, other
				merged = true
				break
			}
		}
		if merged {
			continue
		}
		first[k] = append(first[k], id)
		if n := len(first[k]); n > 1 && f.Import.Lower != nil {
			imp := *f.Import
			imp.Name = fmt.Sprintf("%s.%d", imp.Name, n)
			f.Import = &imp
		}
	}
}

// sameImport reports whether two imports of one name and type do the same.
func sameImport(a, b *graph.Import) bool {
	if a.Lower == nil || b.Lower == nil {
		return a.Lower == b.Lower && a.Resource == b.Resource
	}
	memory, realloc := lowerNeeds(a.Lower.Func.Type)
	oa, ob := a.Lower.Opts, b.Lower.Opts
	return (!memory || oa.Memory == ob.Memory && oa.Encoding == ob.Encoding) && (!realloc || oa.Realloc == ob.Realloc)
}
