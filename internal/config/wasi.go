package config

import (
	"regexp"

	"gopkg.in/yaml.v3"
)

// WASI says what the bundle makes of the host's WASI.
type WASI struct {
	Default string            // "" or allow, deny, stub
	Rules   map[string]string // package, interface or function -> allow, deny or stub
	Forbid  []string          // what must not be imported
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
	"env":  later[WASI](),
	"args": later[WASI](),
	"fs":   later[WASI](),
}

// wasiName complains unless a node names a part of WASI.
func (w *walker) wasiName(n *yaml.Node) {
	if !wasiName.MatchString(n.Value) {
		w.errorf(n, "%q is not a part of WASI; write wasi:sockets, wasi:random/random or wasi:random/random#get-random-u64", n.Value)
	}
}
