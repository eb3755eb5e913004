package report

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Verified says how an output was tried out.
type Verified struct {
	// How says what ran when it was not simply the output: its single-memory
	// twin because the engine has no multi-memory.
	How     string  `json:"how"`
	Engine  string  `json:"engine,omitempty"`
	Cases   []Case  `json:"cases"`
	Seconds float64 `json:"seconds"`
	// Skipped says why nothing ran.
	Skipped string `json:"skipped,omitempty"`
	// Compared is the comparison with the unbundled inputs; nil: none was
	// asked for.
	Compared *Compared `json:"compared,omitempty"`
	// Also is the same output in a second engine, nil without one.
	Also *Verified `json:"also,omitempty"`
}

// Case is the outcome of one case.
type Case struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Want  string `json:"want,omitempty"`
	Got   string `json:"got,omitempty"`
	Error string `json:"error,omitempty"`
	// Skipped says why the case did not run; it is OK then.
	Skipped string  `json:"skipped,omitempty"`
	Seconds float64 `json:"seconds"`
}

// Compared is the outcome of a comparison with the unbundled inputs.
type Compared struct {
	Engine    string `json:"engine"` // that ran both
	Seed      uint64 `json:"seed"`
	Functions int    `json:"functions"` // called with generated values
	Calls     int    `json:"calls"`     // with generated values
	Cases     int    `json:"cases"`     // of the configuration
	// Undecided counts the calls that were not answered in time.
	Undecided int `json:"undecided"`
	// OutOfBounds counts the calls that left the memory of their component in
	// the unbundled program: with isolation none, nothing holds them there in
	// the output.
	OutOfBounds int          `json:"out_of_bounds"`
	Skipped     []Skip       `json:"skipped"`
	Differences []Difference `json:"differences"`
	// Budget is the time there was for the generated calls, Seconds what all
	// of it took.
	Budget  float64 `json:"budget_seconds"`
	Seconds float64 `json:"seconds"`
	// Reason says why nothing was compared.
	Reason string `json:"reason,omitempty"`
	// Again is the command that finds the differences again.
	Again string `json:"again,omitempty"`
}

// Skip is a function or a case that was not compared.
type Skip struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Difference is a call that the output answered differently.
type Difference struct {
	After     []string `json:"after,omitempty"` // the calls before it, on the same instance
	Call      string   `json:"call"`
	Unbundled string   `json:"unbundled"`
	Output    string   `json:"output"`
}

// Failed counts what did not come out as expected: cases and differences.
func (v *Verified) Failed() int {
	n := 0
	for _, c := range v.Cases {
		if !c.OK {
			n++
		}
	}
	if v.Compared != nil {
		n += len(v.Compared.Differences)
	}
	if v.Also != nil {
		n += v.Also.Failed()
	}
	return n
}

// Text is one line: what ran, and how it went.
func (v *Verified) Text(style Style) string {
	text := v.text(style)
	if v.Also != nil {
		text += "; " + v.Also.text(style)
	}
	return text
}

func (v *Verified) text(style Style) string {
	if v.Skipped != "" {
		return style.Warn("not run: ") + v.Skipped
	}
	var how []string
	if v.How != "" {
		how = append(how, v.How)
	}
	if v.Engine != "" && v.How != "" {
		how = append(how, "in "+v.Engine)
	}
	rest := " in " + Seconds(time.Duration(v.Seconds*float64(time.Second)))
	if len(how) > 0 {
		rest = " (" + strings.Join(how, ", ") + ")" + rest
	}
	switch {
	case v.failedCases() > 0:
		return style.Error(v.cases()) + rest
	case len(v.Cases) == 0:
		return style.Good(v.cases()) + rest + "; there are no cases"
	}
	return style.Good(v.cases()) + rest
}

// Text is one line: what was compared, and how it went.
func (c *Compared) Text(style Style) string {
	if c.Reason != "" {
		return style.Warn("not: ") + c.Reason
	}
	text := fmt.Sprintf("%s of %s", count(c.Calls, "generated call"), count(c.Functions, "function"))
	if c.Cases > 0 {
		text += " and " + count(c.Cases, "case")
	}
	text += fmt.Sprintf(" with the unbundled inputs (seed %d, at most %s) in %s", c.Seed,
		Seconds(time.Duration(c.Budget*float64(time.Second))), Seconds(time.Duration(c.Seconds*float64(time.Second))))
	switch n := len(c.Differences); n {
	case 0:
		text = style.Good(text)
	default:
		text += ": " + style.Error(count(n, "difference"))
	}
	if c.Undecided > 0 {
		text += fmt.Sprintf("; %s not answered in time", count(c.Undecided, "call"))
	}
	if c.OutOfBounds > 0 {
		text += fmt.Sprintf("; %s out of bounds, which isolation none does not check", count(c.OutOfBounds, "call"))
	}
	if len(c.Skipped) > 0 {
		text += fmt.Sprintf("; %d skipped", len(c.Skipped))
	}
	return text
}

// skipped lists what was not compared, and why.
func (c *Compared) skipped() []string {
	var lines []string
	for _, s := range c.Skipped {
		lines = append(lines, s.Name+": "+s.Reason)
	}
	return lines
}

// Details writes what was not compared, one a line.
func (c *Compared) Details(w io.Writer) {
	for _, line := range c.skipped() {
		fmt.Fprintf(w, "  skipped %s\n", line)
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Exact(n) + " " + noun + "s"
}

func (v *Verified) failedCases() int {
	n := 0
	for _, c := range v.Cases {
		if !c.OK {
			n++
		}
	}
	return n
}

// cases is how the cases went: "6 cases", "1 of 6 cases failed".
func (v *Verified) cases() string {
	failed, skipped, total := v.failedCases(), 0, len(v.Cases)
	for _, c := range v.Cases {
		if c.Skipped != "" {
			skipped++
		}
	}
	var text string
	switch {
	case total == 0:
		return "it instantiates"
	case total == 1 && failed == 1:
		text = "1 case failed"
	case failed > 0:
		text = fmt.Sprintf("%d of %d cases failed", failed, total)
	case skipped > 0:
		text = fmt.Sprintf("%d of %d cases", total-skipped, total)
	default:
		text = count(total, "case")
	}
	return text
}

// Outcome is how it went: the cases, and the comparison where it found
// something.
func (v *Verified) Outcome() string {
	var parts []string
	if c := v.Compared; c == nil || len(c.Differences) == 0 || v.failedCases() > 0 {
		parts = append(parts, v.cases())
	}
	if c := v.Compared; c != nil && len(c.Differences) > 0 {
		parts = append(parts, count(len(c.Differences), "difference")+" from the unbundled inputs")
	}
	if v.Also != nil && v.Also.Failed() > 0 {
		parts = append(parts, v.Also.Outcome()+" in "+v.Also.Engine)
	}
	return strings.Join(parts, ", ")
}

// Failures writes what went wrong, case by case.
func (v *Verified) Failures(w io.Writer, style Style) {
	for _, c := range v.Cases {
		if c.OK {
			continue
		}
		fmt.Fprintf(w, "%s %s\n", style.Error("failed:"), c.Name)
		if c.Want != "" {
			fmt.Fprintf(w, "  want %s\n", indented(c.Want, 7))
		}
		switch {
		case c.Error != "":
			fmt.Fprintf(w, "  got  %s\n", indented(c.Error, 7))
		default:
			fmt.Fprintf(w, "  got  %s\n", indented(c.Got, 7))
		}
	}
	if v.Compared != nil {
		for _, d := range v.Compared.Differences {
			fmt.Fprintf(w, "%s %s\n", style.Error("differs:"), d.Call)
			if len(d.After) > 0 {
				fmt.Fprintf(w, "  after     %s\n", indented(strings.Join(d.After, "\n"), 12))
			}
			fmt.Fprintf(w, "  unbundled %s\n", indented(d.Unbundled, 12))
			fmt.Fprintf(w, "  output    %s\n", indented(d.Output, 12))
		}
		if v.Compared.Again != "" && len(v.Compared.Differences) > 0 {
			fmt.Fprintf(w, "  again with %s\n", v.Compared.Again)
		}
	}
	if v.Also != nil {
		v.Also.Failures(w, style)
	}
}

// indented keeps the lines of s under its first, which begins at a column.
func indented(s string, column int) string {
	return strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n"+strings.Repeat(" ", column))
}
