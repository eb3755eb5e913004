package wasi

import (
	"strings"

	"github.com/wbundle/wbundle/internal/wit"
)

// cliFuncs are those of wasi:cli.
func (h *Host) cliFuncs() {
	h.funcs["wasi:cli/environment#get-environment"] = func(c *call) (wit.Value, error) {
		var env []wit.Value
		for _, e := range c.cfg.Env {
			k, v, _ := strings.Cut(e, "=")
			env = append(env, wit.Record(c.t.Result.Elem, []wit.Value{text(k), text(v)}))
		}
		return wit.List(c.t.Result, env), nil
	}
	h.funcs["wasi:cli/environment#get-arguments"] = func(c *call) (wit.Value, error) {
		var args []wit.Value
		for _, a := range c.cfg.Args {
			args = append(args, text(a))
		}
		return wit.List(c.t.Result, args), nil
	}
	h.funcs["wasi:cli/environment#initial-cwd"] = func(c *call) (wit.Value, error) {
		return wit.None(c.t.Result), nil
	}
	h.funcs["wasi:cli/exit#exit"] = func(c *call) (wit.Value, error) {
		return wit.Value{}, &Exit{uint32(c.args[0].Case())}
	}
	h.funcs["wasi:cli/exit#exit-with-code"] = func(c *call) (wit.Value, error) {
		return wit.Value{}, &Exit{uint32(c.args[0].Uint())}
	}
	h.funcs["wasi:cli/stdin#get-stdin"] = func(c *call) (wit.Value, error) {
		return c.handle(c.t.Result, &inputStream{r: c.stdin}), nil
	}
	h.funcs["wasi:cli/stdout#get-stdout"] = func(c *call) (wit.Value, error) {
		return c.handle(c.t.Result, &outputStream{w: c.cfg.Stdout}), nil
	}
	h.funcs["wasi:cli/stderr#get-stderr"] = func(c *call) (wit.Value, error) {
		return c.handle(c.t.Result, &outputStream{w: c.cfg.Stderr}), nil
	}
	// Streams that an embedder passes are no terminals.
	for _, name := range []string{"stdin", "stdout", "stderr"} {
		h.funcs["wasi:cli/terminal-"+name+"#get-terminal-"+name] = func(c *call) (wit.Value, error) {
			return wit.None(c.t.Result), nil
		}
	}
}

// text is a string that may come from anywhere: component strings are
// Unicode, an argument or file name need not be.
func text(s string) wit.Value { return wit.String(strings.ToValidUTF8(s, "\uFFFD")) }
