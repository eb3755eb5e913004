// Package symbol reads the names that compilers give to functions: it
// demangles those of Rust and C++, and tells which crate, package or namespace
// a function belongs to, as far as its name tells.
//
// What cannot be read stays as it is. Nothing here fails.
package symbol

import (
	"cmp"
	"regexp"
	"strings"
)

// Language is the language of a module, where that changes what a name means.
type Language int

// The languages. Names of Rust, C++ and Swift say by themselves what they are;
// a dot means a package only in Go.
const (
	Unknown Language = iota
	Go
)

// Symbol is a name, read.
type Symbol struct {
	// Name is for people: demangled, without hashes.
	Name string
	// Package is the crate, Go package, C++ namespace or Swift module; "" when
	// the name does not tell.
	Package string
	// Key is the same for the same function of two builds: hashes and the
	// numbers that compilers append are gone, overloads stay apart.
	Key string
}

// counter is what compilers append to make names differ.
var counter = regexp.MustCompile(`(\.(llvm|isra|part|constprop|cold|warm))*\.[0-9]+$|\.cold$`)

// hash is the last part of a legacy Rust path.
var hash = regexp.MustCompile(`::h[0-9a-f]{16}$`)

// Parse reads a name.
func Parse(name string, lang Language) Symbol {
	base := name
	for strings.Contains(base, ".") { // few do, and the expression takes longer than all else
		cut := counter.ReplaceAllString(base, "")
		if cut == base || cut == "" {
			break
		}
		base = cut
	}
	if text, rust, ok := demangled(base); ok {
		if rust {
			// Of an implementation the crate is the one that it stands in, which is not
			// always that of the type.
			return Symbol{text, cmp.Or(definingCrate(base), rustCrate(text)), text}
		}
		return Symbol{text, cxxNamespace(text), base}
	}
	if crate := definingCrate(base); crate != "" {
		// The demangler cannot read all of them. Hashes of crates change.
		return Symbol{name, crate, crateHash.ReplaceAllString(base, "C")}
	}
	if hash.MatchString(base) {
		path := hash.ReplaceAllString(base, "")
		return Symbol{path, rustCrate(path), path}
	}
	s := Symbol{Name: name, Key: base}
	switch {
	case lang == Go:
		s.Package = goPackage(base)
		if s.Package != "" {
			s.Name, s.Key = name, name // closures are numbered: main.main.func1.2
		}
	case strings.HasPrefix(base, "$s") || strings.HasPrefix(base, "$S"):
		s.Package = swiftModule(base[2:])
	case strings.Contains(base, "::"):
		s.Package = cxxNamespace(base)
	}
	return s
}

// rustCrate is the first crate that a demangled path names. In an
// implementation of a trait for what is no path, that is the trait's.
func rustCrate(path string) string {
	rest := strings.TrimLeft(path, "<&*([")
	for _, skip := range []string{"mut ", "const ", "dyn "} {
		rest = strings.TrimPrefix(rest, skip)
	}
	end := strings.IndexFunc(rest, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if end < 0 {
		return "" // a plain name, without a path
	}
	if end > 0 && strings.HasPrefix(rest[end:], "::") {
		return rest[:end]
	}
	if _, trait, ok := strings.Cut(path, " as "); ok {
		return rustCrate(trait)
	}
	return ""
}

// cxxNamespace is the namespace or class that a demangled C++ name begins
// with. Templates write their result in front of the name, so it is the first
// qualifier after the last space, all outside of brackets.
func cxxNamespace(name string) string {
	flat := strings.ReplaceAll(name, "(anonymous namespace)", "anonymous")
	depth, start, namespace := 0, 0, ""
	for i := range len(flat) {
		before := flat[:i]
		switch flat[i] {
		case '<', '[':
			depth++
		case '>', ']', ')':
			if !strings.HasSuffix(before, "-") {
				depth--
			}
		case '(':
			if depth == 0 && !strings.HasSuffix(before, "decltype") {
				return namespace // parameters
			}
			depth++
		case ' ':
			if depth == 0 && !strings.HasSuffix(before, "operator") {
				start, namespace = i+1, ""
			}
		case ':':
			if depth == 0 && namespace == "" && strings.HasPrefix(flat[i:], "::") {
				namespace, _, _ = strings.Cut(flat[start:i], "<")
			}
		}
	}
	return namespace
}

// goPackage is the import path of a Go name: net/http of net/http.(*conn).serve
// and of (*net/http.conn).serve, as TinyGo writes it.
func goPackage(name string) string {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "("), "*")
	for _, prefix := range []string{"type:.eq.", "type:.hash.", "go:"} {
		name = strings.TrimPrefix(name, prefix)
	}
	end := strings.IndexAny(name, "([{ ")
	if end < 0 {
		end = len(name)
	}
	slash := strings.LastIndexByte(name[:end], '/')
	dot := strings.IndexByte(name[slash+1:end], '.')
	if dot <= 0 {
		return ""
	}
	return name[:slash+1+dot]
}

// swiftModule is the first identifier of a mangled Swift name: 4main3foo.
func swiftModule(name string) string {
	n, i := 0, 0
	for i < len(name) && name[i] >= '0' && name[i] <= '9' && n < 1000 {
		n = n*10 + int(name[i]-'0')
		i++
	}
	switch {
	case n > 0 && i+n <= len(name):
		return name[i : i+n]
	case strings.HasPrefix(name, "s"):
		return "Swift" // the standard library has a letter
	}
	return ""
}
