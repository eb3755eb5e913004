package config

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/wbundle/wbundle/internal/nearest"
)

// maxDepth stops a walk through aliases that contain themselves; the
// configuration itself is six levels deep.
const maxDepth = 32

// walker collects the complaints of one walk; no method stops at the first.
type walker struct {
	file string
	dir  string
	path []string // keys above the current node
	errs Errors
}

// errorf complains about n, under the key the walker is at.
func (w *walker) errorf(n *yaml.Node, format string, args ...any) {
	pos := Pos{}
	if n != nil {
		pos = Pos{n.Line, n.Column}
	}
	w.errorAt(pos, strings.Join(w.path, "."), format, args...)
}

func (w *walker) errorAt(pos Pos, key, format string, args ...any) {
	w.errs = append(w.errs, &Error{File: w.file, Pos: pos, Key: key, Msg: fmt.Sprintf(format, args...)})
}

// in runs f with key added to the path.
func (w *walker) in(key string, f func()) {
	w.path = append(w.path, key)
	f()
	w.path = w.path[:len(w.path)-1]
}

// yamlLine takes the line out of the parser's messages.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// document parses data and returns the node of its only document.
func (w *walker) document(data []byte) *yaml.Node {
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			w.errorAt(Pos{}, "", "the file is empty; it needs `version: 1` and inputs")
			return nil
		}
		w.syntax(err)
		return nil
	}
	if err := dec.Decode(&more); err == nil {
		w.errorAt(Pos{more.Line, more.Column}, "", "a second document starts here; a configuration is one")
		return nil
	} else if !errors.Is(err, io.EOF) {
		w.syntax(err)
		return nil
	}
	if len(doc.Content) == 0 {
		w.errorAt(Pos{}, "", "the file is empty; it needs `version: 1` and inputs")
		return nil
	}
	return w.resolve(doc.Content[0])
}

func (w *walker) syntax(err error) {
	pos, msg := Pos{}, err.Error()
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		pos.Line, _ = strconv.Atoi(m[1])
		msg = m[2]
	}
	w.errorAt(pos, "", "not valid YAML: %s", msg)
}

// resolve follows an alias to the node it stands for.
func (w *walker) resolve(n *yaml.Node) *yaml.Node {
	for i := 0; n.Kind == yaml.AliasNode; i++ {
		if i == maxDepth {
			w.errorf(n, "alias *%s refers to itself", n.Value)
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line, Column: n.Column}
		}
		n = n.Alias
	}
	return n
}

// kindName is what a person calls the kind of n.
func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!null":
			return "nothing"
		case "!!bool":
			return "the boolean " + n.Value
		case "!!int", "!!float":
			return "the number " + n.Value
		}
		return strconv.Quote(n.Value)
	}
	return "something else"
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// mapping calls f for every key of the mapping n. An empty value counts as an
// empty mapping: that is what is left when all the keys are commented out.
func (w *walker) mapping(n *yaml.Node, f func(key *yaml.Node, value *yaml.Node)) {
	n = w.resolve(n)
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		w.errorf(n, "want a mapping, got %s", kindName(n))
		return
	}
	if len(w.path) > maxDepth {
		w.errorf(n, "nested too deeply (an alias that contains itself?)")
		return
	}
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := w.resolve(n.Content[i])
		if key.Kind != yaml.ScalarNode {
			w.errorf(key, "want a key, got %s", kindName(key))
			continue
		}
		if key.ShortTag() == "!!merge" {
			w.errorf(key, "merge keys (<<) are not supported; write a profile instead")
			continue
		}
		if first := seen[key.Value]; first != nil {
			w.errorf(key, "key %q is already on line %d", key.Value, first.Line)
			continue
		}
		seen[key.Value] = key
		value := w.resolve(n.Content[i+1])
		w.in(key.Value, func() { f(key, value) })
	}
}

// sequence calls f for every item of the list n.
func (w *walker) sequence(n *yaml.Node, f func(i int, item *yaml.Node)) {
	n = w.resolve(n)
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		w.errorf(n, "want a list, got %s", kindName(n))
		return
	}
	if len(w.path) > maxDepth {
		w.errorf(n, "nested too deeply (an alias that contains itself?)")
		return
	}
	for i, item := range n.Content {
		w.in(strconv.Itoa(i), func() { f(i, w.resolve(item)) })
	}
}

// scalar returns the text of any scalar, quoted or not: 5, "5" and true.
func (w *walker) scalar(n *yaml.Node, what string) (string, bool) {
	if n.Kind != yaml.ScalarNode || isNull(n) {
		w.errorf(n, "want %s, got %s", what, kindName(n))
		return "", false
	}
	return n.Value, true
}

// text returns a string that is not empty.
func (w *walker) text(n *yaml.Node, what string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		hint := ""
		if n.Kind == yaml.ScalarNode && !isNull(n) {
			hint = "; put it in quotes"
		}
		w.errorf(n, "want %s, got %s%s", what, kindName(n), hint)
		return "", false
	}
	if n.Value == "" {
		w.errorf(n, "want %s, got an empty string", what)
		return "", false
	}
	return n.Value, true
}

func (w *walker) boolean(n *yaml.Node) (value, ok bool) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!bool" {
		switch n.Value {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	w.errorf(n, "want true or false, got %s", kindName(n))
	return false, false
}

func (w *walker) integer(n *yaml.Node) (int, bool) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!int" {
		if i, err := strconv.Atoi(n.Value); err == nil {
			return i, true
		}
	}
	w.errorf(n, "want a whole number, got %s", kindName(n))
	return 0, false
}

func (w *walker) size(n *yaml.Node) (uint64, bool) {
	s, ok := w.scalar(n, "a size, such as 64 MiB")
	if !ok {
		return 0, false
	}
	size, err := ParseSize(s)
	if err != nil {
		w.errorf(n, "%v", err)
		return 0, false
	}
	return size, true
}

func (w *walker) duration(n *yaml.Node) (time.Duration, bool) {
	s, ok := w.scalar(n, "a duration, such as 10s")
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		w.errorf(n, "%q is not a duration; write a number with a unit, such as 10s or 500ms", s)
		return 0, false
	}
	return d, true
}

// enum is a closed set of words; later are those of the design that this
// version does not have yet.
type enum struct{ values, later []string }

// Check returns the complaint about a value that is not in e, or "".
func (e enum) check(s string) string {
	switch {
	case slices.Contains(e.values, s):
		return ""
	case slices.Contains(e.later, s):
		return fmt.Sprintf("%q is not available yet; there is %s", s, strings.Join(e.values, ", "))
	}
	if hint := nearest.Hint(s, e.values); hint != "" {
		return fmt.Sprintf("unknown value %q%s", s, hint)
	}
	return fmt.Sprintf("unknown value %q; there is %s", s, strings.Join(e.values, ", "))
}

func (w *walker) word(n *yaml.Node, e enum) string {
	s, ok := w.text(n, "one of "+strings.Join(e.values, ", "))
	if !ok {
		return ""
	}
	if msg := e.check(s); msg != "" {
		w.errorf(n, "%s", msg)
		return ""
	}
	return s
}
