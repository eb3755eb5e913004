package config

import (
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// field is what the tables say of one key of an object of type T.
type field[T any] struct {
	read func(w *walker, n *yaml.Node, into *T)
	// words is set for keys whose value is one of a few words; the schema
	// must list the same.
	words *enum
	// later marks a key of the design that this version does not have yet: it
	// gets its own message, for it is not a typing error.
	later bool
}

// object is the table of one kind of mapping.
type object[T any] map[string]field[T]

// later is the field of a key that is not there yet.
func later[T any]() field[T] { return field[T]{later: true} }

// word is the field of a key whose value is one of the words of e.
func word[T any](e enum, set func(into *T, s string)) field[T] {
	return field[T]{words: &e, read: func(w *walker, n *yaml.Node, into *T) {
		if s := w.word(n, e); s != "" {
			set(into, s)
		}
	}}
}

// walk reads the mapping n into into, key by key.
func (o object[T]) walk(w *walker, n *yaml.Node, into *T) {
	w.mapping(n, func(key, value *yaml.Node) {
		f, ok := o[key.Value]
		switch {
		case !ok:
			// The complaint is about the key, not under it.
			path := strings.Join(w.path[:len(w.path)-1], ".")
			w.errorAt(Pos{key.Line, key.Column}, path, "unknown key %q%s", key.Value, DidYouMean(key.Value, o.keys()))
		case f.later:
			w.errorf(key, "not available yet")
		default:
			f.read(w, value, into)
		}
	})
}

// keys lists the keys that are available.
func (o object[T]) keys() []string {
	var keys []string
	for k, f := range o {
		if !f.later {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// The words of the configuration; Words gives cmd the same for its flags.
var words = map[string]enum{
	"format":     {values: []string{"core", "component"}, later: []string{"esm"}},
	"memory":     {values: []string{"auto", "single", "multi"}, later: []string{"separate"}},
	"isolation":  {values: []string{"auto", "none", "mask", "trap", "required"}},
	"dedupe":     {values: []string{"off", "auto"}, later: []string{"exact", "text"}},
	"optimize":   {values: []string{"none", "size", "speed"}},
	"names":      {values: []string{"keep", "strip"}},
	"metadata":   {values: []string{"keep", "strip"}},
	"unresolved": {values: []string{"error", "import", "trap"}},
	"policy":     {values: []string{"allow", "deny", "stub"}},
	"target": {values: []string{"wazero", "wasi-preview1"}, later: []string{
		"wasmtime", "wasmedge", "fastly", "browser", "node", "workers", "spin", "wasmcloud",
	}},
}

// CheckWord returns an error when value is not one that the setting takes: the
// values of flags are those of the configuration.
func CheckWord(setting, value string) error {
	if msg := words[setting].check(value); msg != "" {
		return fmt.Errorf("%s", msg)
	}
	return nil
}

// Values lists the values that a setting takes.
func Values(setting string) []string { return slices.Clone(words[setting].values) }

// draft is a Config under construction: what the whole-file checks need
// besides the result.
type draft struct {
	Config
	version bool
	rootPos Pos
	// importers is where each importer of graph.connect stands.
	importers map[string]Pos
	profiles  map[string]*yaml.Node
}

// config walks the root of the document. It validates every profile, applies
// the one that was asked for, and checks what only the whole can tell.
func (w *walker) config(root *yaml.Node, profile string) *Config {
	var d draft
	d.reset()
	rootTable().walk(w, root, &d)
	for _, name := range slices.Sorted(maps.Keys(d.profiles)) {
		var scratch draft
		scratch.reset()
		w.in("profiles", func() {
			w.in(name, func() { profileTable().walk(w, d.profiles[name], &scratch) })
		})
	}
	if profile != "" {
		overlay, ok := d.profiles[profile]
		if !ok {
			w.errorAt(Pos{}, "", "there is no profile %q%s", profile, DidYouMean(profile, slices.Collect(maps.Keys(d.profiles))))
			return &d.Config
		}
		if len(w.errs) == 0 {
			// Everything is well-formed, so this walk adds no complaints
			// of its own but those of the whole.
			merged := merge(root, overlay, nil)
			d.reset()
			rootTable().walk(w, merged, &d)
		}
	}
	if !d.version {
		w.errorAt(Pos{root.Line, root.Column}, "", "missing key \"version\"; write `version: 1`")
	}
	w.whole(&d)
	return &d.Config
}

// reset puts the defaults into d.
func (d *draft) reset() {
	*d = draft{}
	d.Graph.Auto = true
	d.Graph.Unresolved = "error"
	d.Link = Link{Memory: "auto", Isolation: "auto", Dedupe: "auto", Names: "strip", Metadata: "keep"}
}

// merge lays the mapping over on top of base: mappings are merged key by key,
// everything else is replaced. One input is one value: half of an input and
// half of another (its path, the other's hash) would be neither.
func merge(base, over *yaml.Node, path []string) *yaml.Node {
	for base.Kind == yaml.AliasNode {
		base = base.Alias
	}
	for over.Kind == yaml.AliasNode {
		over = over.Alias
	}
	oneInput := len(path) == 2 && path[0] == "inputs"
	if base.Kind != yaml.MappingNode || over.Kind != yaml.MappingNode || oneInput {
		return over
	}
	out := *base
	out.Content = slices.Clone(base.Content)
next:
	for i := 0; i+1 < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		for j := 0; j+1 < len(out.Content); j += 2 {
			if out.Content[j].Value == key.Value {
				out.Content[j+1] = merge(out.Content[j+1], value, append(path, key.Value))
				continue next
			}
		}
		out.Content = append(out.Content, key, value)
	}
	return &out
}

// rootTable is the table of the file.
func rootTable() object[draft] {
	t := profileTable()
	t["version"] = field[draft]{read: func(w *walker, n *yaml.Node, d *draft) {
		d.version = true
		if v, ok := w.integer(n); ok && v != 1 {
			w.errorf(n, "version %d is not known to this wbundle; it reads version 1", v)
		}
	}}
	t["profiles"] = field[draft]{read: func(w *walker, n *yaml.Node, d *draft) {
		d.profiles = map[string]*yaml.Node{}
		w.mapping(n, func(key, value *yaml.Node) { d.profiles[key.Value] = value })
	}}
	return t
}

// packageName is a component model package name with an optional version.
var packageName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*(:[a-z][a-z0-9]*(-[a-z0-9]+)*)(@[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?)?$`)

// profileTable is the table of what a profile may change: everything but the
// version and the profiles.
func profileTable() object[draft] {
	return object[draft]{
		"name": {read: func(w *walker, n *yaml.Node, d *draft) {
			s, ok := w.text(n, "a package name")
			if ok && !packageName.MatchString(s) {
				w.errorf(n, "%q is not a package name; write namespace:name or namespace:name@1.2.3, in lower case", s)
			}
			d.Name = s
		}},
		"inputs": {read: readInputs},
		"graph": {read: func(w *walker, n *yaml.Node, d *draft) {
			graphTable.walk(w, n, d)
		}},
		"exports": {read: func(w *walker, n *yaml.Node, d *draft) { exportsTable.walk(w, n, &d.Exports) }},
		"link":    {read: func(w *walker, n *yaml.Node, d *draft) { linkTable.walk(w, n, &d.Link) }},
		"outputs": {read: readOutputs},
		"verify":  {read: func(w *walker, n *yaml.Node, d *draft) { verifyTable.walk(w, n, &d.Verify) }},
		"wasi":    {read: func(w *walker, n *yaml.Node, d *draft) { wasiTable.walk(w, n, &d.WASI) }},
		"budgets": later[draft](),
		"report":  {read: func(w *walker, n *yaml.Node, d *draft) { reportTable.walk(w, n, &d.Reports) }},
	}
}

// inputDraft is an input before its glob is expanded.
type inputDraft struct {
	Input
	glob string
}

var inputTable = object[inputDraft]{
	"path": {read: func(w *walker, n *yaml.Node, in *inputDraft) {
		if s, ok := w.text(n, "a path"); ok {
			in.Path = w.resolvePath(s)
		}
	}},
	"glob": {read: func(w *walker, n *yaml.Node, in *inputDraft) { in.glob, _ = w.text(n, "a pattern") }},
	"sha256": {read: func(w *walker, n *yaml.Node, in *inputDraft) {
		s, ok := w.scalar(n, "64 hexadecimal digits")
		if b, err := hex.DecodeString(s); ok && (err != nil || len(b) != 32) {
			w.errorf(n, "want 64 hexadecimal digits, got %d characters", len(s))
		}
		in.SHA256 = strings.ToLower(s)
	}},
	"memory-limit": {read: func(w *walker, n *yaml.Node, in *inputDraft) {
		const page = 64 << 10
		size, ok := w.size(n)
		if ok && (size == 0 || size > 4<<30) {
			w.errorf(n, "want a size between 64 KiB and 4 GiB")
		}
		in.MemoryLimit = size / page * page
		if ok && size > 0 && in.MemoryLimit == 0 {
			w.errorf(n, "is less than a page of memory (64 KiB)")
		}
	}},
	"package": later[inputDraft](),
	"version": later[inputDraft](), // of a package
	"oci":     later[inputDraft](),
}

// inputID is what an input may be called: it must survive connect flags
// (IMPORTER:IMPORT=PROVIDER#EXPORT) and id=path arguments.
var inputID = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+/-]*$`)

// CheckID returns an error unless id can name an input.
func CheckID(id string) error {
	if !inputID.MatchString(id) {
		return fmt.Errorf("%q cannot name an input; use letters, digits and . _ - + /", id)
	}
	return nil
}

func readInputs(w *walker, n *yaml.Node, d *draft) {
	w.mapping(n, func(key, value *yaml.Node) {
		if err := CheckID(key.Value); err != nil {
			w.errorf(key, "%v", err)
		}
		in := inputDraft{Input: Input{ID: key.Value, Pos: Pos{value.Line, value.Column}}}
		if value.Kind == yaml.ScalarNode {
			s, ok := w.text(value, "a path or a mapping")
			if !ok {
				return
			}
			in.Path = w.resolvePath(s)
			d.Inputs = append(d.Inputs, in.Input)
			return
		}
		before := len(w.errs)
		inputTable.walk(w, value, &in)
		switch {
		case len(w.errs) > before:
		case in.glob != "" && in.Path != "":
			w.errorf(value, "has both path and glob; one of them it must be")
		case in.glob != "" && in.SHA256 != "":
			w.errorf(value, "sha256 goes with path, not with glob")
		case in.glob != "":
			d.Inputs = append(d.Inputs, w.expand(value, in)...)
		case in.Path == "":
			w.errorf(value, "needs a path or a glob")
		default:
			d.Inputs = append(d.Inputs, in.Input)
		}
	})
}

// expand turns a glob into its files, sorted; each is called ID/NAME.
func (w *walker) expand(n *yaml.Node, in inputDraft) []Input {
	files, err := filepath.Glob(w.resolvePath(in.glob))
	if err != nil {
		w.errorf(n, "bad pattern %q: %v", in.glob, err)
		return nil
	}
	if len(files) == 0 {
		w.errorf(n, "no file matches %q", in.glob)
		return nil
	}
	slices.Sort(files)
	var inputs []Input
	for _, file := range files {
		one := in.Input
		one.ID = in.ID + "/" + BaseID(file)
		one.Path = file
		if err := CheckID(one.ID); err != nil {
			w.errorf(n, "file %s: %v", file, err)
		}
		inputs = append(inputs, one)
	}
	return inputs
}

// BaseID is what an input is called after its file: the base name without .wasm.
func BaseID(file string) string {
	return strings.TrimSuffix(filepath.Base(file), ".wasm")
}

// resolvePath makes a path of the file relative to where wbundle runs.
func (w *walker) resolvePath(p string) string {
	p = filepath.FromSlash(p)
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(w.dir, p)
}

var graphTable = object[draft]{
	"root": {read: func(w *walker, n *yaml.Node, d *draft) {
		d.rootPos = Pos{n.Line, n.Column}
		d.Graph.Root, _ = w.text(n, "an input id")
	}},
	"auto": {read: func(w *walker, n *yaml.Node, d *draft) {
		if v, ok := w.boolean(n); ok {
			d.Graph.Auto = v
		}
	}},
	"connect":          {read: readConnect},
	"unresolved":       word(words["unresolved"], func(d *draft, s string) { d.Graph.Unresolved = s }),
	"dedupe-instances": later[draft](),
}

func readConnect(w *walker, n *yaml.Node, d *draft) {
	d.Graph.Connect = map[string]map[string]Provider{}
	d.importers = map[string]Pos{}
	w.mapping(n, func(importer, imports *yaml.Node) {
		d.importers[importer.Value] = Pos{importer.Line, importer.Column}
		providers := map[string]Provider{}
		w.mapping(imports, func(key, value *yaml.Node) {
			p := Provider{Pos: Pos{value.Line, value.Column}}
			if value.Kind == yaml.ScalarNode {
				p.From, _ = w.text(value, "an input id")
			} else {
				before := len(w.errs)
				providerTable.walk(w, value, &p)
				if p.From == "" && len(w.errs) == before {
					w.errorf(value, "needs `from`, the id of an input")
				}
			}
			providers[key.Value] = p
		})
		d.Graph.Connect[importer.Value] = providers
	})
}

var providerTable = object[Provider]{
	"from":   {read: func(w *walker, n *yaml.Node, p *Provider) { p.From, _ = w.text(n, "an input id") }},
	"export": {read: func(w *walker, n *yaml.Node, p *Provider) { p.Export, _ = w.text(n, "an export name") }},
}

var exportsTable = object[Exports]{
	"keep": {read: func(w *walker, n *yaml.Node, e *Exports) {
		w.sequence(n, func(_ int, item *yaml.Node) {
			if s, ok := w.text(item, "an export name"); ok {
				e.Keep = append(e.Keep, s)
			}
		})
		if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
			w.errorf(n, "keeps nothing; leave the key out to keep every export of the root")
		}
	}},
	"rename": {read: func(w *walker, n *yaml.Node, e *Exports) {
		e.Rename = map[string]string{}
		taken := map[string]string{}
		w.mapping(n, func(key, value *yaml.Node) {
			s, ok := w.text(value, "the new name")
			if !ok {
				return
			}
			if other, dup := taken[s]; dup {
				w.errorf(value, "%q is already the new name of %q", s, other)
			}
			taken[s] = key.Value
			e.Rename[key.Value] = s
		})
	}},
	"entry": later[Exports](),
}

var linkTable = object[Link]{
	"memory":    word(words["memory"], func(l *Link, s string) { l.Memory = s }),
	"isolation": word(words["isolation"], func(l *Link, s string) { l.Isolation = s }),
	"dedupe":    word(words["dedupe"], func(l *Link, s string) { l.Dedupe = s }),
	"optimize":  word(words["optimize"], func(l *Link, s string) { l.Optimize = s }),
	"names":     word(words["names"], func(l *Link, s string) { l.Names = s }),
	"metadata":  word(words["metadata"], func(l *Link, s string) { l.Metadata = s }),
	"reproducible": {read: func(w *walker, n *yaml.Node, _ *Link) {
		if v, ok := w.boolean(n); ok && !v {
			w.errorf(n, "false is not available: the same inputs always give the same bytes")
		}
	}},
}

var outputTable = object[Output]{
	"format": word(words["format"], func(o *Output, s string) { o.Format = s }),
	"path": {read: func(w *walker, n *yaml.Node, o *Output) {
		if s, ok := w.text(n, "a path"); ok {
			o.Path = w.resolvePath(s)
		}
	}},
	"memory": word(words["memory"], func(o *Output, s string) { o.Memory = s }),
	"target": word(words["target"], func(o *Output, s string) { o.Target = s }),
	"types":  later[Output](),
}

func readOutputs(w *walker, n *yaml.Node, d *draft) {
	w.sequence(n, func(_ int, item *yaml.Node) {
		before := len(w.errs)
		o := Output{Pos: Pos{item.Line, item.Column}}
		outputTable.walk(w, item, &o)
		if len(w.errs) == before {
			if o.Format == "" {
				w.errorf(item, "needs a format: core or component")
			}
			if o.Path == "" {
				w.errorf(item, "needs a path")
			}
		}
		d.Outputs = append(d.Outputs, o)
	})
}

var verifyTable = object[Verify]{
	"differential": {read: func(w *walker, n *yaml.Node, v *Verify) {
		if b, ok := w.boolean(n); ok {
			v.Differential = &b
		}
	}},
	"timeout": {read: func(w *walker, n *yaml.Node, v *Verify) {
		if d, ok := w.duration(n); ok {
			v.Timeout = d
		}
	}},
	"cases": {read: readCases},
}

var caseTable = object[Case]{
	"name":   {read: func(w *walker, n *yaml.Node, c *Case) { c.Name, _ = w.scalar(n, "a name") }},
	"invoke": {read: func(w *walker, n *yaml.Node, c *Case) { c.Invoke, _ = w.text(n, "a call, such as add(2, 3)") }},
	"run": {read: func(w *walker, n *yaml.Node, c *Case) {
		c.Run = []string{}
		w.sequence(n, func(_ int, item *yaml.Node) {
			if s, ok := w.scalar(item, "an argument"); ok {
				c.Run = append(c.Run, s)
			}
		})
	}},
	// What expect may be depends on the other keys: see readCases.
	"expect": {read: func(*walker, *yaml.Node, *Case) {}},
}

var expectTable = object[Expect]{
	"trap": {read: func(w *walker, n *yaml.Node, e *Expect) {
		v, ok := w.boolean(n)
		if ok && !v {
			w.errorf(n, "want true; a call that must not trap has its result as expect")
		}
		e.Trap = v
	}},
	"exit": {read: func(w *walker, n *yaml.Node, e *Expect) { e.Exit, _ = w.integer(n) }},
	"stdout": {read: func(w *walker, n *yaml.Node, e *Expect) {
		if s, ok := w.scalar(n, "a text"); ok {
			e.Stdout = &s
		}
	}},
}

func readCases(w *walker, n *yaml.Node, v *Verify) {
	names := map[string]int{}
	w.sequence(n, func(_ int, item *yaml.Node) {
		before := len(w.errs)
		c := Case{Pos: Pos{item.Line, item.Column}}
		caseTable.walk(w, item, &c)
		if len(w.errs) > before {
			return
		}
		expect := get(w, item, "expect")
		switch {
		case c.Invoke != "" && c.Run != nil:
			w.errorf(item, "has both invoke and run; a case is one or the other")
		case c.Invoke != "" && expect == nil:
			w.errorf(item, "needs expect: the result, or { trap: true }")
		case c.Invoke != "":
			w.in("expect", func() { c.Expect = w.callOutcome(expect) })
		case c.Run != nil:
			if expect != nil {
				w.in("expect", func() { c.Expect = w.runOutcome(expect) })
			}
		default:
			w.errorf(item, "needs invoke (a call) or run (arguments of a command)")
		}
		if c.Name == "" {
			c.Name = c.Invoke
			if c.Run != nil {
				c.Name = strings.Join(c.Run, " ")
			}
		} else if line := names[c.Name]; line > 0 {
			w.errorf(item, "the case on line %d is called %q too", line, c.Name)
		}
		names[c.Name] = item.Line
		v.Cases = append(v.Cases, c)
	})
}

// callOutcome reads the expect of a call: a value, or that it traps.
func (w *walker) callOutcome(n *yaml.Node) Expect {
	var e Expect
	if n.Kind != yaml.MappingNode {
		e.Value, _ = w.scalar(n, "a value in WAVE, or { trap: true }")
		return e
	}
	before := len(w.errs)
	expectTable.walk(w, n, &e)
	if !e.Trap && len(w.errs) == before {
		w.errorf(n, "want a value in WAVE, or { trap: true }; exit and stdout go with run")
	}
	return e
}

// runOutcome reads the expect of a command: exit code and output.
func (w *walker) runOutcome(n *yaml.Node) Expect {
	var e Expect
	before := len(w.errs)
	expectTable.walk(w, n, &e)
	if e.Trap && len(w.errs) == before {
		w.errorf(n, "trap goes with invoke; a command that traps has a non-zero exit")
	}
	return e
}

// get returns the value of a key of a mapping, or nil.
func get(w *walker, n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if w.resolve(n.Content[i]).Value == key {
			return w.resolve(n.Content[i+1])
		}
	}
	return nil
}
