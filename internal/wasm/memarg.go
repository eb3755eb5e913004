package wasm

// MemArg is the immediate of loads, stores and atomic accesses.
type MemArg struct {
	Align uint32 // the exponent: the access is aligned to 1<<Align bytes
	// Memory is the memory index. HasMemory says that it was written out;
	// one other than 0 always is.
	Memory    uint32
	HasMemory bool
	Offset    uint64 // in bytes
}

// The bits of the flags that open a memarg.
const (
	memArgAlign     = 0x3f
	memArgHasMemory = 0x40
)

// memArgFlags is the negative position for flags with unknown bits; the other
// codes are those of lebU32.
const memArgFlags = -10

func readMemArg(b []byte, p int) (m MemArg, next int) {
	flags, p := lebU32(b, p)
	if p < 0 {
		return m, p
	}
	if flags > memArgAlign|memArgHasMemory {
		return m, memArgFlags
	}
	m.Align = flags & memArgAlign
	if flags&memArgHasMemory != 0 {
		m.HasMemory = true
		if m.Memory, p = lebU32(b, p); p < 0 {
			return m, p
		}
	}
	m.Offset, p = lebU64(b, p)
	return m, p
}

// ReadMemArg reads the memarg at the start of b and returns it with the number
// of bytes it takes, 0 when it is malformed or cut off. On the bytes of a
// SiteMemArg it always succeeds.
func ReadMemArg(b []byte) (MemArg, int) {
	m, n := readMemArg(b, 0)
	return m, max(n, 0)
}

// AppendMemArg appends m; the form with a memory index is used when the index
// is not 0 or m.HasMemory asks for it.
func AppendMemArg(dst []byte, m MemArg) []byte {
	if m.Memory == 0 && !m.HasMemory {
		return AppendU64(AppendU32(dst, m.Align), m.Offset)
	}
	dst = AppendU32(dst, m.Align|memArgHasMemory)
	dst = AppendU32(dst, m.Memory)
	return AppendU64(dst, m.Offset)
}
