package runtime

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// limitsModule has one memory of a page, a function that grows it by its
// argument, and one that runs for ever; start says that it does so on its own.
//
//	(module (memory (export "memory") 1)
//	  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
//	  (func $loop (export "_start") (loop (br 0))))
func limitsModule(start bool) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00" +
		"\x01\x09\x02\x60\x01\x7f\x01\x7f\x60\x00\x00" + // types
		"\x03\x03\x02\x00\x01" + // functions
		"\x05\x03\x01\x00\x01" + // memory
		"\x07\x1a\x03\x06memory\x02\x00\x04grow\x00\x00\x06_start\x00\x01")
	if start {
		b = append(b, "\x08\x01\x01"...)
	}
	return append(b, "\x0a\x10\x02\x06\x00\x20\x00\x40\x00\x0b\x07\x00\x03\x40\x0c\x00\x0b\x0b"...)
}

func TestMemoryLimit(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		limit uint64
		call  string
		want  string
	}{
		{0, "grow(100)", "1"}, {4 << 16, "grow(3)", "1"}, {4 << 16, "grow(4)", "-1"}, {5<<16 - 1, "grow(4)", "-1"}, {4 << 16, "grow(-1)", "-1"},
	} {
		inst, err := Open(ctx, limitsModule(false), Config{MemoryLimit: c.limit})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := inst.Invoke(ctx, c.call); err != nil || got != c.want {
			t.Errorf("limit %d: %s = %s, %v; want %s", c.limit, c.call, got, err, c.want)
		}
		if err := inst.Close(ctx); err != nil {
			t.Error(err)
		}
	}
	if inst, err := Open(ctx, limitsModule(false), Config{MemoryLimit: 1}); err == nil {
		inst.Close(ctx)
		t.Error("a module that needs more than the limit runs")
	}
	// The memories of an unbundled component.
	for _, file := range calcFiles {
		_, err := Open(ctx, testdata(t, file), Config{MemoryLimit: 1, Name: file})
		if err == nil || !strings.Contains(err.Error(), "memory") {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestDeadline(t *testing.T) {
	within := func(t *testing.T, f func(ctx context.Context) error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		if err := f(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("it took %v", d)
		}
	}
	t.Run("call", func(t *testing.T) {
		inst, err := Open(context.Background(), limitsModule(false), Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer inst.Close(context.Background())
		within(t, func(ctx context.Context) error {
			_, err := inst.Call(ctx, "_start")
			return err
		})
		if _, err := inst.Invoke(context.Background(), "grow(0)"); err == nil {
			t.Error("the instance goes on")
		}
	})
	t.Run("start", func(t *testing.T) {
		within(t, func(ctx context.Context) error {
			_, err := Open(ctx, limitsModule(true), Config{})
			return err
		})
	})
	t.Run("run", func(t *testing.T) {
		within(t, func(ctx context.Context) error {
			_, err := Run(ctx, limitsModule(false), Config{})
			return err
		})
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(20*time.Millisecond, cancel)
		if _, err := Run(ctx, limitsModule(false), Config{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}
