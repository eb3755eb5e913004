package wasm

import (
	"bytes"
	"fmt"
	"strings"
)

// Error is a defect of an input: what was wrong and where. It is the error
// type of this package (and of the component decoder that reads with Reader);
// get at it with errors.As.
type Error struct {
	Input   string // what the bytes are called: a file name, usually
	Section string // such as "type section"; may be empty
	Offset  int64  // bytes from the start of the input; negative: no position
	Msg     string // lower case, no final period
}

// Error formats e as "a.wasm: type section: offset 0x2a: unexpected end".
func (e *Error) Error() string {
	var s strings.Builder
	if e.Input != "" {
		s.WriteString(e.Input)
		s.WriteString(": ")
	}
	if e.Section != "" {
		s.WriteString(e.Section)
		s.WriteString(": ")
	}
	if e.Offset >= 0 {
		fmt.Fprintf(&s, "offset 0x%x: ", e.Offset)
	}
	s.WriteString(e.Msg)
	return s.String()
}

// Magic is the four bytes every core module and component starts with.
const Magic = "\x00asm"

// The version and layer words that follow Magic (little endian).
const (
	coreVersion     = 1
	componentLayer  = 1 // in the upper half of the word
	preambleLen     = 8
	textSniffLength = 4096
)

// Format is what the first bytes of a file say it is.
type Format uint8

// The formats that Sniff tells apart.
const (
	FormatUnknown   Format = iota
	FormatModule           // a core module, version 1
	FormatComponent        // a component (layer 1, any version)
	FormatText             // WebAssembly text
)

// Sniff looks at the start of b and says what kind of file it is. It reads no
// more than the preamble (for text, the leading white space and comments).
func Sniff(b []byte) Format {
	if len(b) >= preambleLen && string(b[:4]) == Magic {
		version := uint16(b[4]) | uint16(b[5])<<8
		layer := uint16(b[6]) | uint16(b[7])<<8
		switch {
		case layer == 0 && version == coreVersion:
			return FormatModule
		case layer == componentLayer:
			return FormatComponent
		}
		return FormatUnknown
	}
	if _, ok := sniffText(b); ok {
		return FormatText
	}
	return FormatUnknown
}

// sniffText reports the keyword b opens with, such as "(module", if b looks
// like WebAssembly text.
func sniffText(b []byte) (string, bool) {
	b = b[:min(len(b), textSniffLength)]
	for {
		b = bytes.TrimLeft(b, " \t\r\n\ufeff")
		if !bytes.HasPrefix(b, []byte(";;")) {
			break
		}
		_, rest, found := bytes.Cut(b, []byte("\n"))
		if !found {
			return "", false
		}
		b = rest
	}
	for _, word := range []string{"(module", "(component"} {
		if bytes.HasPrefix(b, []byte(word)) {
			return word, true
		}
	}
	return "", false
}

// checkPreamble returns an error unless b starts with the preamble of a core
// module; the error says what b is instead when that can be told.
func checkPreamble(input string, b []byte) error {
	fail := func(off int64, format string, args ...any) error {
		return &Error{Input: input, Offset: off, Msg: fmt.Sprintf(format, args...)}
	}
	if len(b) == 0 {
		return fail(0, "file is empty")
	}
	n := min(len(b), len(Magic))
	if string(b[:n]) != Magic[:n] {
		if word, ok := sniffText(b); ok {
			return fail(0, "looks like WebAssembly text (starts with `%s`): assemble it with wasm-tools parse", word)
		}
		return fail(0, "not WebAssembly: starts with % x, want 00 61 73 6d (magic header not detected)", b[:n])
	}
	if len(b) < preambleLen {
		return fail(int64(len(b)), "unexpected end of the preamble (needs %d more bytes)", preambleLen-len(b))
	}
	version := uint16(b[4]) | uint16(b[5])<<8
	layer := uint16(b[6]) | uint16(b[7])<<8
	switch {
	case layer == componentLayer:
		return fail(4, "is a component (version 0x%x, layer 1), not a core module", version)
	case layer != 0 || version != coreVersion:
		return fail(4, "unknown binary version %d (layer %d), want version 1", version, layer)
	}
	return nil
}
