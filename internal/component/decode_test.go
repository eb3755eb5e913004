package component

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// name is how a plain import or export name reads.
func name(text string) Name { return Name{Text: text} }

func ref(v ValRef) *ValRef { return &v }

var (
	u32Ref    = ValRef{Prim: KindU32}
	stringRef = ValRef{Prim: KindString}
	i64       = wasm.I64
)

// constructs has a line per rule of the grammar: the payload of a section with
// one definition, and what it decodes to. In a file of its own the definition
// would begin at offset 11; the payload starts at 10.
var constructs = []struct {
	name    string
	section SectionID
	hex     string
	want    Def
}{
	{"custom", SectionCoreCustom, "03 616263 0102", &Custom{Pos: 10, Name: "abc", Data: []byte{1, 2}}},
	{"core module", SectionCoreModule, "0061736d 01000000", &CoreModule{Pos: 10, Bytes: []byte("\x00asm\x01\x00\x00\x00")}},
	{"component", SectionComponent, "0061736d 0d000100", &NestedComponent{Pos: 10, Component: &Component{
		Input: "t", Bytes: []byte("\x00asm\x0d\x00\x01\x00"), Base: 10}}},
	{"core instantiate", SectionCoreInstance, "01 00 02 01 01 61 12 03", &CoreInstance{Pos: 11, Instantiate: true, Module: 2,
		Args: []CoreArg{{Name: "a", Instance: 3}}}},
	{"core exports", SectionCoreInstance, "01 01 05 01 61 00 00 01 62 01 01 01 63 02 02 01 64 03 03 01 65 04 04", &CoreInstance{Pos: 11,
		Exports: []CoreInlineExport{{"a", SortCoreFunc, 0}, {"b", SortCoreTable, 1}, {"c", SortCoreMemory, 2}, {"d", SortCoreGlobal, 3}, {"e", SortCoreTag, 4}}}},
	{"core func type", SectionCoreType, "01 60 01 7f 01 7e", &CoreTypeDef{Pos: 11,
		Types: []wasm.SubType{{Kind: wasm.CompFunc, Params: []wasm.ValType{wasm.I32}, Results: []wasm.ValType{wasm.I64}, Final: true, Short: true}}}},
	{"core sub type", SectionCoreType, "01 00 50 00 60 00 00", &CoreTypeDef{Pos: 11, Types: []wasm.SubType{{Kind: wasm.CompFunc}}}},
	{"core rec group", SectionCoreType, "01 4e 02 60 00 00 5f 01 7f 01", &CoreTypeDef{Pos: 11, Explicit: true,
		Types: []wasm.SubType{{Kind: wasm.CompFunc, Final: true, Short: true},
			{Kind: wasm.CompStruct, Fields: []wasm.Field{{Type: wasm.I32, Mutable: true}}, Final: true, Short: true}}}},
	{"core module type", SectionCoreType, "01 50 04 01 60 00 00 00 01 61 01 62 00 00 02 10 01 01 05 03 01 63 03 7f 01", &CoreTypeDef{Pos: 11, Module: &ModuleType{Decls: []ModuleDecl{
		{Type: &CoreTypeDef{Pos: 14, Types: []wasm.SubType{{Kind: wasm.CompFunc, Final: true, Short: true}}}},
		{Import: &wasm.Import{Module: "a", Name: "b", Kind: wasm.ExternFunc, Off: 18}},
		{Alias: &Alias{Pos: 25, Sort: SortCoreType, Kind: AliasOuter, Count: 1, Index: 5}},
		{Export: &ModuleExport{Name: "c", Desc: wasm.Import{Kind: wasm.ExternGlobal, Global: wasm.GlobalType{Type: wasm.I32, Mutable: true}, Off: 32}}},
	}}}},
	{"instantiate", SectionInstance, "01 00 01 02 01 61 05 02 01 62 00 11 03", &Instance{Pos: 11, Instantiate: true, Component: 1,
		Args: []Arg{{"a", SortInstance, 2}, {"b", SortCoreModule, 3}}}},
	{"exports", SectionInstance, "01 01 03 00 01 61 01 00 01 01 62 03 01 00 01 63 04 02", &Instance{Pos: 11,
		Exports: []InlineExport{{name("a"), SortFunc, 0}, {Name{Text: "b", Form: 1}, SortType, 1}, {name("c"), SortComponent, 2}}}},
	{"alias export", SectionAlias, "01 01 00 02 01 66", &Alias{Pos: 11, Sort: SortFunc, Kind: AliasExport, Instance: 2, Name: "f"}},
	{"alias core export", SectionAlias, "01 00 02 01 02 01 6d", &Alias{Pos: 11, Sort: SortCoreMemory, Kind: AliasCoreExport, Instance: 2, Name: "m"}},
	{"alias outer", SectionAlias, "01 03 02 01 04", &Alias{Pos: 11, Sort: SortType, Kind: AliasOuter, Count: 1, Index: 4}},
	{"alias outer core module", SectionAlias, "01 00 11 02 01 04", &Alias{Pos: 11, Sort: SortCoreModule, Kind: AliasOuter, Count: 1, Index: 4}},
	{"primitive", SectionType, "01 7d", typeDef(&ValDef{Kind: KindU8})},
	{"error-context", SectionType, "01 64", typeDef(&ValDef{Kind: KindErrorContext})},
	{"record", SectionType, "01 72 02 01 61 79 01 62 05", typeDef(&ValDef{Kind: KindRecord, Fields: []FieldDef{{"a", u32Ref}, {"b", ValRef{Index: 5}}}})},
	{"variant", SectionType, "01 71 02 01 61 00 00 01 62 01 73 00", typeDef(&ValDef{Kind: KindVariant, Members: &Members{Cases: []CaseDef{{Name: "a"}, {"b", &stringRef}}}})},
	{"list", SectionType, "01 70 79", typeDef(&ValDef{Kind: KindList, Elem: &u32Ref})},
	{"list of type 200", SectionType, "01 70 c801", typeDef(&ValDef{Kind: KindList, Elem: ref(ValRef{Index: 200})})},
	{"fixed-length list", SectionType, "01 67 79 07", typeDef(&ValDef{Kind: KindFixedList, Elem: &u32Ref, Len: 7})},
	{"map", SectionType, "01 63 73 79", typeDef(&ValDef{Kind: KindMap, Key: &stringRef, Elem: &u32Ref})},
	{"tuple", SectionType, "01 6f 02 79 73", typeDef(&ValDef{Kind: KindTuple, Fields: []FieldDef{{Type: u32Ref}, {Type: stringRef}}})},
	{"flags", SectionType, "01 6e 02 01 61 01 62", typeDef(&ValDef{Kind: KindFlags, Members: &Members{Labels: []string{"a", "b"}}})},
	{"enum", SectionType, "01 6d 02 01 61 01 62", typeDef(&ValDef{Kind: KindEnum, Members: &Members{Labels: []string{"a", "b"}}})},
	{"option", SectionType, "01 6b 79", typeDef(&ValDef{Kind: KindOption, Elem: &u32Ref})},
	{"result", SectionType, "01 6a 00 01 73", typeDef(&ValDef{Kind: KindResult, Members: &Members{Err: &stringRef}})},
	{"own", SectionType, "01 69 03", typeDef(&ValDef{Kind: KindOwn, Index: 3})},
	{"borrow", SectionType, "01 68 03", typeDef(&ValDef{Kind: KindBorrow, Index: 3})},
	{"stream", SectionType, "01 66 01 79", typeDef(&ValDef{Kind: KindStream, Elem: &u32Ref})},
	{"future without payload", SectionType, "01 65 00", typeDef(&ValDef{Kind: KindFuture})},
	{"func", SectionType, "01 40 01 01 61 79 00 73", typeDef(&FuncDef{Params: []FieldDef{{"a", u32Ref}}, Result: &stringRef})},
	{"async func without result", SectionType, "01 43 00 01 00", typeDef(&FuncDef{Async: true})},
	{"resource", SectionType, "01 3f 7f 00", typeDef(&ResourceDef{Rep: wasm.I32})},
	{"resource with destructor", SectionType, "01 3f 7f 01 05", typeDef(&ResourceDef{Rep: wasm.I32, HasDtor: true, Dtor: 5})},
	{"resource with async destructor", SectionType, "01 3e 7f 05 01 06", typeDef(&ResourceDef{Rep: wasm.I32, Async: true, HasDtor: true, Dtor: 5, HasCB: true, Callback: 6})},
	{"instance type", SectionType, "01 42 03 01 79 02 03 02 01 00 04 00 01 66 01 02", typeDef(&InstanceDef{Decls: []Decl{
		&TypeDef{Pos: 14, Type: &ValDef{Kind: KindU32}},
		&Alias{Pos: 16, Sort: SortType, Kind: AliasOuter, Count: 1},
		&ExportDecl{Pos: 21, Name: name("f"), Desc: ExternDesc{Sort: SortFunc, TypeIndex: 2}},
	}})},
	{"component type", SectionType, "01 41 03 00 60 00 00 03 00 01 72 03 01 04 00 01 74 03 00 00", typeDef(&ComponentDef{Decls: []Decl{
		&CoreTypeDef{Pos: 14, Types: []wasm.SubType{{Kind: wasm.CompFunc, Final: true, Short: true}}},
		&Import{Pos: 18, Name: name("r"), Desc: ExternDesc{Sort: SortType, Bound: BoundSubResource}},
		&ExportDecl{Pos: 24, Name: name("t"), Desc: ExternDesc{Sort: SortType, Bound: BoundEq}},
	}})},
	{"lift", SectionCanon, "01 00 00 07 03 00 03 01 04 02 05", &Canon{Pos: 11, Op: CanonLift, Func: 7, Type: 5,
		Opts: &CanonOpts{HasEncoding: true, Memory: 1, HasMemory: true, Realloc: 2, HasRealloc: true, Order: []byte{0, 3, 4}}}},
	{"lower", SectionCanon, "01 01 00 07 03 05 02 03 01 01", &Canon{Pos: 11, Op: CanonLower, Func: 7,
		Opts: &CanonOpts{Encoding: UTF16, HasEncoding: true, Memory: 1, HasMemory: true, PostReturn: 2, HasPost: true, Order: []byte{5, 3, 1}}}},
	{"async lift", SectionCanon, "01 00 00 07 04 06 07 03 08 01 09 05", &Canon{Pos: 11, Op: CanonLift, Func: 7, Type: 5,
		Opts: &CanonOpts{Async: true, Callback: 3, HasCallback: true, CoreType: 1, HasCoreType: true, GC: true, Order: []byte{6, 7, 8, 9}}}},
	{"resource.new", SectionCanon, "01 02 03", &Canon{Pos: 11, Op: CanonResourceNew, Type: 3}},
	{"resource.drop", SectionCanon, "01 03 03", &Canon{Pos: 11, Op: CanonResourceDrop, Type: 3}},
	{"resource.rep", SectionCanon, "01 04 03", &Canon{Pos: 11, Op: CanonResourceRep, Type: 3}},
	{"task.return", SectionCanon, "01 09 00 79 00", &Canon{Pos: 11, Op: 0x09, Immediates: &Immediates{Result: &u32Ref}}},
	{"context.get", SectionCanon, "01 0a 7e 01", &Canon{Pos: 11, Op: 0x0a, Immediates: &Immediates{ValImm: &i64, Imm: []uint32{1}}}},
	{"stream.cancel-read", SectionCanon, "01 11 02 01", &Canon{Pos: 11, Op: 0x11, Type: 2, Immediates: &Immediates{Imm: []uint32{1}}}},
	{"waitable-set.wait", SectionCanon, "01 20 00 02", &Canon{Pos: 11, Op: 0x20, Immediates: &Immediates{Imm: []uint32{2}}}},
	{"thread.new-indirect", SectionCanon, "01 27 01 02", &Canon{Pos: 11, Op: 0x27, Immediates: &Immediates{Imm: []uint32{1, 2}}}},
	{"thread.available-parallelism", SectionCanon, "01 42", &Canon{Pos: 11, Op: 0x42}},
	{"start", SectionStart, "01 02 03 04 01", &Start{Pos: 10, Func: 1, Args: []uint32{3, 4}, Results: 1}},
	{"import", SectionImport, "01 00 03 613a62 05 02", &Import{Pos: 11, Name: name("a:b"), Desc: ExternDesc{Sort: SortInstance, TypeIndex: 2}}},
	{"import of a core module", SectionImport, "01 00 01 6d 00 11 02", &Import{Pos: 11, Name: name("m"), Desc: ExternDesc{Sort: SortCoreModule, TypeIndex: 2}}},
	{"import of a value", SectionImport, "01 00 01 6d 02 79", &Import{Pos: 11, Name: name("m"), Desc: ExternDesc{Sort: SortValue, Value: &ValueBound{Type: u32Ref}}}},
	{"import with options", SectionImport, "01 02 01 61 02 01 02 2e31 02 01 78 01 00", &Import{Pos: 11,
		Name: Name{Text: "a", Form: 2, Version: ".1", Options: []NameOption{{NameOptVersionSuffix, ".1"}, {NameOptExternalID, "x"}}},
		Desc: ExternDesc{Sort: SortFunc}}},
	{"export", SectionExport, "01 00 01 66 01 02 00", &Export{Pos: 11, Name: name("f"), Sort: SortFunc, Index: 2}},
	{"export with a type", SectionExport, "01 00 01 66 01 02 01 01 03", &Export{Pos: 11, Name: name("f"), Sort: SortFunc, Index: 2,
		Desc: &ExternDesc{Sort: SortFunc, TypeIndex: 3}}},
}

func typeDef(t Type) *TypeDef { return &TypeDef{Pos: 11, Type: t} }

func TestConstructs(t *testing.T) {
	for _, tt := range constructs {
		t.Run(tt.name, func(t *testing.T) {
			payload := unhex(t, tt.hex)
			c := &Component{Input: "t"}
			r := wasm.NewReader("t", tt.section.String(), payload, 10)
			if err := decodeSection(c, tt.section, r, payload, 0); err != nil {
				t.Fatal(err)
			}
			if len(c.Defs) != 1 || !reflect.DeepEqual(c.Defs[0], tt.want) {
				t.Errorf("decoded %#v\nwant %#v", c.Defs[0], tt.want)
			}
			if got := appendSection(nil, tt.section, []Def{tt.want}); !bytes.Equal(got, payload) {
				t.Errorf("encoded % x\nwant % x", got, payload)
			}
			// Every cut must be an error, not a panic. A custom section and a
			// module have no length of their own.
			if tt.section == SectionCoreCustom || tt.section == SectionCoreModule {
				return
			}
			for n := range payload {
				cut := payload[:n]
				r := wasm.NewReader("t", tt.section.String(), cut, 10)
				if err := decodeSection(&Component{}, tt.section, r, cut, 0); err == nil {
					t.Errorf("no error for the first %d bytes", n)
				}
			}
		})
	}
}

// TestCanonNames makes sure that every built-in decodes, encodes to the same
// bytes and has a name for errors.
func TestCanonNames(t *testing.T) {
	seen := map[string]bool{}
	for op := range 256 {
		form := canonFormOf(CanonOp(op))
		if form.name == "" {
			continue
		}
		if seen[form.name] {
			t.Errorf("two definitions are called %s", form.name)
		}
		seen[form.name] = true
		b := []byte{1, byte(op)}
		for _, imm := range form.imm {
			switch imm {
			case 's', 'z', 'o':
				b = append(b, 0)
			case 'r':
				b = append(b, 1, 0)
			case 'v':
				b = append(b, 0x7f)
			default:
				b = append(b, 1)
			}
		}
		c := &Component{}
		if err := decodeSection(c, SectionCanon, wasm.NewReader("t", "canon", b, 0), b, 0); err != nil {
			t.Errorf("%s: %v", form.name, err)
			continue
		}
		if got := appendSection(nil, SectionCanon, c.Defs); !bytes.Equal(got, b) {
			t.Errorf("%s: encoded % x, want % x", form.name, got, b)
		}
	}
	if len(seen) != 50 {
		t.Errorf("%d canon definitions, want 50", len(seen))
	}
	if got := CanonOp(0xee).String(); got != "canon 0xee" {
		t.Errorf("unknown definition is called %q", got)
	}
}

func TestDecodeErrors(t *testing.T) {
	const p = "0061736d 0d000100 "
	for _, tt := range []struct{ name, hex, want string }{
		{"empty", "", "t: offset 0x0: is empty"},
		{"text", hex.EncodeToString([]byte("(component)")), "t: offset 0x0: looks like WebAssembly text"},
		{"other", "7f454c46", "t: offset 0x0: not WebAssembly: starts with 7f 45 4c 46"},
		{"core module", "0061736d 01000000", "t: offset 0x4: is a core module, not a component"},
		{"short preamble", "0061736d 0d", "t: offset 0x5: unexpected end of the preamble (needs 3 more bytes)"},
		{"newer", "0061736d 0e000100", "t: offset 0x4: component version 0x0e is newer"},
		{"older", "0061736d 0a000100", "t: offset 0x4: component version 0x0a is older"},
		{"layer", "0061736d 0d000200", "t: offset 0x6: unknown binary layer 2"},
		{"section id", p + "0d 00", "t: offset 0x8: unknown component section id 13"},
		{"value section", p + "0c 01 00", "t: value section: offset 0xa: value definitions are not supported"},
		{"section size", p + "07 05 00", "t: type section: offset 0xa: unexpected end"},
		{"left over", p + "07 02 00 00", "t: type section: offset 0xb: section size mismatch: 1 bytes left over"},
		{"count", p + "07 02 7f 7f", "t: type section: offset 0xa: count 127 is more than the 1 bytes left can hold"},
		{"embedded module", p + "01 04 0061736d", "t: core module section: offset 0xa: embedded core module"},
		{"nested preamble", p + "04 08 0061736d 01000000", "t: offset 0xe: is a core module, not a component"},
		{"union", p + "07 03 01 6c 00", "t: type section: offset 0xb: unknown type 0x6c"},
		{"empty record", p + "07 03 01 72 00", "t: type section: offset 0xb: record type must have at least one field"},
		{"named results", p + "07 08 01 40 00 01 01 01 61 79", "t: type section: offset 0xe: function with 1 named results"},
		{"canon", p + "08 02 01 08", "t: canon section: offset 0xb: unknown canon definition 0x08"},
		{"option", p + "08 06 01 01 00 00 01 0a", "t: canon section: offset 0xf: unknown canonical option 0x0a"},
		{"option twice", p + "08 07 01 01 00 00 02 00 01", "t: canon section: offset 0x10: canonical option `string-encoding` is given twice"},
		{"core func index", p + "08 06 01 00 00 07 00 00", "t: canon section: offset 0xb: core function index 7 out of range (0 defined)"},
		{"type index", p + "07 03 01 70 00", "t: type section: offset 0xb: type index 0 out of range (0 defined)"},
		{"outer count", p + "06 05 01 03 02 01 00", "t: alias section: offset 0xb: outer alias skips 1 enclosing components"},
		{"outer index", p + "06 05 01 03 02 00 00", "t: alias section: offset 0xb: outer alias: type index 0 out of range (0 defined in the component 0 further out)"},
		{"outer sort", p + "06 05 01 01 02 00 00", "t: alias section: offset 0xb: an outer alias cannot name a function"},
		{"core export sort", p + "0b 07 01 00 01 66 00 00 00 00", "t: export section: offset 0xe: a core function cannot be imported, exported"},
		{"end inside a type", p + "07 04 01 42 01 01", "t: type section: offset 0xc: count 1 is more than the 1 bytes left can hold"},
		{"index inside a type", p + "07 06 01 42 01 01 70 05", "t: type section: offset 0xe: type index 5 out of range (0 defined)"},
		{"resource inside a type", p + "07 07 01 42 01 01 3f 7f 00", "t: type section: offset 0xe: a resource type cannot be defined inside"},
		{"module type index", p + "03 09 01 50 01 00 01 61 00 00 03", "t: core type section: offset 0xe: core type index 3 out of range (0 defined)"},
		{"label twice", p + "07 07 01 6d 02 01 61 01 41", "t: type section: offset 0xb: enum label `A` is given twice"},
		{"label form", p + "07 05 01 6e 01 01 5f", "t: type section: offset 0xb: flags label: `_` is not in kebab case"},
		{"import twice", p + "0a 0b 02 00 01 66 03 01 00 01 66 03 01", "import `f` is given twice"},
		{"export name", p + "0b 07 01 00 01 5f 01 00 00", "t: export section: offset 0xb: export: invalid name `_`: `_` is not in kebab case"},
		{"name form", p + "0a 05 01 03 01 66 01 00", "t: import section: offset 0xb: unknown form 0x03"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode("t", unhex(t, tt.hex))
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q\nwant %q", err, tt.want)
			}
		})
	}
}

// TestNesting goes to the limit and one further, for components and types.
func TestNesting(t *testing.T) {
	components := func(n int) *Component {
		c := &Component{}
		for range n {
			c = &Component{Defs: []Def{&NestedComponent{Component: c}}}
		}
		return c
	}
	types := func(n int) *Component {
		var d Decl = &TypeDef{Type: &InstanceDef{}}
		for range n - 1 {
			d = &TypeDef{Type: &InstanceDef{Decls: []Decl{d}}}
		}
		return &Component{Defs: []Def{d.(*TypeDef)}}
	}
	for _, tt := range []struct {
		name string
		make func(int) *Component
	}{{"components", components}, {"types", types}} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Decode("t", Encode(tt.make(maxDepth))); err != nil {
				t.Errorf("%d deep: %v", maxDepth, err)
			}
			_, err := Decode("t", Encode(tt.make(maxDepth+1)))
			if err == nil || !strings.Contains(err.Error(), "nest more than 100 deep") {
				t.Errorf("%d deep: %v", maxDepth+1, err)
			}
		})
	}
}

// TestOuterAlias follows aliases out of nested components and types.
func TestOuterAlias(t *testing.T) {
	outer := func(count, index uint32) *Alias {
		return &Alias{Sort: SortType, Kind: AliasOuter, Count: count, Index: index}
	}
	u8 := &TypeDef{Type: &ValDef{Kind: KindU8}}
	nested := func(defs ...Def) *NestedComponent { return &NestedComponent{Component: &Component{Defs: defs}} }
	good := &Component{Defs: []Def{u8, u8, nested(outer(1, 1), nested(outer(2, 1), outer(1, 0)),
		&TypeDef{Type: &InstanceDef{Decls: []Decl{outer(2, 0), outer(1, 0), outer(0, 1)}}})}}
	if err := Check(good); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string]*Component{
		"defined later": {Defs: []Def{nested(outer(1, 0)), u8}},
		"too far out":   {Defs: []Def{u8, nested(outer(2, 0))}},
		"from a type":   {Defs: []Def{u8, &TypeDef{Type: &InstanceDef{Decls: []Decl{outer(1, 1)}}}}},
	} {
		if Check(bad) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestArgumentTwice(t *testing.T) {
	c := &Component{Defs: []Def{
		&CoreModule{},
		&CoreInstance{},
		&CoreInstance{Instantiate: true, Args: []CoreArg{{Name: "a"}, {Name: "a"}}},
	}}
	if err := Check(c); err == nil || !strings.Contains(err.Error(), "core instantiation argument `a` is given twice") {
		t.Errorf("error %v", err)
	}
}

// TestEncodeByHand builds the component a linker wraps a core module in.
func TestEncodeByHand(t *testing.T) {
	c := &Component{Defs: []Def{
		&CoreModule{Bytes: []byte("\x00asm\x01\x00\x00\x00")},
		&CoreInstance{Instantiate: true},
		&Alias{Sort: SortCoreFunc, Kind: AliasCoreExport, Name: "run"},
		&Alias{Sort: SortCoreFunc, Kind: AliasCoreExport, Name: "cabi_realloc"},
		&Alias{Sort: SortCoreMemory, Kind: AliasCoreExport, Name: "memory"},
		&TypeDef{Type: &FuncDef{Params: []FieldDef{{"s", stringRef}}}},
		&Canon{Op: CanonLift, Opts: &CanonOpts{HasMemory: true, HasRealloc: true, Realloc: 1}},
		&Export{Name: Name{Text: "run"}, Sort: SortFunc},
		&Import{Name: Name{Text: "a:b/c@0.2", Version: ".1"}, Desc: ExternDesc{Sort: SortFunc}},
	}}
	b := Encode(c)
	got, err := Decode("t", b)
	if err != nil {
		t.Fatal(err)
	}
	var ids []SectionID
	for _, s := range got.Sections {
		ids = append(ids, s.ID)
	}
	want := []SectionID{SectionCoreModule, SectionCoreInstance, SectionAlias, SectionType, SectionCanon, SectionExport, SectionImport}
	if !reflect.DeepEqual(ids, want) {
		t.Errorf("sections %v, want %v", ids, want)
	}
	if opts := got.Defs[6].(*Canon).Opts; !reflect.DeepEqual(opts.Order, []byte{optMemory, optRealloc}) {
		t.Errorf("options % x", opts.Order)
	}
	if n := got.Defs[8].(*Import).Name; n.Form != nameFormOptions || n.Version != ".1" {
		t.Errorf("name %+v", n)
	}
	if again := Encode(got); !bytes.Equal(again, b) {
		t.Error("encoding is not stable")
	}
	spaces := got.Spaces()
	if spaces[SortCoreFunc] != 2 || spaces[SortFunc] != 3 || spaces[SortType] != 1 || spaces[SortCoreMemory] != 1 {
		t.Errorf("index spaces %v", spaces)
	}
	// Definitions added to a decoded component are written although Sections
	// does not know them; so are options that Order does not.
	got.Defs = append(got.Defs, &Custom{Name: "x"})
	got.Defs[6].(*Canon).Opts.HasPost = true
	again, err := Decode("t", Encode(got))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(again.Defs); n != 10 {
		t.Errorf("%d definitions after adding one, want 10", n)
	}
	if !again.Defs[6].(*Canon).Opts.HasPost {
		t.Error("post-return option is lost")
	}
}
