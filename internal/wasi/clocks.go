package wasi

import (
	"context"
	"time"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

// clockFuncs are those of wasi:clocks.
func (h *Host) clockFuncs() {
	h.funcs["wasi:clocks/wall-clock#now"] = func(c *call) (wit.Value, error) {
		return datetime(c.t.Result, c.now()), nil
	}
	h.funcs["wasi:clocks/wall-clock#resolution"] = func(c *call) (wit.Value, error) {
		return wit.Record(c.t.Result, []wit.Value{wit.U64(0), wit.U32(1)}), nil
	}
	h.funcs["wasi:clocks/monotonic-clock#now"] = func(c *call) (wit.Value, error) {
		return wit.U64(c.monotonic()), nil
	}
	h.funcs["wasi:clocks/monotonic-clock#resolution"] = func(c *call) (wit.Value, error) {
		return wit.U64(1), nil
	}
	h.funcs["wasi:clocks/monotonic-clock#subscribe-instant"] = func(c *call) (wit.Value, error) {
		return c.handle(c.t.Result, &timer{h: c.Host, when: c.args[0].Uint()}), nil
	}
	h.funcs["wasi:clocks/monotonic-clock#subscribe-duration"] = func(c *call) (wit.Value, error) {
		now := c.monotonic()
		when := now + c.args[0].Uint()
		if when < now {
			when = ^uint64(0) // never
		}
		return c.handle(c.t.Result, &timer{h: c.Host, when: when}), nil
	}
}

// datetime is a point in time as wasi:clocks/wall-clock writes it. Times
// before 1970 become 1970.
func datetime(t *component.ValType, at time.Time) wit.Value {
	if at.Unix() < 0 {
		at = time.Unix(0, 0)
	}
	return wit.Record(t, []wit.Value{wit.U64(uint64(at.Unix())), wit.U32(uint32(at.Nanosecond()))})
}

// timer is a pollable that is ready from an instant on.
type timer struct {
	h    *Host
	when uint64
}

func (t *timer) ready() bool { return t.h.monotonic() >= t.when }

func (t *timer) wait(ctx context.Context) {
	now := t.h.monotonic()
	if now >= t.when {
		return
	}
	d := time.Duration(min(t.when-now, uint64(1<<62)))
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
