package conformance

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/wbundle/wbundle/internal/conformance/spectest"
)

// lanes splits a value into the numbers or patterns it is written as, with
// the width of each in bits.
func lanes(v *spectest.Value) (parts []string, width int, err error) {
	if v.Type == "v128" {
		if err := json.Unmarshal(v.Value, &parts); err != nil {
			return nil, 0, err
		}
		return parts, 128 / max(len(parts), 1), nil
	}
	var s string
	if err := json.Unmarshal(v.Value, &s); err != nil {
		return nil, 0, err
	}
	width = 64
	if strings.HasSuffix(v.Type, "32") {
		width = 32
	}
	return []string{s}, width, nil
}

// bits reads a number; negative ones are two's complement.
func bits(s string, width int) (uint64, error) {
	if strings.HasPrefix(s, "-") {
		n, err := strconv.ParseInt(s, 10, width)
		return uint64(n) & (math.MaxUint64 >> (64 - width)), err
	}
	return strconv.ParseUint(s, 10, width)
}

// reference reads a reference. wazero's null is 0, so that a script's number n
// is n+1 here.
func reference(v *spectest.Value) (uint64, error) {
	var s string
	if err := json.Unmarshal(v.Value, &s); err != nil || s == "null" {
		return 0, err
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n + 1, err
}

// argument returns a value in wazero's form: one word, two for a v128.
func argument(v *spectest.Value) ([]uint64, error) {
	if strings.Contains(v.Type, "ref") {
		n, err := reference(v)
		return []uint64{n}, err
	}
	parts, width, err := lanes(v)
	if err != nil {
		return nil, err
	}
	words := make([]uint64, (len(parts)*width+63)/64)
	for i, s := range parts {
		n, err := bits(s, width)
		if err != nil {
			return nil, err
		}
		words[i*width/64] |= n << (i * width % 64)
	}
	return words, nil
}

// equalResults compares results with what is expected of them.
func equalResults(want []spectest.Value, got []uint64) error {
	rest := got
	for i := range want {
		v := &want[i]
		n := 1
		if v.Type == "v128" {
			n = 2
		}
		if len(rest) < n {
			return fmt.Errorf("%d words of results, want %d values", len(got), len(want))
		}
		if err := equalValue(v, rest[:n]); err != nil {
			return fmt.Errorf("result %d is %#x: %w", i, rest[:n], err)
		}
		rest = rest[n:]
	}
	if len(rest) > 0 {
		return fmt.Errorf("%d words of results, want %d values", len(got), len(want))
	}
	return nil
}

// equalValue compares one value.
func equalValue(v *spectest.Value, got []uint64) error {
	if strings.Contains(v.Type, "ref") {
		if v.Type == "refnull" || len(v.Value) > 0 {
			var want uint64
			if v.Type != "refnull" {
				var err error
				if want, err = reference(v); err != nil {
					return err
				}
			}
			if got[0] != want {
				return fmt.Errorf("want reference %d", want)
			}
		}
		return nil
	}
	parts, width, err := lanes(v)
	if err != nil {
		return err
	}
	for i, s := range parts {
		lane := got[i*width/64] >> (i * width % 64) & (math.MaxUint64 >> (64 - width))
		if strings.HasPrefix(s, "nan:") {
			if !isNaN(lane, width, s) {
				return fmt.Errorf("want %s", s)
			}
			continue
		}
		n, err := bits(s, width)
		if err != nil {
			return err
		}
		if lane != n {
			return fmt.Errorf("want %#x", n)
		}
	}
	return nil
}

// isNaN checks a pattern: canonical has the quiet bit alone, arithmetic has it
// with whatever else.
func isNaN(x uint64, width int, pattern string) bool {
	exp, quiet := uint64(0x7f800000), uint64(1)<<22
	if width == 64 {
		exp, quiet = 0x7ff0000000000000, 1<<51
	}
	if pattern == "nan:canonical" {
		return x&(1<<(width-1)-1) == exp|quiet
	}
	return x&(exp|quiet) == exp|quiet
}
