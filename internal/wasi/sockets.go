package wasi

import (
	"github.com/wbundle/wbundle/internal/wit"
)

// network is a wasi:sockets/network that leads nowhere.
type network struct{}

// socketFuncs are those of wasi:sockets, which are denied: no socket comes
// into being, so that the methods of sockets have nothing to be called on.
func (h *Host) socketFuncs() {
	denied := func(c *call) (wit.Value, error) { return c.fail("access-denied") }
	h.funcs["wasi:sockets/instance-network#instance-network"] = func(c *call) (wit.Value, error) {
		return c.handle(c.t.Result, &network{}), nil
	}
	h.funcs["wasi:sockets/tcp-create-socket#create-tcp-socket"] = denied
	h.funcs["wasi:sockets/udp-create-socket#create-udp-socket"] = denied
	h.funcs["wasi:sockets/ip-name-lookup#resolve-addresses"] = denied
}
