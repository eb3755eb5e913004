package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// units are the suffixes ParseSize knows: kB counts in thousands, KiB in 1024.
var units = []struct {
	name  string
	bytes uint64
}{
	{"B", 1},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9},
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
}

// ParseSize reads a number of bytes: "64 MiB", "900 kB", "1.5MB", "4096".
func ParseSize(s string) (uint64, error) {
	s = strings.TrimSpace(s)
	end := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' && r != '_' })
	if end < 0 {
		end = len(s)
	}
	number, unit := strings.ReplaceAll(s[:end], "_", ""), strings.TrimSpace(s[end:])
	if number == "" {
		return 0, fmt.Errorf("%q is not a size; write bytes or a number with a unit, such as 64 MiB or 900 kB", s)
	}
	factor := uint64(1)
	if unit != "" {
		factor = 0
		var near string
		for _, u := range units {
			if u.name == unit {
				factor = u.bytes
			}
			if strings.EqualFold(u.name, unit) || strings.EqualFold(strings.TrimSuffix(u.name, "B"), unit) {
				near = u.name
			}
		}
		if factor == 0 {
			if near != "" {
				return 0, fmt.Errorf("unknown unit %q in %q; did you mean %q?", unit, s, near)
			}
			return 0, fmt.Errorf("unknown unit %q in %q; there is B, kB, MB, GB, KiB, MiB, GiB", unit, s)
		}
	}
	if !strings.Contains(number, ".") {
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil || n > math.MaxUint64/factor {
			return 0, fmt.Errorf("%q is too large", s)
		}
		return n * factor, nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a size", s)
	}
	b := f * float64(factor)
	if b >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is too large", s)
	}
	if b != math.Trunc(b) {
		return 0, fmt.Errorf("%q is not a whole number of bytes", s)
	}
	return uint64(b), nil
}
