package wasm

import "fmt"

// Imm is a kind of immediate operand of an instruction.
type Imm uint8

// The kinds of immediates, with their encoding.
const (
	ImmNone       Imm = iota
	ImmMemOp          // takes no bytes: marks the opcode as a SiteMemOp
	ImmBlockType      // s33: a type index, or the byte of a value type or 0x40
	ImmLabel          // u32: a relative depth
	ImmLabelTable     // vec(u32) and the default label: br_table
	ImmFunc           // u32
	ImmType           // u32
	ImmTable          // u32
	ImmLocal          // u32
	ImmGlobal         // u32
	ImmTag            // u32
	ImmData           // u32
	ImmElem           // u32
	ImmMemory         // u32
	ImmMemArg         // align and flags u32, memory index u32 if flagged, offset u64
	ImmHeapType       // s33
	ImmValTypes       // vec(valtype): select with a type
	ImmCatches        // vec(catch): try_table
	ImmCastFlags      // byte: which of br_on_cast's types are nullable
	ImmField          // u32: a field of a struct
	ImmCount          // u32: a number of operands
	ImmS32            // s32
	ImmS64            // s64
	ImmF32            // 4 bytes
	ImmF64            // 8 bytes
	ImmV128           // 16 bytes
	ImmLane           // byte
	ImmLanes          // 16 bytes: i8x16.shuffle
	ImmZero           // byte that must be 0: atomic.fence
	immCount
)

// siteKinds classifies every kind of immediate: the site it makes, or SiteNone
// with a reason to be in the list. An index of each kind of thing a linker
// moves must be here; one that is missing would be a missing edge.
var siteKinds = func() (t [immCount]SiteKind) {
	const unclassified = SiteKind(0xff)
	for i := range t {
		t[i] = unclassified
	}
	for imm, kind := range map[Imm]SiteKind{
		ImmNone:      SiteNone,
		ImmMemOp:     SiteMemOp,
		ImmBlockType: SiteBlockType,
		ImmFunc:      SiteFunc,
		ImmType:      SiteType,
		ImmTable:     SiteTable,
		ImmGlobal:    SiteGlobal,
		ImmTag:       SiteTag,
		ImmData:      SiteData,
		ImmElem:      SiteElem,
		ImmMemory:    SiteMemory,
		ImmMemArg:    SiteMemArg,
		ImmHeapType:  SiteHeapType,
		ImmValTypes:  SiteHeapType, // one for each concrete type in it
		ImmCatches:   SiteTag,      // one for each clause with a tag

		// Local to the function body.
		ImmLabel:      SiteNone,
		ImmLabelTable: SiteNone,
		ImmLocal:      SiteNone,
		// Local to the type that stands next to it.
		ImmField: SiteNone,
		// Plain values.
		ImmCastFlags: SiteNone,
		ImmCount:     SiteNone,
		ImmS32:       SiteNone,
		ImmS64:       SiteNone,
		ImmF32:       SiteNone,
		ImmF64:       SiteNone,
		ImmV128:      SiteNone,
		ImmLane:      SiteNone,
		ImmLanes:     SiteNone,
		ImmZero:      SiteNone,
	} {
		t[imm] = kind
	}
	for i, kind := range t {
		if kind == unclassified {
			panic(fmt.Sprintf("wasm: immediate kind %d is not classified", i))
		}
	}
	return t
}()

// SiteKind is the kind of site that an immediate of this kind makes, SiteNone
// when it names nothing outside of its function body.
func (i Imm) SiteKind() SiteKind { return siteKinds[i] }

// OpInfo is what the opcode table says of one instruction.
type OpInfo struct {
	Name string // of the text format
	// Imms are the immediates in order, up to the first ImmNone.
	Imms [4]Imm
	// Sig is the effect on the operand stack: the operands, a colon, the
	// results, deepest first, one letter each: i i32, l i64, f f32, d f64,
	// v v128, a the address type of the memory named by the immediate
	// (i32, or i64 for a 64-bit memory). "*" means that the effect depends
	// on the immediates or on types: the opcode itself is the special case.
	Sig string
	// Const says that the instruction may stand in a constant expression.
	Const bool
}

// Info returns the entry of op in the opcode table, nil when there is none.
func (op Opcode) Info() *OpInfo {
	var info *OpInfo
	sub := int(op & 0xfff)
	switch op &^ 0xfff {
	case 0:
		if sub < len(opsBase) {
			info = &opsBase[sub]
		}
	case PrefixGC:
		if sub < len(opsGC) {
			info = &opsGC[sub]
		}
	case PrefixMisc:
		if sub < len(opsMisc) {
			info = &opsMisc[sub]
		}
	case PrefixSIMD:
		if sub < len(opsSIMD) {
			info = &opsSIMD[sub]
		}
	case PrefixAtomic:
		if sub < len(opsAtomic) {
			info = &opsAtomic[sub]
		}
	}
	if info == nil || info.Name == "" {
		return nil
	}
	return info
}

// String is the instruction's name in the text format.
func (op Opcode) String() string {
	if info := op.Info(); info != nil {
		return info.Name
	}
	return fmt.Sprintf("opcode(0x%x)", uint16(op))
}

// AppendOpcode appends the bytes of op: the byte itself, or the prefix and the
// sub-opcode as a u32.
func AppendOpcode(dst []byte, op Opcode) []byte {
	if op < PrefixGC {
		return append(dst, byte(op))
	}
	return AppendU32(append(dst, byte(0xfa+op>>12)), uint32(op&0xfff))
}

// opsBase holds the one-byte instructions.
var opsBase = [256]OpInfo{
	OpUnreachable:        {Name: "unreachable", Sig: "*"},
	OpNop:                {Name: "nop", Sig: ":"},
	OpBlock:              {Name: "block", Imms: [4]Imm{ImmBlockType}, Sig: "*"},
	OpLoop:               {Name: "loop", Imms: [4]Imm{ImmBlockType}, Sig: "*"},
	OpIf:                 {Name: "if", Imms: [4]Imm{ImmBlockType}, Sig: "*"},
	OpElse:               {Name: "else", Sig: "*"},
	OpTry:                {Name: "try", Imms: [4]Imm{ImmBlockType}, Sig: "*"},
	OpCatch:              {Name: "catch", Imms: [4]Imm{ImmTag}, Sig: "*"},
	OpThrow:              {Name: "throw", Imms: [4]Imm{ImmTag}, Sig: "*"},
	OpRethrow:            {Name: "rethrow", Imms: [4]Imm{ImmLabel}, Sig: "*"},
	OpThrowRef:           {Name: "throw_ref", Sig: "*"},
	OpEnd:                {Name: "end", Sig: "*", Const: true},
	OpBr:                 {Name: "br", Imms: [4]Imm{ImmLabel}, Sig: "*"},
	OpBrIf:               {Name: "br_if", Imms: [4]Imm{ImmLabel}, Sig: "*"},
	OpBrTable:            {Name: "br_table", Imms: [4]Imm{ImmLabelTable}, Sig: "*"},
	OpReturn:             {Name: "return", Sig: "*"},
	OpCall:               {Name: "call", Imms: [4]Imm{ImmFunc}, Sig: "*"},
	OpCallIndirect:       {Name: "call_indirect", Imms: [4]Imm{ImmType, ImmTable}, Sig: "*"},
	OpReturnCall:         {Name: "return_call", Imms: [4]Imm{ImmFunc}, Sig: "*"},
	OpReturnCallIndirect: {Name: "return_call_indirect", Imms: [4]Imm{ImmType, ImmTable}, Sig: "*"},
	OpCallRef:            {Name: "call_ref", Imms: [4]Imm{ImmType}, Sig: "*"},
	OpReturnCallRef:      {Name: "return_call_ref", Imms: [4]Imm{ImmType}, Sig: "*"},
	OpDelegate:           {Name: "delegate", Imms: [4]Imm{ImmLabel}, Sig: "*"},
	OpCatchAll:           {Name: "catch_all", Sig: "*"},
	OpDrop:               {Name: "drop", Sig: "*"},
	OpSelect:             {Name: "select", Sig: "*"},
	OpSelectT:            {Name: "select", Imms: [4]Imm{ImmValTypes}, Sig: "*"},
	OpTryTable:           {Name: "try_table", Imms: [4]Imm{ImmBlockType, ImmCatches}, Sig: "*"},
	OpLocalGet:           {Name: "local.get", Imms: [4]Imm{ImmLocal}, Sig: "*"},
	OpLocalSet:           {Name: "local.set", Imms: [4]Imm{ImmLocal}, Sig: "*"},
	OpLocalTee:           {Name: "local.tee", Imms: [4]Imm{ImmLocal}, Sig: "*"},
	OpGlobalGet:          {Name: "global.get", Imms: [4]Imm{ImmGlobal}, Sig: "*", Const: true},
	OpGlobalSet:          {Name: "global.set", Imms: [4]Imm{ImmGlobal}, Sig: "*"},
	OpTableGet:           {Name: "table.get", Imms: [4]Imm{ImmTable}, Sig: "*"},
	OpTableSet:           {Name: "table.set", Imms: [4]Imm{ImmTable}, Sig: "*"},
	OpI32Load:            {Name: "i32.load", Imms: [4]Imm{ImmMemArg}, Sig: "a:i"},
	OpI64Load:            {Name: "i64.load", Imms: [4]Imm{ImmMemArg}, Sig: "a:l"},
	OpF32Load:            {Name: "f32.load", Imms: [4]Imm{ImmMemArg}, Sig: "a:f"},
	OpF64Load:            {Name: "f64.load", Imms: [4]Imm{ImmMemArg}, Sig: "a:d"},
	OpI32Load8S:          {Name: "i32.load8_s", Imms: [4]Imm{ImmMemArg}, Sig: "a:i"},
	OpI32Load8U:          {Name: "i32.load8_u", Imms: [4]Imm{ImmMemArg}, Sig: "a:i"},
	OpI32Load16S:         {Name: "i32.load16_s", Imms: [4]Imm{ImmMemArg}, Sig: "a:i"},
	OpI32Load16U:         {Name: "i32.load16_u", Imms: [4]Imm{ImmMemArg}, Sig: "a:i"},
	OpI64Load8S:          {Name: "i64.load8_s", Imms: [4]Imm{ImmMemArg}, Sig: "a:l"},
	OpI64Load8U:          {Name: "i64.load8_u", Imms: [4]Imm{ImmMemArg}, Sig: "a:l"},
	OpI64Load16S:         {Name: "i64.load16_s", Imms: [4]Imm{ImmMemArg}, Sig: "a:l"},
	OpI64Load16U:         {Name: "i64.load16_u", Imms: [4]Imm{ImmMemArg}, Sig: "a:l"},
	OpI64Load32S:         {Name: "i64.load32_s", Imms: [4]Imm{ImmMemArg}, Sig: "a:l"},
	OpI64Load32U:         {Name: "i64.load32_u", Imms: [4]Imm{ImmMemArg}, Sig: "a:l"},
	OpI32Store:           {Name: "i32.store", Imms: [4]Imm{ImmMemArg}, Sig: "ai:"},
	OpI64Store:           {Name: "i64.store", Imms: [4]Imm{ImmMemArg}, Sig: "al:"},
	OpF32Store:           {Name: "f32.store", Imms: [4]Imm{ImmMemArg}, Sig: "af:"},
	OpF64Store:           {Name: "f64.store", Imms: [4]Imm{ImmMemArg}, Sig: "ad:"},
	OpI32Store8:          {Name: "i32.store8", Imms: [4]Imm{ImmMemArg}, Sig: "ai:"},
	OpI32Store16:         {Name: "i32.store16", Imms: [4]Imm{ImmMemArg}, Sig: "ai:"},
	OpI64Store8:          {Name: "i64.store8", Imms: [4]Imm{ImmMemArg}, Sig: "al:"},
	OpI64Store16:         {Name: "i64.store16", Imms: [4]Imm{ImmMemArg}, Sig: "al:"},
	OpI64Store32:         {Name: "i64.store32", Imms: [4]Imm{ImmMemArg}, Sig: "al:"},
	OpMemorySize:         {Name: "memory.size", Imms: [4]Imm{ImmMemOp, ImmMemory}, Sig: ":a"},
	OpMemoryGrow:         {Name: "memory.grow", Imms: [4]Imm{ImmMemOp, ImmMemory}, Sig: "a:a"},
	OpI32Const:           {Name: "i32.const", Imms: [4]Imm{ImmS32}, Sig: ":i", Const: true},
	OpI64Const:           {Name: "i64.const", Imms: [4]Imm{ImmS64}, Sig: ":l", Const: true},
	OpF32Const:           {Name: "f32.const", Imms: [4]Imm{ImmF32}, Sig: ":f", Const: true},
	OpF64Const:           {Name: "f64.const", Imms: [4]Imm{ImmF64}, Sig: ":d", Const: true},
	OpI32Eqz:             {Name: "i32.eqz", Sig: "i:i"},
	OpI32Eq:              {Name: "i32.eq", Sig: "ii:i"},
	OpI32Ne:              {Name: "i32.ne", Sig: "ii:i"},
	OpI32LtS:             {Name: "i32.lt_s", Sig: "ii:i"},
	OpI32LtU:             {Name: "i32.lt_u", Sig: "ii:i"},
	OpI32GtS:             {Name: "i32.gt_s", Sig: "ii:i"},
	OpI32GtU:             {Name: "i32.gt_u", Sig: "ii:i"},
	OpI32LeS:             {Name: "i32.le_s", Sig: "ii:i"},
	OpI32LeU:             {Name: "i32.le_u", Sig: "ii:i"},
	OpI32GeS:             {Name: "i32.ge_s", Sig: "ii:i"},
	OpI32GeU:             {Name: "i32.ge_u", Sig: "ii:i"},
	OpI64Eqz:             {Name: "i64.eqz", Sig: "l:i"},
	OpI64Eq:              {Name: "i64.eq", Sig: "ll:i"},
	OpI64Ne:              {Name: "i64.ne", Sig: "ll:i"},
	OpI64LtS:             {Name: "i64.lt_s", Sig: "ll:i"},
	OpI64LtU:             {Name: "i64.lt_u", Sig: "ll:i"},
	OpI64GtS:             {Name: "i64.gt_s", Sig: "ll:i"},
	OpI64GtU:             {Name: "i64.gt_u", Sig: "ll:i"},
	OpI64LeS:             {Name: "i64.le_s", Sig: "ll:i"},
	OpI64LeU:             {Name: "i64.le_u", Sig: "ll:i"},
	OpI64GeS:             {Name: "i64.ge_s", Sig: "ll:i"},
	OpI64GeU:             {Name: "i64.ge_u", Sig: "ll:i"},
	OpF32Eq:              {Name: "f32.eq", Sig: "ff:i"},
	OpF32Ne:              {Name: "f32.ne", Sig: "ff:i"},
	OpF32Lt:              {Name: "f32.lt", Sig: "ff:i"},
	OpF32Gt:              {Name: "f32.gt", Sig: "ff:i"},
	OpF32Le:              {Name: "f32.le", Sig: "ff:i"},
	OpF32Ge:              {Name: "f32.ge", Sig: "ff:i"},
	OpF64Eq:              {Name: "f64.eq", Sig: "dd:i"},
	OpF64Ne:              {Name: "f64.ne", Sig: "dd:i"},
	OpF64Lt:              {Name: "f64.lt", Sig: "dd:i"},
	OpF64Gt:              {Name: "f64.gt", Sig: "dd:i"},
	OpF64Le:              {Name: "f64.le", Sig: "dd:i"},
	OpF64Ge:              {Name: "f64.ge", Sig: "dd:i"},
	OpI32Clz:             {Name: "i32.clz", Sig: "i:i"},
	OpI32Ctz:             {Name: "i32.ctz", Sig: "i:i"},
	OpI32Popcnt:          {Name: "i32.popcnt", Sig: "i:i"},
	OpI32Add:             {Name: "i32.add", Sig: "ii:i", Const: true},
	OpI32Sub:             {Name: "i32.sub", Sig: "ii:i", Const: true},
	OpI32Mul:             {Name: "i32.mul", Sig: "ii:i", Const: true},
	OpI32DivS:            {Name: "i32.div_s", Sig: "ii:i"},
	OpI32DivU:            {Name: "i32.div_u", Sig: "ii:i"},
	OpI32RemS:            {Name: "i32.rem_s", Sig: "ii:i"},
	OpI32RemU:            {Name: "i32.rem_u", Sig: "ii:i"},
	OpI32And:             {Name: "i32.and", Sig: "ii:i"},
	OpI32Or:              {Name: "i32.or", Sig: "ii:i"},
	OpI32Xor:             {Name: "i32.xor", Sig: "ii:i"},
	OpI32Shl:             {Name: "i32.shl", Sig: "ii:i"},
	OpI32ShrS:            {Name: "i32.shr_s", Sig: "ii:i"},
	OpI32ShrU:            {Name: "i32.shr_u", Sig: "ii:i"},
	OpI32Rotl:            {Name: "i32.rotl", Sig: "ii:i"},
	OpI32Rotr:            {Name: "i32.rotr", Sig: "ii:i"},
	OpI64Clz:             {Name: "i64.clz", Sig: "l:l"},
	OpI64Ctz:             {Name: "i64.ctz", Sig: "l:l"},
	OpI64Popcnt:          {Name: "i64.popcnt", Sig: "l:l"},
	OpI64Add:             {Name: "i64.add", Sig: "ll:l", Const: true},
	OpI64Sub:             {Name: "i64.sub", Sig: "ll:l", Const: true},
	OpI64Mul:             {Name: "i64.mul", Sig: "ll:l", Const: true},
	OpI64DivS:            {Name: "i64.div_s", Sig: "ll:l"},
	OpI64DivU:            {Name: "i64.div_u", Sig: "ll:l"},
	OpI64RemS:            {Name: "i64.rem_s", Sig: "ll:l"},
	OpI64RemU:            {Name: "i64.rem_u", Sig: "ll:l"},
	OpI64And:             {Name: "i64.and", Sig: "ll:l"},
	OpI64Or:              {Name: "i64.or", Sig: "ll:l"},
	OpI64Xor:             {Name: "i64.xor", Sig: "ll:l"},
	OpI64Shl:             {Name: "i64.shl", Sig: "ll:l"},
	OpI64ShrS:            {Name: "i64.shr_s", Sig: "ll:l"},
	OpI64ShrU:            {Name: "i64.shr_u", Sig: "ll:l"},
	OpI64Rotl:            {Name: "i64.rotl", Sig: "ll:l"},
	OpI64Rotr:            {Name: "i64.rotr", Sig: "ll:l"},
	OpF32Abs:             {Name: "f32.abs", Sig: "f:f"},
	OpF32Neg:             {Name: "f32.neg", Sig: "f:f"},
	OpF32Ceil:            {Name: "f32.ceil", Sig: "f:f"},
	OpF32Floor:           {Name: "f32.floor", Sig: "f:f"},
	OpF32Trunc:           {Name: "f32.trunc", Sig: "f:f"},
	OpF32Nearest:         {Name: "f32.nearest", Sig: "f:f"},
	OpF32Sqrt:            {Name: "f32.sqrt", Sig: "f:f"},
	OpF32Add:             {Name: "f32.add", Sig: "ff:f"},
	OpF32Sub:             {Name: "f32.sub", Sig: "ff:f"},
	OpF32Mul:             {Name: "f32.mul", Sig: "ff:f"},
	OpF32Div:             {Name: "f32.div", Sig: "ff:f"},
	OpF32Min:             {Name: "f32.min", Sig: "ff:f"},
	OpF32Max:             {Name: "f32.max", Sig: "ff:f"},
	OpF32Copysign:        {Name: "f32.copysign", Sig: "ff:f"},
	OpF64Abs:             {Name: "f64.abs", Sig: "d:d"},
	OpF64Neg:             {Name: "f64.neg", Sig: "d:d"},
	OpF64Ceil:            {Name: "f64.ceil", Sig: "d:d"},
	OpF64Floor:           {Name: "f64.floor", Sig: "d:d"},
	OpF64Trunc:           {Name: "f64.trunc", Sig: "d:d"},
	OpF64Nearest:         {Name: "f64.nearest", Sig: "d:d"},
	OpF64Sqrt:            {Name: "f64.sqrt", Sig: "d:d"},
	OpF64Add:             {Name: "f64.add", Sig: "dd:d"},
	OpF64Sub:             {Name: "f64.sub", Sig: "dd:d"},
	OpF64Mul:             {Name: "f64.mul", Sig: "dd:d"},
	OpF64Div:             {Name: "f64.div", Sig: "dd:d"},
	OpF64Min:             {Name: "f64.min", Sig: "dd:d"},
	OpF64Max:             {Name: "f64.max", Sig: "dd:d"},
	OpF64Copysign:        {Name: "f64.copysign", Sig: "dd:d"},
	OpI32WrapI64:         {Name: "i32.wrap_i64", Sig: "l:i"},
	OpI32TruncF32S:       {Name: "i32.trunc_f32_s", Sig: "f:i"},
	OpI32TruncF32U:       {Name: "i32.trunc_f32_u", Sig: "f:i"},
	OpI32TruncF64S:       {Name: "i32.trunc_f64_s", Sig: "d:i"},
	OpI32TruncF64U:       {Name: "i32.trunc_f64_u", Sig: "d:i"},
	OpI64ExtendI32S:      {Name: "i64.extend_i32_s", Sig: "i:l"},
	OpI64ExtendI32U:      {Name: "i64.extend_i32_u", Sig: "i:l"},
	OpI64TruncF32S:       {Name: "i64.trunc_f32_s", Sig: "f:l"},
	OpI64TruncF32U:       {Name: "i64.trunc_f32_u", Sig: "f:l"},
	OpI64TruncF64S:       {Name: "i64.trunc_f64_s", Sig: "d:l"},
	OpI64TruncF64U:       {Name: "i64.trunc_f64_u", Sig: "d:l"},
	OpF32ConvertI32S:     {Name: "f32.convert_i32_s", Sig: "i:f"},
	OpF32ConvertI32U:     {Name: "f32.convert_i32_u", Sig: "i:f"},
	OpF32ConvertI64S:     {Name: "f32.convert_i64_s", Sig: "l:f"},
	OpF32ConvertI64U:     {Name: "f32.convert_i64_u", Sig: "l:f"},
	OpF32DemoteF64:       {Name: "f32.demote_f64", Sig: "d:f"},
	OpF64ConvertI32S:     {Name: "f64.convert_i32_s", Sig: "i:d"},
	OpF64ConvertI32U:     {Name: "f64.convert_i32_u", Sig: "i:d"},
	OpF64ConvertI64S:     {Name: "f64.convert_i64_s", Sig: "l:d"},
	OpF64ConvertI64U:     {Name: "f64.convert_i64_u", Sig: "l:d"},
	OpF64PromoteF32:      {Name: "f64.promote_f32", Sig: "f:d"},
	OpI32ReinterpretF32:  {Name: "i32.reinterpret_f32", Sig: "f:i"},
	OpI64ReinterpretF64:  {Name: "i64.reinterpret_f64", Sig: "d:l"},
	OpF32ReinterpretI32:  {Name: "f32.reinterpret_i32", Sig: "i:f"},
	OpF64ReinterpretI64:  {Name: "f64.reinterpret_i64", Sig: "l:d"},
	OpI32Extend8S:        {Name: "i32.extend8_s", Sig: "i:i"},
	OpI32Extend16S:       {Name: "i32.extend16_s", Sig: "i:i"},
	OpI64Extend8S:        {Name: "i64.extend8_s", Sig: "l:l"},
	OpI64Extend16S:       {Name: "i64.extend16_s", Sig: "l:l"},
	OpI64Extend32S:       {Name: "i64.extend32_s", Sig: "l:l"},
	OpRefNull:            {Name: "ref.null", Imms: [4]Imm{ImmHeapType}, Sig: "*", Const: true},
	OpRefIsNull:          {Name: "ref.is_null", Sig: "*"},
	OpRefFunc:            {Name: "ref.func", Imms: [4]Imm{ImmFunc}, Sig: "*", Const: true},
	OpRefEq:              {Name: "ref.eq", Sig: "*"},
	OpRefAsNonNull:       {Name: "ref.as_non_null", Sig: "*"},
	OpBrOnNull:           {Name: "br_on_null", Imms: [4]Imm{ImmLabel}, Sig: "*"},
	OpBrOnNonNull:        {Name: "br_on_non_null", Imms: [4]Imm{ImmLabel}, Sig: "*"},
}

// opsGC holds the instructions with the prefix 0xfb.
var opsGC = [31]OpInfo{
	OpStructNew - PrefixGC:        {Name: "struct.new", Imms: [4]Imm{ImmType}, Sig: "*", Const: true},
	OpStructNewDefault - PrefixGC: {Name: "struct.new_default", Imms: [4]Imm{ImmType}, Sig: "*", Const: true},
	OpStructGet - PrefixGC:        {Name: "struct.get", Imms: [4]Imm{ImmType, ImmField}, Sig: "*"},
	OpStructGetS - PrefixGC:       {Name: "struct.get_s", Imms: [4]Imm{ImmType, ImmField}, Sig: "*"},
	OpStructGetU - PrefixGC:       {Name: "struct.get_u", Imms: [4]Imm{ImmType, ImmField}, Sig: "*"},
	OpStructSet - PrefixGC:        {Name: "struct.set", Imms: [4]Imm{ImmType, ImmField}, Sig: "*"},
	OpArrayNew - PrefixGC:         {Name: "array.new", Imms: [4]Imm{ImmType}, Sig: "*", Const: true},
	OpArrayNewDefault - PrefixGC:  {Name: "array.new_default", Imms: [4]Imm{ImmType}, Sig: "*", Const: true},
	OpArrayNewFixed - PrefixGC:    {Name: "array.new_fixed", Imms: [4]Imm{ImmType, ImmCount}, Sig: "*", Const: true},
	OpArrayNewData - PrefixGC:     {Name: "array.new_data", Imms: [4]Imm{ImmType, ImmData}, Sig: "*"},
	OpArrayNewElem - PrefixGC:     {Name: "array.new_elem", Imms: [4]Imm{ImmType, ImmElem}, Sig: "*"},
	OpArrayGet - PrefixGC:         {Name: "array.get", Imms: [4]Imm{ImmType}, Sig: "*"},
	OpArrayGetS - PrefixGC:        {Name: "array.get_s", Imms: [4]Imm{ImmType}, Sig: "*"},
	OpArrayGetU - PrefixGC:        {Name: "array.get_u", Imms: [4]Imm{ImmType}, Sig: "*"},
	OpArraySet - PrefixGC:         {Name: "array.set", Imms: [4]Imm{ImmType}, Sig: "*"},
	OpArrayLen - PrefixGC:         {Name: "array.len", Sig: "*"},
	OpArrayFill - PrefixGC:        {Name: "array.fill", Imms: [4]Imm{ImmType}, Sig: "*"},
	OpArrayCopy - PrefixGC:        {Name: "array.copy", Imms: [4]Imm{ImmType, ImmType}, Sig: "*"},
	OpArrayInitData - PrefixGC:    {Name: "array.init_data", Imms: [4]Imm{ImmType, ImmData}, Sig: "*"},
	OpArrayInitElem - PrefixGC:    {Name: "array.init_elem", Imms: [4]Imm{ImmType, ImmElem}, Sig: "*"},
	OpRefTest - PrefixGC:          {Name: "ref.test", Imms: [4]Imm{ImmHeapType}, Sig: "*"},
	OpRefTestNull - PrefixGC:      {Name: "ref.test null", Imms: [4]Imm{ImmHeapType}, Sig: "*"},
	OpRefCast - PrefixGC:          {Name: "ref.cast", Imms: [4]Imm{ImmHeapType}, Sig: "*"},
	OpRefCastNull - PrefixGC:      {Name: "ref.cast null", Imms: [4]Imm{ImmHeapType}, Sig: "*"},
	OpBrOnCast - PrefixGC:         {Name: "br_on_cast", Imms: [4]Imm{ImmCastFlags, ImmLabel, ImmHeapType, ImmHeapType}, Sig: "*"},
	OpBrOnCastFail - PrefixGC:     {Name: "br_on_cast_fail", Imms: [4]Imm{ImmCastFlags, ImmLabel, ImmHeapType, ImmHeapType}, Sig: "*"},
	OpAnyConvertExtern - PrefixGC: {Name: "any.convert_extern", Sig: "*", Const: true},
	OpExternConvertAny - PrefixGC: {Name: "extern.convert_any", Sig: "*", Const: true},
	OpRefI31 - PrefixGC:           {Name: "ref.i31", Sig: "*", Const: true},
	OpI31GetS - PrefixGC:          {Name: "i31.get_s", Sig: "*"},
	OpI31GetU - PrefixGC:          {Name: "i31.get_u", Sig: "*"},
}

// opsMisc holds the instructions with the prefix 0xfc.
var opsMisc = [23]OpInfo{
	OpI32TruncSatF32S - PrefixMisc: {Name: "i32.trunc_sat_f32_s", Sig: "f:i"},
	OpI32TruncSatF32U - PrefixMisc: {Name: "i32.trunc_sat_f32_u", Sig: "f:i"},
	OpI32TruncSatF64S - PrefixMisc: {Name: "i32.trunc_sat_f64_s", Sig: "d:i"},
	OpI32TruncSatF64U - PrefixMisc: {Name: "i32.trunc_sat_f64_u", Sig: "d:i"},
	OpI64TruncSatF32S - PrefixMisc: {Name: "i64.trunc_sat_f32_s", Sig: "f:l"},
	OpI64TruncSatF32U - PrefixMisc: {Name: "i64.trunc_sat_f32_u", Sig: "f:l"},
	OpI64TruncSatF64S - PrefixMisc: {Name: "i64.trunc_sat_f64_s", Sig: "d:l"},
	OpI64TruncSatF64U - PrefixMisc: {Name: "i64.trunc_sat_f64_u", Sig: "d:l"},
	OpMemoryInit - PrefixMisc:      {Name: "memory.init", Imms: [4]Imm{ImmMemOp, ImmData, ImmMemory}, Sig: "aii:"},
	OpDataDrop - PrefixMisc:        {Name: "data.drop", Imms: [4]Imm{ImmData}, Sig: ":"},
	OpMemoryCopy - PrefixMisc:      {Name: "memory.copy", Imms: [4]Imm{ImmMemOp, ImmMemory, ImmMemory}, Sig: "*"},
	OpMemoryFill - PrefixMisc:      {Name: "memory.fill", Imms: [4]Imm{ImmMemOp, ImmMemory}, Sig: "aia:"},
	OpTableInit - PrefixMisc:       {Name: "table.init", Imms: [4]Imm{ImmElem, ImmTable}, Sig: "*"},
	OpElemDrop - PrefixMisc:        {Name: "elem.drop", Imms: [4]Imm{ImmElem}, Sig: ":"},
	OpTableCopy - PrefixMisc:       {Name: "table.copy", Imms: [4]Imm{ImmTable, ImmTable}, Sig: "*"},
	OpTableGrow - PrefixMisc:       {Name: "table.grow", Imms: [4]Imm{ImmTable}, Sig: "*"},
	OpTableSize - PrefixMisc:       {Name: "table.size", Imms: [4]Imm{ImmTable}, Sig: "*"},
	OpTableFill - PrefixMisc:       {Name: "table.fill", Imms: [4]Imm{ImmTable}, Sig: "*"},
	OpI64Add128 - PrefixMisc:       {Name: "i64.add128", Sig: "llll:ll"},
	OpI64Sub128 - PrefixMisc:       {Name: "i64.sub128", Sig: "llll:ll"},
	OpI64MulWideS - PrefixMisc:     {Name: "i64.mul_wide_s", Sig: "ll:ll"},
	OpI64MulWideU - PrefixMisc:     {Name: "i64.mul_wide_u", Sig: "ll:ll"},
}
