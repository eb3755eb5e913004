package wasm

// SiteKind says what a site's immediate names and how it is encoded.
type SiteKind uint8

// The kinds of sites. Each operand kind of the opcode table maps to one of
// these, or to "names nothing"; a kind nobody classified panics in init.
const (
	SiteNone SiteKind = iota
	// SiteFunc is a u32 function index: call, return_call, ref.func.
	SiteFunc
	// SiteType is a u32 type index: call_indirect, call_ref, struct.new, ...
	SiteType
	// SiteHeapType is an s33 that is a type index: ref.null, ref.test, br_on_cast, select t*, locals.
	// Only concrete heap types are sites; abstract ones name nothing.
	SiteHeapType
	// SiteBlockType is an s33 block type that is a type index.
	SiteBlockType
	SiteTable  // u32 table index
	SiteGlobal // u32 global index
	SiteTag    // u32 tag index
	SiteData   // u32 data index
	SiteElem   // u32 element index
	// SiteMemory is a u32 memory index of memory.size, grow, fill, copy, init.
	SiteMemory
	// SiteMemArg is a whole memarg (align and flags, optional memory index,
	// offset); Target is the memory index. Read it with ReadMemArg.
	SiteMemArg
	// SiteMemOp covers the opcode bytes (prefix and sub-opcode) of memory.size,
	// memory.grow, memory.fill, memory.copy and memory.init. It names nothing;
	// it is where a memory rewrite replaces the instruction. The sites of its
	// immediates follow it: size/grow/fill one SiteMemory; copy two
	// SiteMemory (destination, source); init SiteData then SiteMemory.
	SiteMemOp
	// SiteConst is the immediate of an i32.const or i64.const in a body that is
	// five bytes long or more and could be shorter: linkers leave addresses so.
	// It names nothing.
	SiteConst
	// SiteMemBase stands only in generated code: it covers "i32.const 0;
	// i32.add" after an address on the stack, Target is the memory. Emission
	// puts the base of the memory's window there, or removes it where it is 0.
	SiteMemBase
	// SiteRawArg stands only in generated code: a memarg like SiteMemArg, of an
	// access whose address SiteMemBase was applied to. Emission puts the memory
	// index there and leaves the offset alone.
	SiteRawArg

	siteKindCount
)

// Site is one immediate that names something, found by the one scan of a body
// or constant expression.
type Site struct {
	Off    uint32 // offset in Body.Bytes or Expr.Bytes
	Target uint32 // index in the space that Kind implies
	Kind   SiteKind
	Len    uint8  // bytes of the immediate (padded LEBs count in full)
	Op     Opcode // the instruction it belongs to; 0 for a locals declaration
}
