package config

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// WASI says what the bundle makes of the host's WASI.
type WASI struct {
	Default string            // "" or allow, deny, stub
	Rules   map[string]string // package, interface or function -> allow, deny or stub
	Forbid  []string          // what must not be imported
	Env     *Env              // nil: the host's
	Args    []string          // the program's name first; nil: the host's
	Mounts  []Mount           // in the order of the file
}

// Env is the environment that the bundle has in it.
type Env struct {
	Set  map[string]string
	Pass []string // names of variables of the host
}

// Mount is a directory whose files become part of the bundle.
type Mount struct {
	Guest string // the path that programs see, absolute and clean
	Dir   string // the directory to read
	Pos   Pos    // of Dir
}

// wasiName is what a rule may be about: wasi:pkg, wasi:pkg/iface@0.2.12,
// wasi:pkg/iface#function.
var wasiName = regexp.MustCompile(`^wasi:[a-z0-9-]+(/[a-z0-9-]+)?(@[0-9][0-9A-Za-z.+-]*)?(#.+)?$`)

var wasiTable = object[WASI]{
	"default": word(words["policy"], func(c *WASI, s string) { c.Default = s }),
	"rules": {read: func(w *walker, n *yaml.Node, c *WASI) {
		c.Rules = map[string]string{}
		w.mapping(n, func(key, value *yaml.Node) {
			w.wasiName(key)
			if s := w.word(value, words["policy"]); s != "" {
				c.Rules[key.Value] = s
			}
		})
	}},
	"forbid": {read: func(w *walker, n *yaml.Node, c *WASI) {
		w.sequence(n, func(_ int, item *yaml.Node) {
			if s, ok := w.text(item, "a WASI package, interface or function"); ok {
				w.wasiName(item)
				c.Forbid = append(c.Forbid, s)
			}
		})
	}},
	"env": {read: func(w *walker, n *yaml.Node, c *WASI) {
		var e Env
		envTable.walk(w, n, &e)
		if e.Set == nil && e.Pass == nil {
			return // all of it commented out
		}
		c.Env = &e
		if list := get(w, n, "pass"); list != nil && len(e.Pass) > 0 {
			w.in("pass", func() {
				w.sequence(list, func(_ int, item *yaml.Node) {
					if _, set := e.Set[item.Value]; set {
						w.errorf(item, "%s has a value under set; a variable is set or passed on", item.Value)
					}
				})
			})
		}
	}},
	"args": {read: func(w *walker, n *yaml.Node, c *WASI) {
		if isNull(n) {
			return
		}
		c.Args = []string{}
		w.sequence(n, func(_ int, item *yaml.Node) {
			if s, ok := w.value(item, "an argument"); ok {
				c.Args = append(c.Args, s)
			}
		})
	}},
	"fs": {read: func(w *walker, n *yaml.Node, c *WASI) { fsTable.walk(w, n, c) }},
}

// envTable is the table of wasi.env.
var envTable = object[Env]{
	"set": {read: func(w *walker, n *yaml.Node, e *Env) {
		e.Set = map[string]string{}
		w.mapping(n, func(key, value *yaml.Node) {
			w.variable(key)
			if s, ok := w.value(value, "a value"); ok {
				e.Set[key.Value] = s
			}
		})
	}},
	"pass": {read: func(w *walker, n *yaml.Node, e *Env) {
		e.Pass = []string{}
		w.sequence(n, func(_ int, item *yaml.Node) {
			s, ok := w.text(item, "the name of a variable")
			if !ok {
				return
			}
			w.variable(item)
			if slices.Contains(e.Pass, s) {
				w.errorf(item, "%s is there twice", s)
			}
			e.Pass = append(e.Pass, s)
		})
	}},
}

// variable complains unless a node is the name of a variable.
func (w *walker) variable(n *yaml.Node) {
	if n.Value == "" || strings.ContainsAny(n.Value, "=\x00") {
		w.errorf(n, "%q cannot be the name of a variable: it is empty, or has a '=' or a zero byte in it", n.Value)
	}
}

// value returns the text of a scalar that can be an argument or the value of a
// variable.
func (w *walker) value(n *yaml.Node, what string) (string, bool) {
	s, ok := w.scalar(n, what)
	if ok && strings.ContainsRune(s, 0) {
		w.errorf(n, "%q has a zero byte in it, where %s ends", s, what)
		ok = false
	}
	return s, ok
}

// fsTable is the table of wasi.fs.
var fsTable = object[WASI]{
	"mount": {read: func(w *walker, n *yaml.Node, c *WASI) {
		c.Mounts = nil
		w.mapping(n, func(key, value *yaml.Node) {
			guest := key.Value
			if !path.IsAbs(guest) || path.Clean(guest) != guest || strings.ContainsRune(guest, 0) {
				hint := ""
				if clean := path.Clean("/" + guest); guest != "" {
					hint = "; did you mean " + strconv.Quote(clean) + "?"
				}
				w.errorf(key, "%q is not the absolute path of a directory%s", guest, hint)
				return
			}
			dir, ok := w.text(value, "a directory, relative to this file")
			if !ok {
				return
			}
			c.Mounts = append(c.Mounts, Mount{Guest: guest, Dir: w.resolvePath(dir), Pos: Pos{value.Line, value.Column}})
		})
	}},
}

// wasiName complains unless a node names a part of WASI.
func (w *walker) wasiName(n *yaml.Node) {
	if !wasiName.MatchString(n.Value) {
		w.errorf(n, "%q is not a part of WASI; write wasi:sockets, wasi:random/random or wasi:random/random#get-random-u64", n.Value)
	}
}
