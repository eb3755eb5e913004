package component

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// NameKind is the form of an import or export name (Explainer.md, "Import and
// Export Definitions").
type NameKind uint8

// The forms of names.
const (
	LabelName       NameKind = iota // run
	ConstructorName                 // [constructor]file
	MethodName                      // [method]file.read
	StaticName                      // [static]file.open
	InterfaceName                   // wasi:http/types@0.2.0
	URLName                         // url=<https://example.com/a.wasm>
	IntegrityName                   // integrity=<sha256-...>
	LockedDepName                   // locked-dep=<my:pkg@1.2.3>
	UnlockedDepName                 // unlocked-dep=<my:pkg@{>=1.2.3 <2.0.0}>
)

// ParsedName is an import or export name taken apart.
type ParsedName struct {
	Kind NameKind
	Text string // the whole name; a version suffix is joined to it

	Label    string // LabelName, MethodName, StaticName: the function (or other item)
	Resource string // ConstructorName, MethodName, StaticName
	Async    bool   // [async], [async method] or [async static]: older encoders
	Accessor string // "get" or "set", for names such as [get]label; else ""

	// Package is the package path without version, with all its namespaces:
	// "wasi:http", "a:b:c".
	Package string
	// Interface is the path inside the package: "types"; nested names have
	// slashes. Dependency names may do without.
	Interface string
	// Version has no leading @: "0.2.0", or "0.2" where the name has a
	// canonical version and no suffix; "" without version.
	Version string
	// Range is the version range of an UnlockedDepName, as written: "*",
	// "{>=1.2.3}".
	Range string

	URL       string // URLName
	Integrity string // IntegrityName, or the hash after URLName and LockedDepName

	// Implements is the interface that a label stands for, "" when the name
	// does not say: the implements option, or the prefix [implements=<...>].
	Implements string
}

// ParseName takes an import or export name apart. Errors quote the part that
// is wrong; they have no position.
func ParseName(text string) (ParsedName, error) {
	p := ParsedName{Text: text}
	if err := p.parse(text); err != nil {
		return ParsedName{}, fmt.Errorf("invalid name `%s`: %w", text, err)
	}
	return p, nil
}

// Parse takes n apart like ParseName, with its options applied: the version
// suffix completes the version of the interface (of the implemented one, when
// the name is a label), as Binary.md has it.
func (n *Name) Parse() (ParsedName, error) {
	text, implements := n.Text, ""
	for _, o := range n.Options {
		if o.Kind == NameOptImplements {
			implements = o.Text
		}
	}
	if n.Version != "" {
		target := &text
		if implements != "" {
			target = &implements
		}
		if !strings.Contains(*target, "@") {
			return ParsedName{}, fmt.Errorf("invalid name `%s`: version suffix `%s` without a version", n.Text, n.Version)
		}
		*target += n.Version
	}
	p, err := ParseName(text)
	if err != nil {
		return ParsedName{}, err
	}
	if implements != "" {
		i, err := ParseName(implements)
		if err != nil {
			return ParsedName{}, err
		}
		if i.Kind != InterfaceName {
			return ParsedName{}, fmt.Errorf("invalid name `%s`: implements `%s`, which is no interface", n.Text, implements)
		}
		p.Implements = implements
	}
	return p, nil
}

// ID is the name without its version: what must be equal for two versions to
// be of the same thing.
func (p *ParsedName) ID() string {
	if p.Kind == InterfaceName {
		return p.Package + "/" + p.Interface
	}
	return p.Text
}

// Track is the part of Version within which versions are compatible: the
// canonical version of Explainer.md. It is "1" for 1.2.3, "0.2" for 0.2.3, and
// the whole version (without build metadata) for 0.0.3 and for pre-releases.
func (p *ParsedName) Track() string { return versionTrack(p.Version) }

func (p *ParsedName) parse(s string) error {
	switch {
	case strings.HasPrefix(s, "url=<"):
		p.Kind = URLName
		url, rest, err := bracketed(s[len("url=<"):])
		if err != nil {
			return err
		}
		p.URL = url
		return p.hash(rest)
	case strings.HasPrefix(s, "integrity=<"):
		p.Kind = IntegrityName
		return p.hash("," + s)
	case strings.HasPrefix(s, "locked-dep=<"):
		p.Kind = LockedDepName
		dep, rest, err := bracketed(s[len("locked-dep=<"):])
		if err != nil {
			return err
		}
		if err := p.pkg(dep); err != nil {
			return err
		}
		return p.hash(rest)
	case strings.HasPrefix(s, "unlocked-dep=<"):
		p.Kind = UnlockedDepName
		dep, rest, err := bracketed(s[len("unlocked-dep=<"):])
		if err != nil {
			return err
		}
		if rest != "" {
			return fmt.Errorf("trailing `%s`", rest)
		}
		dep, p.Range, _ = strings.Cut(dep, "@")
		return p.pkg(dep)
	case strings.HasPrefix(s, "[implements=<"):
		name, rest, err := bracketed(s[len("[implements=<"):])
		if err != nil {
			return err
		}
		rest, ok := strings.CutPrefix(rest, "]")
		if !ok {
			return fmt.Errorf("expected `]` after `>`")
		}
		if i, err := ParseName(name); err != nil {
			return err
		} else if i.Kind != InterfaceName {
			return fmt.Errorf("`%s` is no interface", name)
		}
		p.Implements, p.Label = name, rest
		return kebab(rest)
	case strings.Contains(s, ":"):
		p.Kind = InterfaceName
		return p.pkg(s)
	}
	return p.plain(s)
}

// plain parses a label with its annotations.
func (p *ParsedName) plain(s string) error {
	for strings.HasPrefix(s, "[") {
		annotation, rest, ok := strings.Cut(s[1:], "]")
		if !ok {
			return fmt.Errorf("expected `]`")
		}
		s = rest
		word, async := strings.CutPrefix(annotation, "async ")
		first := p.Kind == LabelName && p.Accessor == "" && !p.Async
		switch {
		case annotation == "async" && first:
			p.Async = true
		case word == "method" && first:
			p.Kind, p.Async = MethodName, async
		case word == "static" && first:
			p.Kind, p.Async = StaticName, async
		case annotation == "constructor" && first:
			p.Kind = ConstructorName
		case (annotation == "get" || annotation == "set") && p.Accessor == "" && p.Kind != ConstructorName:
			p.Accessor = annotation
		default:
			return fmt.Errorf("unexpected annotation `[%s]`", annotation)
		}
	}
	switch p.Kind {
	case ConstructorName:
		p.Resource = s
		return kebab(s)
	case MethodName, StaticName:
		resource, label, ok := strings.Cut(s, ".")
		if !ok {
			return fmt.Errorf("expected `.` between resource and function")
		}
		p.Resource, p.Label = resource, label
		if err := kebab(resource); err != nil {
			return err
		}
		return kebab(label)
	}
	p.Label = s
	return kebab(s)
}

// pkg parses a package path, the projection that an interface name has, and a
// version.
func (p *ParsedName) pkg(s string) error {
	path, version, versioned := strings.Cut(s, "@")
	p.Package, p.Interface, _ = strings.Cut(path, "/")
	if p.Kind == InterfaceName && p.Interface == "" {
		return fmt.Errorf("expected `/` and an interface after package `%s`", path)
	}
	parts := strings.Split(p.Package, ":")
	if len(parts) < 2 {
		return fmt.Errorf("package `%s` has no namespace", p.Package)
	}
	for _, part := range parts {
		if err := kebab(part); err != nil {
			return err
		}
		if strings.ToLower(part) != part {
			return fmt.Errorf("`%s` is not lower case", part)
		}
	}
	if p.Interface != "" {
		for part := range strings.SplitSeq(p.Interface, "/") {
			if err := kebab(part); err != nil {
				return err
			}
		}
	}
	if !versioned {
		return nil
	}
	if !isVersion(version) {
		return fmt.Errorf("`%s` is not a semantic version", version)
	}
	p.Version = version
	return nil
}

// hash parses what may follow `>`: `,integrity=<...>`.
func (p *ParsedName) hash(s string) error {
	if s == "" {
		return nil
	}
	rest, ok := strings.CutPrefix(s, ",integrity=<")
	if !ok {
		return fmt.Errorf("expected `,integrity=<` at `%s`", s)
	}
	hash, rest, err := bracketed(rest)
	if err != nil {
		return err
	}
	if rest != "" {
		return fmt.Errorf("trailing `%s`", rest)
	}
	if strings.TrimSpace(hash) == "" {
		return fmt.Errorf("empty integrity hash")
	}
	p.Integrity = hash
	return nil
}

// bracketed returns what stands before and after the `>` that closes s.
// Version ranges have `>` inside braces.
func bracketed(s string) (inside, rest string, err error) {
	depth := 0
	for i, c := range s {
		switch c {
		case '{':
			depth++
		case '}':
			depth--
		case '>':
			if depth <= 0 {
				return s[:i], s[i+1:], nil
			}
		case '<':
			if depth <= 0 {
				return "", "", fmt.Errorf("unexpected `<`")
			}
		}
	}
	return "", "", fmt.Errorf("expected `>`")
}

func kebab(s string) error {
	if s == "" {
		return fmt.Errorf("empty label")
	}
	if !IsKebab(s) {
		return fmt.Errorf("`%s` is not in kebab case", s)
	}
	return nil
}

// IsKebab reports whether s is a label: words joined by single hyphens, each
// all lower or all upper case ASCII letters and digits; the first word starts
// with a letter (Explainer.md, label).
func IsKebab(s string) bool {
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for word := range strings.SplitSeq(s, "-") {
		if word == "" {
			return false
		}
		lower, upper := false, false
		for _, c := range []byte(word) {
			switch {
			case c >= 'a' && c <= 'z':
				lower = true
			case c >= 'A' && c <= 'Z':
				upper = true
			case c < '0' || c > '9':
				return false
			}
		}
		if lower && upper {
			return false
		}
	}
	return true
}

// isVersion reports whether v is a full semantic version or a canonical one
// ("1", "0.2").
func isVersion(v string) bool {
	if !semver.IsValid("v" + v) {
		return false
	}
	core, _, _ := strings.Cut(v, "+")
	core, _, _ = strings.Cut(core, "-")
	return strings.Count(core, ".") == 2 || versionTrack(v) == v && v != "0" && v != "0.0"
}

// versionTrack is the canonical version of v (see ParsedName.Track).
func versionTrack(v string) string {
	if v == "" {
		return ""
	}
	v = strings.TrimSuffix(v, semver.Build("v"+v))
	if semver.Prerelease("v"+v) != "" {
		return v
	}
	major, rest, _ := strings.Cut(v, ".")
	minor, _, _ := strings.Cut(rest, ".")
	switch {
	case major != "0":
		return major
	case minor != "0" && minor != "":
		return major + "." + minor
	}
	return v
}

// SemverCompatible reports whether a and b name the same item in versions of
// one track: the same major version, below 1.0.0 the same minor version, below
// 0.1.0 and for pre-releases exactly the same version. Names that are no
// interfaces must be equal.
func SemverCompatible(a, b ParsedName) bool {
	return a.Kind == b.Kind && a.ID() == b.ID() && (a.Version == "") == (b.Version == "") && a.Track() == b.Track()
}

// Better reports whether a has a higher version than b; a version is higher
// than none. Build metadata does not count.
func Better(a, b ParsedName) bool {
	if a.Version == "" || b.Version == "" {
		return a.Version != "" && b.Version == ""
	}
	return semver.Compare("v"+a.Version, "v"+b.Version) > 0
}
