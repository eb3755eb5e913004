package component

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// Short forms for components built by hand.

func ty(t Type) Def                   { return &TypeDef{Type: t} }
func index(i uint32) ValRef           { return ValRef{Index: i} }
func own(i uint32) *ValDef            { return &ValDef{Kind: KindOwn, Index: i} }
func borrow(i uint32) *ValDef         { return &ValDef{Kind: KindBorrow, Index: i} }
func listOf(v ValRef) *ValDef         { return &ValDef{Kind: KindList, Elem: &v} }
func optionOf(v ValRef) *ValDef       { return &ValDef{Kind: KindOption, Elem: &v} }
func resource() *ResourceDef          { return &ResourceDef{Rep: wasm.I32} }
func recordOf(fs ...FieldDef) *ValDef { return &ValDef{Kind: KindRecord, Fields: fs} }
func enumOf(labels ...string) *ValDef {
	return &ValDef{Kind: KindEnum, Members: &Members{Labels: labels}}
}
func param(n string, v ValRef) FieldDef {
	return FieldDef{Name: n, Type: v}
}

func function(result *ValRef, params ...FieldDef) *FuncDef {
	return &FuncDef{Params: params, Result: result}
}

func imp(n string, sort Sort, i uint32) Def {
	return &Import{Name: name(n), Desc: ExternDesc{Sort: sort, TypeIndex: i}}
}

func impResource(n string) Def {
	return &Import{Name: name(n), Desc: ExternDesc{Sort: SortType, Bound: BoundSubResource}}
}

func exp(n string, sort Sort, i uint32) Def {
	return &Export{Name: name(n), Sort: sort, Index: i}
}

func expAs(n string, sort Sort, i, t uint32) Def {
	return &Export{Name: name(n), Sort: sort, Index: i, Desc: &ExternDesc{Sort: sort, TypeIndex: t}}
}

func exportDecl(n string, sort Sort, i uint32) Decl {
	return &ExportDecl{Name: name(n), Desc: ExternDesc{Sort: sort, TypeIndex: i}}
}

func declResource(n string) Decl {
	return &ExportDecl{Name: name(n), Desc: ExternDesc{Sort: SortType, Bound: BoundSubResource}}
}

func instanceOf(decls ...Decl) Def  { return ty(&InstanceDef{Decls: decls}) }
func componentOf(decls ...Decl) Def { return ty(&ComponentDef{Decls: decls}) }
func nested(defs ...Def) Def        { return &NestedComponent{Component: &Component{Defs: defs}} }

func instantiate(c uint32, args ...Arg) Def {
	return &Instance{Instantiate: true, Component: c, Args: args}
}

func aliasExport(sort Sort, instance uint32, n string) Def {
	return &Alias{Kind: AliasExport, Sort: sort, Instance: instance, Name: n}
}

func aliasOuter(sort Sort, count, i uint32) Def {
	return &Alias{Kind: AliasOuter, Sort: sort, Count: count, Index: i}
}

func liftOf(f, t uint32, opts CanonOpts) Def {
	return &Canon{Op: CanonLift, Func: f, Type: t, Opts: &opts}
}

func lowerOf(f uint32, opts CanonOpts) Def { return &Canon{Op: CanonLower, Func: f, Opts: &opts} }

var memoryAndRealloc = CanonOpts{HasMemory: true, HasRealloc: true, Realloc: fnRealloc}

// The core functions of prelude.
const (
	fnRealloc = iota // (i32 i32 i32 i32) -> (i32)
	fnNone           // () -> ()
	fnTwo            // (i32 i32) -> ()
	fnGet            // () -> (i32)
	fnOne            // (i32) -> ()
)

// prelude has a core module with a memory and the functions above, its
// instance (0), and them as core memory 0 and core functions.
func prelude(more ...Def) []Def {
	sig := func(params, results []wasm.ValType) wasm.SubType {
		return wasm.SubType{Kind: wasm.CompFunc, Final: true, Short: true, Params: params, Results: results}
	}
	m := &wasm.Module{
		Types:     []wasm.SubType{sig(flat4, flatI32), sig(nil, nil), sig(flatI32I32, nil), sig(nil, flatI32), sig(flatI32, nil)},
		Funcs:     []uint32{0, 1, 2, 3, 4},
		RecGroups: []wasm.RecGroup{{Start: 0, Count: 1}, {Start: 1, Count: 1}, {Start: 2, Count: 1}, {Start: 3, Count: 1}, {Start: 4, Count: 1}},
		Memories:  []wasm.MemType{{Limits: wasm.Limits{Min: 1}}},
		Exports:   []wasm.Export{{Name: "memory", Kind: wasm.ExternMemory}},
	}
	defs := []Def{&CoreModule{}, &CoreInstance{Instantiate: true}, &Alias{Kind: AliasCoreExport, Sort: SortCoreMemory, Name: "memory"}}
	for i := range m.Funcs {
		n := fmt.Sprint("f", i)
		m.Exports = append(m.Exports, wasm.Export{Name: n, Kind: wasm.ExternFunc, Index: uint32(i)})
		m.Code = append(m.Code, wasm.Body{Bytes: []byte{0x00, 0x00, 0x0b}}) // unreachable
		defs = append(defs, &Alias{Kind: AliasCoreExport, Sort: SortCoreFunc, Name: n})
	}
	defs[0].(*CoreModule).Bytes = wasm.Encode(m)
	return append(defs, more...)
}

// validateCases has valid components (want is empty) and invalid ones, whose
// error contains want. Conformance data covers more; these say what each rule is.
var validateCases = []struct {
	name string
	defs []Def
	want string
}{
	// Lifts and lowers.
	{"lift", prelude(ty(function(nil)), liftOf(fnNone, 0, CanonOpts{})), ""},
	{"lift list", prelude(ty(function(nil, param("s", stringRef))), liftOf(fnTwo, 0, memoryAndRealloc)), ""},
	{"lift without memory", prelude(ty(function(nil, param("s", stringRef))), liftOf(fnTwo, 0, CanonOpts{})), "`memory` is required"},
	{"lift without realloc", prelude(ty(function(nil, param("s", stringRef))), liftOf(fnTwo, 0, CanonOpts{HasMemory: true})), "`realloc` is required"},
	{"lift result in memory", prelude(ty(function(&stringRef)), liftOf(fnGet, 0, CanonOpts{HasMemory: true})), ""},
	{"lift of wrong parameters", prelude(ty(function(nil, param("a", u32Ref))), liftOf(fnNone, 0, CanonOpts{})), "do not match parameter types"},
	{"lift of wrong result", prelude(ty(function(&u32Ref)), liftOf(fnNone, 0, CanonOpts{})), "do not match result types"},
	{"lift of no function type", prelude(ty(resource()), liftOf(fnNone, 0, CanonOpts{})), "not a function type"},
	{"realloc of wrong type", prelude(ty(function(nil)), liftOf(fnNone, 0, CanonOpts{HasMemory: true, HasRealloc: true, Realloc: fnNone})), "`realloc` has an incorrect signature"},
	{"realloc alone", prelude(ty(function(nil)), liftOf(fnNone, 0, CanonOpts{HasRealloc: true})), "requires `memory`"},
	{"post-return", prelude(ty(function(&u32Ref)), liftOf(fnGet, 0, CanonOpts{HasPost: true, PostReturn: fnOne})), ""},
	{"post-return of wrong type", prelude(ty(function(&u32Ref)), liftOf(fnGet, 0, CanonOpts{HasPost: true, PostReturn: fnNone})), "`post-return` has an incorrect signature"},
	{"callback alone", prelude(ty(function(nil)), liftOf(fnNone, 0, CanonOpts{HasCallback: true})), "callback without async"},
	{"async lift of a synchronous function", prelude(ty(function(nil)), liftOf(fnNone, 0, CanonOpts{Async: true})), "requires an async function type"},
	{"async lift", prelude(ty(&FuncDef{Async: true, Result: &u32Ref}), liftOf(fnNone, 0, CanonOpts{Async: true})), ""},
	{"lower", prelude(ty(function(&stringRef)), imp("f", SortFunc, 0), lowerOf(0, memoryAndRealloc)), ""},
	{"lower without realloc", prelude(ty(function(&stringRef)), imp("f", SortFunc, 0), lowerOf(0, CanonOpts{HasMemory: true})), "`realloc` is required"},
	{"lower with post-return", prelude(ty(function(nil)), imp("f", SortFunc, 0), lowerOf(0, CanonOpts{HasPost: true})), "cannot be specified for lowerings"},
	{"lift of a lower", prelude(ty(function(nil)), imp("f", SortFunc, 0), lowerOf(0, CanonOpts{}), liftOf(fnOne+1, 0, CanonOpts{})), ""},

	// Resources.
	{"resource.new", prelude(ty(resource()), &Canon{Op: CanonResourceNew}), ""},
	{"resource.new of an import", prelude(impResource("r"), &Canon{Op: CanonResourceNew}), "not a local resource"},
	{"resource.drop of an import", prelude(impResource("r"), &Canon{Op: CanonResourceDrop}), ""},
	{"resource.drop of a record", prelude(ty(enumOf("a")), &Canon{Op: CanonResourceDrop}), "not a resource type"},
	{"destructor", prelude(ty(&ResourceDef{Rep: wasm.I32, HasDtor: true, Dtor: fnOne})), ""},
	{"destructor of wrong type", prelude(ty(&ResourceDef{Rep: wasm.I32, HasDtor: true, Dtor: fnTwo})), "destructor has an incorrect signature"},
	{"representation", []Def{ty(&ResourceDef{Rep: wasm.F32})}, "represented by an i32"},
	{"export of a handle, not of its resource", prelude(ty(resource()), ty(own(0)), ty(function(nil, param("a", index(1)))), liftOf(fnOne, 2, CanonOpts{}), exp("f", SortFunc, 0)), "not valid to be used as export"},
	{"local resource in an import", []Def{ty(resource()), ty(own(0)), ty(function(nil, param("a", index(1)))), imp("f", SortFunc, 2)}, "not valid to be used as import"},
	{"stream.new of no stream", []Def{ty(enumOf("a")), &Canon{Op: 0x0e}}, "requires a stream type"},

	// Types.
	{"parameter of an instance type", []Def{instanceOf(), ty(function(nil, param("a", index(0))))}, "not a value type"},
	{"own of a value type", []Def{ty(enumOf("a")), ty(own(0))}, "not a resource type"},
	{"labels that differ in hyphens", []Def{ty(enumOf("ab-c", "a-bc"))}, "conflicts with"},
	{"borrow in a result", []Def{impResource("r"), ty(borrow(0)), ty(&FuncDef{Result: ref(index(1))})}, "contains a borrow"},
	{"map key", []Def{ty(&ValDef{Kind: KindMap, Key: &ValRef{Prim: KindF32}, Elem: &u32Ref})}, "invalid map key"},
	{"map of handles", []Def{impResource("r"), ty(own(0)), ty(&ValDef{Kind: KindMap, Key: &u32Ref, Elem: ref(index(1))})}, "contains a handle"},
	{"stream of characters", []Def{ty(&ValDef{Kind: KindStream, Elem: &ValRef{Prim: KindChar}})}, "stream<char>"},
	{"large value", []Def{ty(&ValDef{Kind: KindFixedList, Elem: &u32Ref, Len: 1 << 26})}, "more than 256 MiB"},
	{"deep value", deep(MaxTypeDepth), ""},
	{"too deep value", deep(MaxTypeDepth + 1), "more than 100 deep"},
	{"import of no instance type", []Def{ty(enumOf("a")), imp("i", SortInstance, 0)}, "not an instance type"},
	{"import of no module type", []Def{&CoreTypeDef{Types: []wasm.SubType{{Kind: wasm.CompFunc}}}, imp("m", SortCoreModule, 0)}, "not a module type"},
	{"alias to a function in a type", []Def{componentOf(&TypeDef{Type: function(nil)}, imp("f", SortFunc, 0).(Decl), instanceOf().(Decl), imp("i", SortInstance, 1).(Decl), aliasExport(SortFunc, 0, "f").(Decl))}, "only refer to types or instances"},

	// Names of types.
	{"export of a function with an unnamed record", prelude(ty(recordOf(param("a", u32Ref))), ty(function(nil, param("r", index(0)))), liftOf(fnOne, 1, CanonOpts{}), exp("f", SortFunc, 0)), "not valid to be used as export"},
	{"export of a function with a named record", prelude(ty(recordOf(param("a", u32Ref))), exp("r", SortType, 0), ty(function(nil, param("r", index(1)))), liftOf(fnOne, 2, CanonOpts{}), exp("f", SortFunc, 0)), ""},
	{"export of a function with the record before it was named", prelude(ty(recordOf(param("a", u32Ref))), exp("r", SortType, 0), ty(function(nil, param("r", index(0)))), liftOf(fnOne, 2, CanonOpts{}), exp("f", SortFunc, 0)), "not valid to be used as export"},
	{"ascription names a record", prelude(ty(recordOf(param("a", u32Ref))), ty(function(nil, param("r", index(0)))), liftOf(fnOne, 1, CanonOpts{}), exp("r", SortType, 0), ty(function(nil, param("r", index(2)))), expAs("f", SortFunc, 0, 3)), ""},
	{"ascription of another type", prelude(ty(function(nil)), liftOf(fnNone, 0, CanonOpts{}), ty(function(&u32Ref)), expAs("f", SortFunc, 0, 1)), "ascribed type"},
	{"list of an unnamed enum", []Def{ty(enumOf("a")), ty(listOf(index(0))), exp("l", SortType, 1)}, "not valid to be used as export"},
	{"option of a named enum", []Def{ty(enumOf("a")), exp("e", SortType, 0), ty(optionOf(index(1))), exp("o", SortType, 2)}, ""},

	// Names.
	{"names that differ in case and hyphens", []Def{ty(function(nil)), imp("a-b", SortFunc, 0), imp("AB", SortFunc, 0)}, "conflicts with previous name"},
	{"one name for import and export", []Def{ty(function(nil)), imp("a", SortFunc, 0), exp("a", SortFunc, 0)}, ""},
	{"constructor and method", []Def{impResource("r"), ty(own(0)), ty(function(ref(index(1)))), imp("[constructor]r", SortFunc, 2),
		ty(borrow(0)), ty(function(nil, param("self", index(3)))), imp("[method]r.m", SortFunc, 4), imp("[static]r.s", SortFunc, 4)}, ""},
	{"constructor of another resource", []Def{impResource("r"), impResource("s"), ty(own(0)), ty(function(ref(index(2)))), imp("[constructor]s", SortFunc, 3)}, "is named `r`"},
	{"constructor of nothing", []Def{impResource("r"), ty(function(nil)), imp("[constructor]r", SortFunc, 1)}, "should return a value"},
	{"method without self", []Def{impResource("r"), ty(function(nil)), imp("[method]r.m", SortFunc, 1)}, "called `self`"},
	{"method on own", []Def{impResource("r"), ty(own(0)), ty(function(nil, param("self", index(1)))), imp("[method]r.m", SortFunc, 2)}, "should be a `borrow<r>`"},
	{"static of no resource", []Def{ty(function(nil)), imp("[static]r.m", SortFunc, 0)}, "not known in this context"},
	{"method and static of one name", []Def{impResource("r"), ty(borrow(0)), ty(function(nil, param("self", index(1)))), imp("[method]r.m", SortFunc, 2), imp("[static]r.m", SortFunc, 2)}, "conflicts with previous name"},
	{"setter without getter", []Def{ty(function(nil, param("a", u32Ref))), imp("[set]a", SortFunc, 0)}, "requires a preceding `[get]a`"},
	{"setter", []Def{ty(function(&u32Ref)), ty(function(nil, param("a", u32Ref))), imp("[get]a", SortFunc, 0), imp("[set]a", SortFunc, 1)}, ""},
	{"method that is an instance", []Def{impResource("r"), instanceOf(), imp("[static]r.m", SortInstance, 1)}, "not a function"},
	{"url", []Def{ty(function(nil)), imp("url=<https://x>,integrity=<sha256-ab>", SortFunc, 0)}, ""},
	{"hash of no algorithm", []Def{ty(function(nil)), imp("integrity=<md5-ab>", SortFunc, 0)}, "unrecognized hash algorithm"},
	{"export of a url", []Def{ty(function(nil)), imp("f", SortFunc, 0), exp("url=<x>", SortFunc, 0)}, "not a valid export name"},
	{"version range", []Def{ty(function(nil)), imp("unlocked-dep=<a:b@{>=1.2.3 <2.0.0-rc1}>", SortFunc, 0)}, ""},
	{"version range the wrong way", []Def{ty(function(nil)), imp("unlocked-dep=<a:b@{<2.0.0 >=1.2.3}>", SortFunc, 0)}, "not a full semantic version"},
	{"version without suffix", []Def{instanceOf(), imp("a:b/c@1", SortInstance, 0)}, "not a full semantic version"},
	{"version with suffix", []Def{instanceOf(), &Import{Name: Name{Text: "a:b/c@1", Version: ".2.3"}, Desc: ExternDesc{Sort: SortInstance}}}, ""},
	{"version of another track", []Def{instanceOf(), &Import{Name: Name{Text: "a:b/c@0.2.1", Version: "+x"}, Desc: ExternDesc{Sort: SortInstance}}}, "not the canonical version"},

	// Instances.
	{"missing import", []Def{nested(ty(function(nil)), imp("f", SortFunc, 0)), instantiate(0)}, "missing import named `f`"},
	{"import of another type", []Def{nested(ty(function(nil)), imp("f", SortFunc, 0)), ty(function(&u32Ref)), imp("f", SortFunc, 0), instantiate(0, Arg{"f", SortFunc, 0})}, "type mismatch for import `f`"},
	{"import of another sort", []Def{nested(ty(function(nil)), imp("f", SortFunc, 0)), instanceOf(), imp("i", SortInstance, 0), instantiate(0, Arg{"f", SortInstance, 0})}, "expected function, found instance"},
	{"instance with more exports than needed", []Def{nested(instanceOf(), imp("i", SortInstance, 0)), ty(function(nil)), instanceOf(aliasOuter(SortType, 1, 0).(Decl), exportDecl("f", SortFunc, 0)), imp("i", SortInstance, 1), instantiate(0, Arg{"i", SortInstance, 0})}, ""},
	{"resource put in for an import", []Def{
		// f of the instance takes the resource that was passed.
		nested(impResource("r"), exp("r2", SortType, 0), ty(own(1)), exp("t", SortType, 2)),
		impResource("file"), instantiate(0, Arg{"r", SortType, 0}), aliasExport(SortType, 0, "t"),
		ty(own(0)), ty(function(nil, param("a", index(2)))), imp("f", SortFunc, 3),
		nested(impResource("r"), ty(own(0)), imp("t", SortType, 0)), // needs nothing of the kind
	}, ""},
	{"resource equality over instantiation", []Def{
		nested(impResource("r"), &Import{Name: name("s"), Desc: ExternDesc{Sort: SortType, TypeIndex: 0}}),
		impResource("file"), impResource("dir"),
		instantiate(0, Arg{"r", SortType, 0}, Arg{"s", SortType, 0}),
		instantiate(0, Arg{"r", SortType, 0}, Arg{"s", SortType, 1}),
	}, "resource types are not the same: expected `file`, found `dir`"},
	{"each instance has its own resources", []Def{
		nested(ty(resource()), exp("r", SortType, 0)), instantiate(0), instantiate(0),
		aliasExport(SortType, 0, "r"), aliasExport(SortType, 1, "r"),
		nested(impResource("r"), &Import{Name: name("s"), Desc: ExternDesc{Sort: SortType, TypeIndex: 0}}),
		instantiate(1, Arg{"r", SortType, 0}, Arg{"s", SortType, 1}),
	}, "resource types are not the same"},
	{"component argument", []Def{
		// Asked for: a component that imports f and exports g. Passed: one that
		// imports nothing and exports g and h.
		nested(componentOf(&TypeDef{Type: function(nil)}, imp("f", SortFunc, 0).(Decl), exportDecl("g", SortFunc, 0)), imp("c", SortComponent, 0)),
		componentOf(&TypeDef{Type: function(nil)}, exportDecl("g", SortFunc, 0), exportDecl("h", SortFunc, 0)), imp("d", SortComponent, 0),
		instantiate(0, Arg{"c", SortComponent, 1}),
	}, ""},
	{"component argument that imports more", []Def{
		nested(componentOf(), imp("c", SortComponent, 0)),
		componentOf(&TypeDef{Type: function(nil)}, imp("f", SortFunc, 0).(Decl)), imp("d", SortComponent, 0),
		instantiate(0, Arg{"c", SortComponent, 1}),
	}, "missing import named `f`"},
	{"alias to no export", []Def{instanceOf(), imp("i", SortInstance, 0), aliasExport(SortFunc, 0, "f")}, "no export named `f`"},
	{"alias to another sort", []Def{ty(function(nil)), instanceOf(aliasOuter(SortType, 1, 0).(Decl), exportDecl("f", SortFunc, 0)), imp("i", SortInstance, 1), aliasExport(SortType, 0, "f")}, "is a function, not a type"},
	{"outer alias", []Def{ty(enumOf("a")), nested(aliasOuter(SortType, 1, 0))}, ""},
	{"outer alias to a resource", []Def{impResource("r"), ty(own(0)), nested(aliasOuter(SortType, 1, 1))}, "resources not defined in the current component"},
	{"outer alias to a resource in a type", []Def{impResource("r"), componentOf(aliasOuter(SortType, 1, 0).(Decl))}, ""},
	{"import twice of an instance with a resource", []Def{
		instanceOf(declResource("r")), imp("i", SortInstance, 0), imp("j", SortInstance, 0),
		aliasExport(SortType, 0, "r"), aliasExport(SortType, 1, "r"),
		nested(impResource("r"), &Import{Name: name("s"), Desc: ExternDesc{Sort: SortType, TypeIndex: 0}}),
		instantiate(0, Arg{"r", SortType, 1}, Arg{"s", SortType, 2}),
	}, "resource types are not the same"},
	{"bag", []Def{ty(function(nil)), imp("f", SortFunc, 0), &Instance{Exports: []InlineExport{{name("g"), SortFunc, 0}}}, aliasExport(SortFunc, 0, "g"), exp("i", SortInstance, 0)}, ""},

	// Core instances.
	{"missing core argument", []Def{&CoreTypeDef{Module: moduleWith("a", "f")}, imp("m", SortCoreModule, 0), &CoreInstance{Instantiate: true}}, "missing module instantiation argument named `a`"},
	{"core argument without the export", []Def{&CoreTypeDef{Module: moduleWith("a", "f")}, imp("m", SortCoreModule, 0), &CoreInstance{}, &CoreInstance{Instantiate: true, Args: []CoreArg{{"a", 0}}}}, "does not export an item named `f`"},
	{"core argument of another type", prelude(&CoreTypeDef{Module: moduleWith("a", "f")}, imp("m", SortCoreModule, 0),
		&CoreInstance{Exports: []CoreInlineExport{{"f", SortCoreFunc, fnGet}}}, &CoreInstance{Instantiate: true, Module: 1, Args: []CoreArg{{"a", 1}}}), "type mismatch for export `f`"},
	{"core argument", prelude(&CoreTypeDef{Module: moduleWith("a", "f")}, imp("m", SortCoreModule, 0),
		&CoreInstance{Exports: []CoreInlineExport{{"f", SortCoreFunc, fnNone}}}, &CoreInstance{Instantiate: true, Module: 1, Args: []CoreArg{{"a", 1}}}), ""},
	{"imports of one name", []Def{&CoreTypeDef{Module: &ModuleType{Decls: append(moduleWith("a", "f").Decls, moduleWith("a", "f").Decls[1])}}}, "duplicate import `a::f`"},
	{"alias to no core export", prelude(&Alias{Kind: AliasCoreExport, Sort: SortCoreFunc, Name: "g"}), "no export named `g`"},
	{"alias to another core sort", prelude(&Alias{Kind: AliasCoreExport, Sort: SortCoreFunc, Name: "memory"}), "is a memory, not a function"},

	// Values and start.
	{"unused value", []Def{&Import{Name: name("v"), Desc: ExternDesc{Sort: SortValue, Value: &ValueBound{Type: u32Ref}}}}, "value 0 is not used"},
	{"value", []Def{&Import{Name: name("v"), Desc: ExternDesc{Sort: SortValue, Value: &ValueBound{Type: u32Ref}}}, exp("w", SortValue, 0)}, ""},
	{"value used twice", []Def{&Import{Name: name("v"), Desc: ExternDesc{Sort: SortValue, Value: &ValueBound{Type: u32Ref}}}, exp("w", SortValue, 0), exp("x", SortValue, 0)}, "more than once"},
	{"start", []Def{ty(function(nil)), imp("f", SortFunc, 0), &Start{}}, ""},
	{"two starts", []Def{ty(function(nil)), imp("f", SortFunc, 0), &Start{}, &Start{}}, "more than one start function"},
	{"start without argument", []Def{ty(function(nil, param("a", u32Ref))), imp("f", SortFunc, 0), &Start{}}, "takes 1 parameter"},
}

// deep nests options until a type is n deep.
func deep(n int) []Def {
	defs := []Def{ty(optionOf(u32Ref))}
	for i := range n - 2 {
		defs = append(defs, ty(optionOf(index(uint32(i)))))
	}
	return defs
}

// moduleWith imports a function without parameters and results.
func moduleWith(module, item string) *ModuleType {
	return &ModuleType{Decls: []ModuleDecl{
		{Type: &CoreTypeDef{Types: []wasm.SubType{{Kind: wasm.CompFunc, Final: true, Short: true}}}},
		{Import: &wasm.Import{Module: module, Name: item, Kind: wasm.ExternFunc}},
	}}
}

func TestValidate(t *testing.T) {
	for _, tt := range validateCases {
		t.Run(tt.name, func(t *testing.T) {
			err := Validate(&Component{Input: "t", Defs: tt.defs}, nil)
			switch {
			case err == nil && tt.want != "":
				t.Errorf("accepted, want an error with %q", tt.want)
			case err != nil && tt.want == "":
				t.Error(err)
			case err != nil && !strings.Contains(err.Error(), tt.want):
				t.Errorf("got %q, want %q", err, tt.want)
			}
			if err != nil {
				checkPlace(t, err)
			}
		})
	}
}

func checkPlace(t *testing.T, err error) {
	t.Helper()
	if e := (*wasm.Error)(nil); !errors.As(err, &e) || e.Section == "" || e.Msg == "" || e.Offset < 0 {
		t.Errorf("error without a place: %#v", err)
	}
}

func TestTooManyFlags(t *testing.T) {
	def := &ValDef{Kind: KindFlags, Members: &Members{}}
	for i := range 33 {
		def.Labels = append(def.Labels, fmt.Sprint("f", i))
	}
	for n, want := range map[int]bool{32: true, 33: false} {
		flags := ValDef{Kind: KindFlags, Members: &Members{Labels: def.Labels[:n]}}
		if err := Validate(&Component{Defs: []Def{ty(&flags)}}, nil); (err == nil) != want {
			t.Errorf("%d flags: %v", n, err)
		}
	}
}

// Types are DAGs. What looks at them must not follow every path, or stop.
func TestValidateSharedTypes(t *testing.T) {
	doubled := func(n int) []Def {
		defs := []Def{ty(&ValDef{Kind: KindTuple, Fields: []FieldDef{{Type: u32Ref}, {Type: u32Ref}}})}
		for i := range n {
			defs = append(defs, ty(&ValDef{Kind: KindTuple, Fields: []FieldDef{{Type: index(uint32(i))}, {Type: index(uint32(i))}}}))
		}
		return defs
	}
	err := Validate(&Component{Defs: doubled(30)}, nil)
	if err == nil || !strings.Contains(err.Error(), "parts") {
		t.Errorf("a tree of a billion types: %v", err)
	}
	// A function of a quarter of a million types, given to five hundred
	// components that import it.
	const depth, components = 17, 500
	defs := append(doubled(depth), ty(function(nil, param("a", index(depth)))), imp("f", SortFunc, depth+1))
	for i := range uint32(components) {
		defs = append(defs,
			nested(aliasOuter(SortType, 1, depth), ty(function(nil, param("a", index(0)))), imp("f", SortFunc, 1)),
			instantiate(i, Arg{"f", SortFunc, 0}))
	}
	if err := Validate(&Component{Defs: defs}, nil); err != nil {
		t.Error(err)
	}
}

// FuzzValidate feeds Validate whatever Decode accepts: no panic, and errors
// that say where.
func FuzzValidate(f *testing.F) {
	for _, tt := range validateCases {
		f.Add(Encode(&Component{Defs: tt.defs}))
	}
	for _, tt := range constructs {
		f.Add(Encode(&Component{Defs: []Def{tt.want}}))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode("fuzz", b)
		if err != nil {
			return
		}
		if err := Validate(c, nil); err != nil {
			var e *wasm.Error
			if !errors.As(err, &e) || e.Input != "fuzz" || e.Offset < 0 || e.Offset > int64(len(b)) {
				t.Fatalf("error %#v", err)
			}
		}
	})
}
