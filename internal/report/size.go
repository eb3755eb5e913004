// Package report turns what a build did into text for people and JSON for
// programs. It measures outputs, raw and compressed, and it formats; it does
// not decide anything.
//
// Numbers add up: a table's rows sum to its total, because rows are exact
// bytes and only sentences are rounded.
package report

import (
	"compress/gzip"
	"fmt"
	"strconv"

	"github.com/andybalholm/brotli"
	"golang.org/x/sync/errgroup"
)

// Size is how large a file is, and how large it is to download. Compressed
// sizes that were not measured are 0.
type Size struct {
	Raw           int `json:"raw"`
	Gzip          int `json:"gzip,omitempty"`
	GzipLevel     int `json:"gzip_level,omitempty"`
	Brotli        int `json:"brotli,omitempty"`
	BrotliQuality int `json:"brotli_quality,omitempty"`
}

// The thresholds of Measure. Quality 11 compresses a quarter of a megabyte a
// second, quality 5 ten: beyond a megabyte the last percents are not worth
// waiting for on every build, beyond four not even the rest.
const (
	bestBelow    = 1_000_000
	measureBelow = 4_000_000

	gzipLevel   = gzip.BestCompression
	brotliBest  = 11
	brotliQuick = 5
)

// Effort says how much time Measure may spend.
type Effort int

// The efforts.
const (
	EffortNone   Effort = iota // raw only
	EffortNormal               // compressed as well, unless the file is large
	EffortAlways               // compressed as well, however large
)

// Measure measures b: gzip -9, and brotli at quality 11 below 1 MB and 5
// above, both at once. With EffortNormal, files of 4 MB and more are not
// compressed.
func Measure(b []byte, effort Effort) Size {
	s := Size{Raw: len(b)}
	if effort == EffortNone || effort == EffortNormal && len(b) >= measureBelow {
		return s
	}
	s.GzipLevel, s.BrotliQuality = gzipLevel, brotliBest
	if len(b) >= bestBelow {
		s.BrotliQuality = brotliQuick
	}
	var g errgroup.Group
	g.Go(func() error {
		var n counter
		// The only error is one of the level, which is a constant.
		z, _ := gzip.NewWriterLevel(&n, s.GzipLevel)
		z.Write(b)
		z.Close()
		s.Gzip = int(n)
		return nil
	})
	var n counter
	z := brotli.NewWriterLevel(&n, s.BrotliQuality)
	z.Write(b)
	z.Close()
	g.Wait()
	s.Brotli = int(n)
	return s
}

// counter is a writer that counts. Its Write does not fail, so neither do the
// compressors above it.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// Human formats a number of bytes with three digits: 812 B, 55.5 kB, 2.66 MB.
// Units are thousands, as in budgets and in what networks charge for.
func Human(n int) string {
	if n < 1000 && n > -1000 {
		return strconv.Itoa(n) + " B"
	}
	f := float64(n)
	for _, unit := range []string{"kB", "MB"} {
		f /= 1000
		// 999.5 would print as 1000.
		if f < 999.5 && f > -999.5 {
			return digits(f) + " " + unit
		}
	}
	return digits(f/1000) + " GB"
}

// digits formats f with three significant digits.
func digits(f float64) string {
	abs := max(f, -f)
	switch {
	case abs < 9.995:
		return fmt.Sprintf("%.2f", f)
	case abs < 99.95:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.0f", f)
}

// Exact formats n with thousands separated: 55,497.
func Exact(n int) string {
	s := strconv.Itoa(n)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Percent formats the change from one number to another: -55%, +2%, ±0%.
func Percent(from, to int) string {
	if from == 0 {
		return ""
	}
	p := 100 * float64(to-from) / float64(from)
	switch {
	case to == from:
		return "±0%"
	case p < -99.5 && to > 0:
		return "-99.9%"
	case max(p, -p) < 9.95:
		return fmt.Sprintf("%+.1f%%", p)
	}
	return fmt.Sprintf("%+.0f%%", p)
}
