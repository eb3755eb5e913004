package symbol

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/ianlancetaylor/demangle"
)

// maxMangled is the length up to which a name is demangled. What templates make
// is seldom longer than half of it; the demangler has no limit of its own, and
// what is nested deeply costs it the square of the length.
const maxMangled = 1 << 12

// maxDemangled bounds what becomes of a name. References to earlier parts of
// it make the text exponentially longer.
const maxDemangled = 12 // as a power of two

// The ways to write names. wasm-ld and others write C++ names demangled already,
// with parameters and template arguments as LLVM writes them: in the same
// form a function has one name, whoever demangled it.
var (
	asRust = []demangle.Option{demangle.MaxLength(maxDemangled)}
	asCxx  = []demangle.Option{demangle.MaxLength(maxDemangled), demangle.LLVMStyle}
)

// legacy is how a mangled name of Rust's first mangling ends: a C++ name whose
// last part is a hash.
var legacy = regexp.MustCompile(`17h[0-9a-f]{16}E(\.|$)`)

// demangled reads a mangled name of Rust or C++.
func demangled(name string) (text string, rust, ok bool) {
	if !strings.HasPrefix(name, "_") || len(name) > maxMangled {
		return "", false, false
	}
	// Names come out of files, and the demangler indexes a lot: a name on which it
	// panics is one that cannot be read.
	defer func() {
		if recover() != nil {
			text, rust, ok = "", false, false
		}
	}()
	options := asCxx
	switch {
	case strings.HasPrefix(name, "_R"):
		rust, options = true, asRust
	case strings.HasPrefix(name, "_ZN") && legacy.MatchString(name):
		rust, options = true, asRust
		name = doubleUnderscores(name)
	}
	text, err := demangle.ToString(name, options...)
	if err != nil || text == "" {
		return "", false, false
	}
	text = strings.ToValidUTF8(text, "") // the limit may have cut a letter
	if rust {
		text = hash.ReplaceAllString(text, "")
	}
	return text, rust, true
}

// doubleUnderscores doubles the underscore that a part of a name of Rust's first
// mangling begins with. The demangler takes one for the separator between
// length and letters, which only the second mangling has: _print would be print.
func doubleUnderscores(name string) string {
	var b strings.Builder
	b.WriteString("_ZN")
	rest := name[len("_ZN"):]
	for rest != "" && rest[0] >= '0' && rest[0] <= '9' {
		id := strings.TrimLeft(rest, "0123456789")
		n, err := strconv.Atoi(rest[:len(rest)-len(id)])
		if err != nil || n > len(id) {
			return name
		}
		// In front of an escape it is not part of the name.
		if n > 0 && id[0] == '_' && !strings.HasPrefix(id, "_$") {
			b.WriteString(strconv.Itoa(n+1) + "_")
		} else {
			b.WriteString(strconv.Itoa(n))
		}
		b.WriteString(id[:n])
		rest = id[n:]
	}
	return b.String() + rest
}

// definedIn matches the start of a name of Rust's second mangling (RFC 2603) up
// to the length of the crate's name: an implementation begins with the path of
// its block, which is not part of the demangled name.
var definedIn = regexp.MustCompile(`^_R(?:N[A-Za-z]|I|[MX](?:s[0-9A-Za-z]*_)?)*C(?:s[0-9A-Za-z]*_)?([0-9]{1,4})_?`)

// crateHash is the hash of a crate in such a name.
var crateHash = regexp.MustCompile(`Cs[0-9A-Za-z]*_`)

// definingCrate is the crate of the code, as the start of a name of Rust's
// second mangling tells it; "" where it does not.
func definingCrate(mangled string) string {
	if m := definedIn.FindStringSubmatchIndex(mangled); m != nil {
		n, _ := strconv.Atoi(mangled[m[2]:m[3]]) // digits, and few
		if id := mangled[m[1]:]; n <= len(id) {
			return id[:n]
		}
	}
	return ""
}
