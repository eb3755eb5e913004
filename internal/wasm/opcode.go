package wasm

// Opcode names an instruction: the byte itself for one-byte instructions, and
// for prefixed ones a mark for the prefix plus the sub-opcode.
type Opcode uint16

// The marks of prefixed opcodes; add the sub-opcode.
const (
	PrefixGC     Opcode = 0x1000 // 0xfb: garbage collection
	PrefixMisc   Opcode = 0x2000 // 0xfc: saturating, bulk, table, wide arithmetic
	PrefixSIMD   Opcode = 0x3000 // 0xfd: vectors, relaxed ones from 0x100
	PrefixAtomic Opcode = 0x4000 // 0xfe: threads
)

// The one-byte instructions. OpSelectT is select with a type.
const (
	OpUnreachable        Opcode = 0x00
	OpNop                Opcode = 0x01
	OpBlock              Opcode = 0x02
	OpLoop               Opcode = 0x03
	OpIf                 Opcode = 0x04
	OpElse               Opcode = 0x05
	OpTry                Opcode = 0x06
	OpCatch              Opcode = 0x07
	OpThrow              Opcode = 0x08
	OpRethrow            Opcode = 0x09
	OpThrowRef           Opcode = 0x0a
	OpEnd                Opcode = 0x0b
	OpBr                 Opcode = 0x0c
	OpBrIf               Opcode = 0x0d
	OpBrTable            Opcode = 0x0e
	OpReturn             Opcode = 0x0f
	OpCall               Opcode = 0x10
	OpCallIndirect       Opcode = 0x11
	OpReturnCall         Opcode = 0x12
	OpReturnCallIndirect Opcode = 0x13
	OpCallRef            Opcode = 0x14
	OpReturnCallRef      Opcode = 0x15
	OpDelegate           Opcode = 0x18
	OpCatchAll           Opcode = 0x19
	OpDrop               Opcode = 0x1a
	OpSelect             Opcode = 0x1b
	OpSelectT            Opcode = 0x1c
	OpTryTable           Opcode = 0x1f
	OpLocalGet           Opcode = 0x20
	OpLocalSet           Opcode = 0x21
	OpLocalTee           Opcode = 0x22
	OpGlobalGet          Opcode = 0x23
	OpGlobalSet          Opcode = 0x24
	OpTableGet           Opcode = 0x25
	OpTableSet           Opcode = 0x26
	OpI32Load            Opcode = 0x28
	OpI64Load            Opcode = 0x29
	OpF32Load            Opcode = 0x2a
	OpF64Load            Opcode = 0x2b
	OpI32Load8S          Opcode = 0x2c
	OpI32Load8U          Opcode = 0x2d
	OpI32Load16S         Opcode = 0x2e
	OpI32Load16U         Opcode = 0x2f
	OpI64Load8S          Opcode = 0x30
	OpI64Load8U          Opcode = 0x31
	OpI64Load16S         Opcode = 0x32
	OpI64Load16U         Opcode = 0x33
	OpI64Load32S         Opcode = 0x34
	OpI64Load32U         Opcode = 0x35
	OpI32Store           Opcode = 0x36
	OpI64Store           Opcode = 0x37
	OpF32Store           Opcode = 0x38
	OpF64Store           Opcode = 0x39
	OpI32Store8          Opcode = 0x3a
	OpI32Store16         Opcode = 0x3b
	OpI64Store8          Opcode = 0x3c
	OpI64Store16         Opcode = 0x3d
	OpI64Store32         Opcode = 0x3e
	OpMemorySize         Opcode = 0x3f
	OpMemoryGrow         Opcode = 0x40
	OpI32Const           Opcode = 0x41
	OpI64Const           Opcode = 0x42
	OpF32Const           Opcode = 0x43
	OpF64Const           Opcode = 0x44
	OpI32Eqz             Opcode = 0x45
	OpI32Eq              Opcode = 0x46
	OpI32Ne              Opcode = 0x47
	OpI32LtS             Opcode = 0x48
	OpI32LtU             Opcode = 0x49
	OpI32GtS             Opcode = 0x4a
	OpI32GtU             Opcode = 0x4b
	OpI32LeS             Opcode = 0x4c
	OpI32LeU             Opcode = 0x4d
	OpI32GeS             Opcode = 0x4e
	OpI32GeU             Opcode = 0x4f
	OpI64Eqz             Opcode = 0x50
	OpI64Eq              Opcode = 0x51
	OpI64Ne              Opcode = 0x52
	OpI64LtS             Opcode = 0x53
	OpI64LtU             Opcode = 0x54
	OpI64GtS             Opcode = 0x55
	OpI64GtU             Opcode = 0x56
	OpI64LeS             Opcode = 0x57
	OpI64LeU             Opcode = 0x58
	OpI64GeS             Opcode = 0x59
	OpI64GeU             Opcode = 0x5a
	OpF32Eq              Opcode = 0x5b
	OpF32Ne              Opcode = 0x5c
	OpF32Lt              Opcode = 0x5d
	OpF32Gt              Opcode = 0x5e
	OpF32Le              Opcode = 0x5f
	OpF32Ge              Opcode = 0x60
	OpF64Eq              Opcode = 0x61
	OpF64Ne              Opcode = 0x62
	OpF64Lt              Opcode = 0x63
	OpF64Gt              Opcode = 0x64
	OpF64Le              Opcode = 0x65
	OpF64Ge              Opcode = 0x66
	OpI32Clz             Opcode = 0x67
	OpI32Ctz             Opcode = 0x68
	OpI32Popcnt          Opcode = 0x69
	OpI32Add             Opcode = 0x6a
	OpI32Sub             Opcode = 0x6b
	OpI32Mul             Opcode = 0x6c
	OpI32DivS            Opcode = 0x6d
	OpI32DivU            Opcode = 0x6e
	OpI32RemS            Opcode = 0x6f
	OpI32RemU            Opcode = 0x70
	OpI32And             Opcode = 0x71
	OpI32Or              Opcode = 0x72
	OpI32Xor             Opcode = 0x73
	OpI32Shl             Opcode = 0x74
	OpI32ShrS            Opcode = 0x75
	OpI32ShrU            Opcode = 0x76
	OpI32Rotl            Opcode = 0x77
	OpI32Rotr            Opcode = 0x78
	OpI64Clz             Opcode = 0x79
	OpI64Ctz             Opcode = 0x7a
	OpI64Popcnt          Opcode = 0x7b
	OpI64Add             Opcode = 0x7c
	OpI64Sub             Opcode = 0x7d
	OpI64Mul             Opcode = 0x7e
	OpI64DivS            Opcode = 0x7f
	OpI64DivU            Opcode = 0x80
	OpI64RemS            Opcode = 0x81
	OpI64RemU            Opcode = 0x82
	OpI64And             Opcode = 0x83
	OpI64Or              Opcode = 0x84
	OpI64Xor             Opcode = 0x85
	OpI64Shl             Opcode = 0x86
	OpI64ShrS            Opcode = 0x87
	OpI64ShrU            Opcode = 0x88
	OpI64Rotl            Opcode = 0x89
	OpI64Rotr            Opcode = 0x8a
	OpF32Abs             Opcode = 0x8b
	OpF32Neg             Opcode = 0x8c
	OpF32Ceil            Opcode = 0x8d
	OpF32Floor           Opcode = 0x8e
	OpF32Trunc           Opcode = 0x8f
	OpF32Nearest         Opcode = 0x90
	OpF32Sqrt            Opcode = 0x91
	OpF32Add             Opcode = 0x92
	OpF32Sub             Opcode = 0x93
	OpF32Mul             Opcode = 0x94
	OpF32Div             Opcode = 0x95
	OpF32Min             Opcode = 0x96
	OpF32Max             Opcode = 0x97
	OpF32Copysign        Opcode = 0x98
	OpF64Abs             Opcode = 0x99
	OpF64Neg             Opcode = 0x9a
	OpF64Ceil            Opcode = 0x9b
	OpF64Floor           Opcode = 0x9c
	OpF64Trunc           Opcode = 0x9d
	OpF64Nearest         Opcode = 0x9e
	OpF64Sqrt            Opcode = 0x9f
	OpF64Add             Opcode = 0xa0
	OpF64Sub             Opcode = 0xa1
	OpF64Mul             Opcode = 0xa2
	OpF64Div             Opcode = 0xa3
	OpF64Min             Opcode = 0xa4
	OpF64Max             Opcode = 0xa5
	OpF64Copysign        Opcode = 0xa6
	OpI32WrapI64         Opcode = 0xa7
	OpI32TruncF32S       Opcode = 0xa8
	OpI32TruncF32U       Opcode = 0xa9
	OpI32TruncF64S       Opcode = 0xaa
	OpI32TruncF64U       Opcode = 0xab
	OpI64ExtendI32S      Opcode = 0xac
	OpI64ExtendI32U      Opcode = 0xad
	OpI64TruncF32S       Opcode = 0xae
	OpI64TruncF32U       Opcode = 0xaf
	OpI64TruncF64S       Opcode = 0xb0
	OpI64TruncF64U       Opcode = 0xb1
	OpF32ConvertI32S     Opcode = 0xb2
	OpF32ConvertI32U     Opcode = 0xb3
	OpF32ConvertI64S     Opcode = 0xb4
	OpF32ConvertI64U     Opcode = 0xb5
	OpF32DemoteF64       Opcode = 0xb6
	OpF64ConvertI32S     Opcode = 0xb7
	OpF64ConvertI32U     Opcode = 0xb8
	OpF64ConvertI64S     Opcode = 0xb9
	OpF64ConvertI64U     Opcode = 0xba
	OpF64PromoteF32      Opcode = 0xbb
	OpI32ReinterpretF32  Opcode = 0xbc
	OpI64ReinterpretF64  Opcode = 0xbd
	OpF32ReinterpretI32  Opcode = 0xbe
	OpF64ReinterpretI64  Opcode = 0xbf
	OpI32Extend8S        Opcode = 0xc0
	OpI32Extend16S       Opcode = 0xc1
	OpI64Extend8S        Opcode = 0xc2
	OpI64Extend16S       Opcode = 0xc3
	OpI64Extend32S       Opcode = 0xc4
	OpRefNull            Opcode = 0xd0
	OpRefIsNull          Opcode = 0xd1
	OpRefFunc            Opcode = 0xd2
	OpRefEq              Opcode = 0xd3
	OpRefAsNonNull       Opcode = 0xd4
	OpBrOnNull           Opcode = 0xd5
	OpBrOnNonNull        Opcode = 0xd6
)

// The garbage collection instructions.
const (
	OpStructNew        Opcode = PrefixGC + 0x00
	OpStructNewDefault Opcode = PrefixGC + 0x01
	OpStructGet        Opcode = PrefixGC + 0x02
	OpStructGetS       Opcode = PrefixGC + 0x03
	OpStructGetU       Opcode = PrefixGC + 0x04
	OpStructSet        Opcode = PrefixGC + 0x05
	OpArrayNew         Opcode = PrefixGC + 0x06
	OpArrayNewDefault  Opcode = PrefixGC + 0x07
	OpArrayNewFixed    Opcode = PrefixGC + 0x08
	OpArrayNewData     Opcode = PrefixGC + 0x09
	OpArrayNewElem     Opcode = PrefixGC + 0x0a
	OpArrayGet         Opcode = PrefixGC + 0x0b
	OpArrayGetS        Opcode = PrefixGC + 0x0c
	OpArrayGetU        Opcode = PrefixGC + 0x0d
	OpArraySet         Opcode = PrefixGC + 0x0e
	OpArrayLen         Opcode = PrefixGC + 0x0f
	OpArrayFill        Opcode = PrefixGC + 0x10
	OpArrayCopy        Opcode = PrefixGC + 0x11
	OpArrayInitData    Opcode = PrefixGC + 0x12
	OpArrayInitElem    Opcode = PrefixGC + 0x13
	OpRefTest          Opcode = PrefixGC + 0x14
	OpRefTestNull      Opcode = PrefixGC + 0x15
	OpRefCast          Opcode = PrefixGC + 0x16
	OpRefCastNull      Opcode = PrefixGC + 0x17
	OpBrOnCast         Opcode = PrefixGC + 0x18
	OpBrOnCastFail     Opcode = PrefixGC + 0x19
	OpAnyConvertExtern Opcode = PrefixGC + 0x1a
	OpExternConvertAny Opcode = PrefixGC + 0x1b
	OpRefI31           Opcode = PrefixGC + 0x1c
	OpI31GetS          Opcode = PrefixGC + 0x1d
	OpI31GetU          Opcode = PrefixGC + 0x1e
)

// The 0xfc instructions.
const (
	OpI32TruncSatF32S Opcode = PrefixMisc + 0x00
	OpI32TruncSatF32U Opcode = PrefixMisc + 0x01
	OpI32TruncSatF64S Opcode = PrefixMisc + 0x02
	OpI32TruncSatF64U Opcode = PrefixMisc + 0x03
	OpI64TruncSatF32S Opcode = PrefixMisc + 0x04
	OpI64TruncSatF32U Opcode = PrefixMisc + 0x05
	OpI64TruncSatF64S Opcode = PrefixMisc + 0x06
	OpI64TruncSatF64U Opcode = PrefixMisc + 0x07
	OpMemoryInit      Opcode = PrefixMisc + 0x08
	OpDataDrop        Opcode = PrefixMisc + 0x09
	OpMemoryCopy      Opcode = PrefixMisc + 0x0a
	OpMemoryFill      Opcode = PrefixMisc + 0x0b
	OpTableInit       Opcode = PrefixMisc + 0x0c
	OpElemDrop        Opcode = PrefixMisc + 0x0d
	OpTableCopy       Opcode = PrefixMisc + 0x0e
	OpTableGrow       Opcode = PrefixMisc + 0x0f
	OpTableSize       Opcode = PrefixMisc + 0x10
	OpTableFill       Opcode = PrefixMisc + 0x11
	OpI64Add128       Opcode = PrefixMisc + 0x13
	OpI64Sub128       Opcode = PrefixMisc + 0x14
	OpI64MulWideS     Opcode = PrefixMisc + 0x15
	OpI64MulWideU     Opcode = PrefixMisc + 0x16
)

// The vector instructions that code outside of the table asks for by name.
const (
	OpV128Load  Opcode = PrefixSIMD + 0x00
	OpV128Store Opcode = PrefixSIMD + 0x0b
	OpV128Const Opcode = PrefixSIMD + 0x0c
)

// The atomic instructions that code outside of the table asks for by name.
const (
	OpMemoryAtomicNotify Opcode = PrefixAtomic + 0x00
	OpMemoryAtomicWait32 Opcode = PrefixAtomic + 0x01
	OpMemoryAtomicWait64 Opcode = PrefixAtomic + 0x02
	OpAtomicFence        Opcode = PrefixAtomic + 0x03
)
