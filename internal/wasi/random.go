package wasi

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/wbundle/wbundle/internal/wit"
)

// maxRandom bounds one request for random bytes: 64 MiB.
const maxRandom = 64 << 20

// randomFuncs are those of wasi:random. The insecure ones are as good as the
// others.
func (h *Host) randomFuncs() {
	bytes := func(c *call) (wit.Value, error) {
		n := c.args[0].Uint()
		if n > maxRandom {
			return wit.Value{}, fmt.Errorf("%d random bytes are more than the host gives at once (%d)", n, maxRandom)
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(c.random(), b); err != nil {
			return wit.Value{}, err
		}
		return wit.Bytes(c.t.Result, b), nil
	}
	u64 := func(c *call) (uint64, error) {
		var b [8]byte
		_, err := io.ReadFull(c.random(), b[:])
		return binary.LittleEndian.Uint64(b[:]), err
	}
	one := func(c *call) (wit.Value, error) {
		x, err := u64(c)
		return wit.U64(x), err
	}
	h.funcs["wasi:random/random#get-random-bytes"] = bytes
	h.funcs["wasi:random/random#get-random-u64"] = one
	h.funcs["wasi:random/insecure#get-insecure-random-bytes"] = bytes
	h.funcs["wasi:random/insecure#get-insecure-random-u64"] = one
	h.funcs["wasi:random/insecure-seed#insecure-seed"] = func(c *call) (wit.Value, error) {
		a, err := u64(c)
		if err != nil {
			return wit.Value{}, err
		}
		b, err := u64(c)
		return wit.Record(c.t.Result, []wit.Value{wit.U64(a), wit.U64(b)}), err
	}
}

func (h *Host) random() io.Reader {
	if h.cfg.Random != nil {
		return h.cfg.Random
	}
	return rand.Reader
}
