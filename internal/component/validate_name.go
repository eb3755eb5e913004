package component

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Names of imports and exports (Explainer.md, "Import and Export Definitions"):
// their form beyond what Name.Parse checks, that they are strongly unique, and
// that those of methods and accessors fit the function.

// externSet is what a scope imports or exports.
type externSet struct {
	externs
	keys  map[string]string // canonical names, for strong uniqueness
	types typeNames         // the types that have a name there

	// The resources imported or exported at the top, by name: methods refer
	// to them.
	resources     map[*Resource]string
	resourceNames map[string]struct{}
}

func newExternSet() externSet {
	return externSet{keys: map[string]string{}, types: newTypeNames(),
		resources: map[*Resource]string{}, resourceNames: map[string]struct{}{}}
}

func (x *externSet) nameResource(r *Resource, name string) {
	x.resources[r] = name
	x.resourceNames[name] = struct{}{}
}

// canonicalLabel is what strong uniqueness compares of a label.
func canonicalLabel(s string) string {
	return strings.ToLower(strings.ReplaceAll(s, "-", ""))
}

// canonicalName is what strong uniqueness compares of a name: annotations that
// bindings do not show are left out, so that `[method]a.b` and `[static]a.b`
// are the same, and `[method]a.a` is the same as `a`.
func canonicalName(p *ParsedName) string {
	switch p.Kind {
	case ConstructorName:
		return "[constructor]" + canonicalLabel(p.Resource)
	case LabelName, MethodName, StaticName:
		name := canonicalLabel(p.Label)
		if p.Kind != LabelName {
			resource := canonicalLabel(p.Resource)
			if resource == name {
				return name
			}
			name = resource + "." + name
		}
		if p.Accessor == "set" {
			return "[set]" + name
		}
		return name
	case InterfaceName:
		path, version, _ := strings.Cut(p.Text, "@")
		return canonicalLabel(path) + "@" + version
	}
	return p.Text
}

// externName checks the name of an import or export, adds it to set, and the
// extent of e to x.
func (v *validator) externName(set *externSet, kind externKind, name *Name, e entity, x *extent) error {
	for _, text := range append([]NameOption{{Text: name.Text}}, name.Options...) {
		if len(text.Text) > maxName {
			return tooMany("bytes in a name", maxName)
		}
	}
	p, err := ParseName(name.Text)
	if err != nil {
		return err
	}
	if err := checkNameForm(kind, name, &p, e); err != nil {
		return err
	}
	if err := set.checkFunc(&p, e); err != nil {
		return fmt.Errorf("%s name `%s` is not valid: %w", kind, name.Text, err)
	}
	key := canonicalName(&p)
	if prev, dup := set.keys[key]; dup {
		return fmt.Errorf("%s name `%s` conflicts with previous name `%s`", kind, name.Text, prev)
	}
	set.keys[key] = name.Text
	if p.Accessor == "set" {
		if err := v.checkSetter(set, &p, e.fn); err != nil {
			return fmt.Errorf("%s `%s` %w", kind, name.Text, err)
		}
	}
	set.add(name.Text, e)
	return x.add(v.extentOf(e))
}

// checkNameForm checks what of a name depends on its options, on the direction
// and on what it names.
func checkNameForm(kind externKind, name *Name, p *ParsedName, e entity) error {
	if p.Async || p.Implements != "" {
		return fmt.Errorf("%s name `%s` has an annotation of an older proposal", kind, name.Text)
	}
	if kind == externExport && p.Kind >= URLName {
		return fmt.Errorf("name `%s` is not a valid export name", name.Text)
	}
	var implements, suffix *string
	for i := range name.Options {
		switch o := &name.Options[i]; o.Kind {
		case NameOptImplements:
			implements = &o.Text
		case NameOptVersionSuffix:
			suffix = &o.Text
		}
	}
	if suffix == nil && name.Version != "" {
		suffix = &name.Version
	}
	if (suffix != nil || implements != nil) && e.sort != SortInstance {
		return fmt.Errorf("%s `%s`: only instances can have a version suffix or `implements`", kind, name.Text)
	}
	if suffix != nil && *suffix == "" {
		return fmt.Errorf("%s `%s`: version suffix cannot be empty", kind, name.Text)
	}
	versioned := p
	if implements != nil {
		if p.Kind != LabelName || p.Accessor != "" {
			return fmt.Errorf("name `%s` is not valid with `implements`", name.Text)
		}
		i, err := ParseName(*implements)
		if err != nil {
			return err
		}
		if i.Kind != InterfaceName {
			return fmt.Errorf("name `%s` must be an interface", *implements)
		}
		versioned = &i
	}
	if suffix != nil && versioned.Kind != InterfaceName {
		return fmt.Errorf("%s `%s`: a version suffix requires an interface name or `implements`", kind, name.Text)
	}
	return checkVersions(versioned, suffix)
}

// checkVersions checks the version, version range and hash of a name.
func checkVersions(p *ParsedName, suffix *string) error {
	switch {
	case suffix != nil && p.Version == "":
		return fmt.Errorf("`%s`: a version suffix requires a version", p.Text)
	case suffix != nil:
		full := p.Version + *suffix
		if err := fullVersion(full); err != nil {
			return err
		}
		if versionTrack(full) != p.Version {
			return fmt.Errorf("`%s` is not the canonical version of `%s`", p.Version, full)
		}
	case p.Version != "":
		if err := fullVersion(p.Version); err != nil {
			return err
		}
	}
	if p.Range != "" || p.Kind == UnlockedDepName && strings.HasSuffix(p.Text, "@>") {
		if err := versionRange(p.Range); err != nil {
			return err
		}
	}
	if p.Kind == IntegrityName || p.Integrity != "" {
		return integrity(p.Integrity)
	}
	return nil
}

// fullVersion returns an error unless s has the three numbers of a semantic
// version, in 64 bits as every implementation has them.
func fullVersion(s string) error {
	core, _, _ := strings.Cut(s, "+")
	core, _, _ = strings.Cut(core, "-")
	ok := isVersion(s) && strings.Count(core, ".") == 2
	for n := range strings.SplitSeq(core, ".") {
		_, err := strconv.ParseUint(n, 10, 64)
		ok = ok && err == nil
	}
	if !ok {
		return fmt.Errorf("invalid interface version: `%s` is not a full semantic version", s)
	}
	return nil
}

// versionRange checks a verrange: `*`, `{>=a}`, `{<b}` or `{>=a <b}`.
func versionRange(s string) error {
	if s == "*" {
		return nil
	}
	inner, open := strings.CutPrefix(s, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if !open || !closed {
		return fmt.Errorf("version range `%s` has no braces", s)
	}
	if inner == "*" {
		return nil
	}
	upper := inner
	if lower, ok := strings.CutPrefix(inner, ">="); ok {
		lower, rest, both := strings.Cut(lower, " ")
		if err := fullVersion(lower); err != nil || !both {
			return err
		}
		upper = rest
	}
	upper, ok := strings.CutPrefix(upper, "<")
	if !ok {
		return fmt.Errorf("version range `%s` must start with `>=` or `<`", inner)
	}
	return fullVersion(upper)
}

// integrity checks integrity metadata: hashes with spaces between.
func integrity(s string) error {
	hashes := strings.Fields(s)
	if len(hashes) == 0 {
		return fmt.Errorf("integrity hash cannot be empty")
	}
	for _, h := range hashes {
		algorithm, hash, ok := strings.Cut(h, "-")
		if !ok {
			return fmt.Errorf("expected `-` after the hash algorithm in `%s`", h)
		}
		switch algorithm {
		case "sha256", "sha384", "sha512":
		default:
			return fmt.Errorf("unrecognized hash algorithm `%s`", algorithm)
		}
		hash, _, _ = strings.Cut(hash, "?")
		// As in other implementations the hash need not have a length that
		// decodes, so the alphabet is checked on whole groups.
		digits := strings.TrimRight(hash, "=")
		whole := digits + strings.Repeat("A", (4-len(digits)%4)%4)
		if _, err := base64.StdEncoding.DecodeString(whole); err != nil || digits == "" || len(hash)-len(digits) > 2 {
			return fmt.Errorf("not valid base64: `%s`", hash)
		}
	}
	return nil
}

// checkFunc checks that the item fits a name with annotations.
func (x *externSet) checkFunc(p *ParsedName, e entity) error {
	if p.Kind == LabelName && p.Accessor == "" || p.Kind >= InterfaceName {
		return nil
	}
	f := e.fn
	if f == nil {
		return fmt.Errorf("it is a %s, not a function", e.sort)
	}
	switch p.Kind {
	case ConstructorName:
		if f.Async {
			return fmt.Errorf("constructor function cannot be async")
		}
		if f.Result == nil {
			return fmt.Errorf("constructor should return a value")
		}
		own := f.Result
		if own.Kind == KindResult && own.Ok != nil {
			own = own.Ok
		}
		if own.Kind != KindOwn {
			return fmt.Errorf("constructor should return `own<%s>` or `result<own<%s>>`", p.Resource, p.Resource)
		}
		return x.checkResource(own.Resource, p.Resource)
	case MethodName:
		if len(f.Params) == 0 || f.Params[0].Name != "self" {
			return fmt.Errorf("method should have a first parameter called `self`")
		}
		self := f.Params[0].Type
		if self.Kind != KindBorrow {
			return fmt.Errorf("`self` should be a `borrow<%s>`", p.Resource)
		}
		if err := x.checkResource(self.Resource, p.Resource); err != nil {
			return err
		}
	case StaticName:
		if _, ok := x.resourceNames[p.Resource]; !ok {
			return fmt.Errorf("static resource name `%s` is not known in this context", p.Resource)
		}
	}
	if p.Accessor != "" {
		return checkAccessor(p, f)
	}
	return nil
}

func (x *externSet) checkResource(r *Resource, name string) error {
	known, ok := x.resources[r]
	if !ok {
		return fmt.Errorf("the resource of the function does not have a name in this context")
	}
	if known != name {
		return fmt.Errorf("the resource of the function is named `%s`", known)
	}
	return nil
}

// checkAccessor checks a getter or setter.
func checkAccessor(p *ParsedName, f *funcType) error {
	if f.Async {
		return fmt.Errorf("%ster function cannot be async", p.Accessor)
	}
	params := len(f.Params)
	if p.Kind == MethodName {
		params-- // self
	}
	if p.Accessor == "get" {
		switch {
		case params != 0:
			return fmt.Errorf("getter function should have no parameters of its own")
		case f.Result == nil, f.Result.Kind == KindResult && f.Result.Ok == nil:
			return fmt.Errorf("getter function should return a value")
		}
		return nil
	}
	if params != 1 {
		return fmt.Errorf("setter function should have one parameter of its own")
	}
	if f.Result != nil && (f.Result.Kind != KindResult || f.Result.Ok != nil) {
		return fmt.Errorf("setter function should return nothing or a `result` without a value")
	}
	return nil
}

// checkSetter checks that the getter that belongs to a setter came before it.
func (v *validator) checkSetter(set *externSet, p *ParsedName, f *funcType) error {
	getter := strings.Replace(p.Text, "[set]", "[get]", 1)
	e, ok := set.get(getter)
	if !ok {
		return fmt.Errorf("requires a preceding `%s`", getter)
	}
	// Both have the shape that checkAccessor demands.
	property := e.fn.Result
	if property.Kind == KindResult {
		property = property.Ok
	}
	if err := v.subtyping().val(f.Params[len(f.Params)-1].Type, property); err != nil {
		return fmt.Errorf("must take what `%s` returns: %w", getter, err)
	}
	return nil
}
