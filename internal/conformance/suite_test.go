package conformance

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"
	"testing"
)

// suiteDir holds the suites and the script that converts them.
const suiteDir = "../../../shared/conformance"

// tablePath is the document that the tests keep.
const tablePath = "../../docs/conformance.md"

var update = flag.Bool("update", false, "write docs/conformance.md instead of comparing it")

// converted converts the suites once per content and returns where they are.
// The copies stay in the temporary directory for the next run.
var converted = sync.OnceValues(func() (string, error) {
	script, err := filepath.Abs(filepath.Join(suiteDir, "convert.py"))
	if err != nil {
		return "", err
	}
	for _, tool := range []string{"python3", "wasm-tools"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", fmt.Errorf("%s is needed to convert the suites: %w", tool, err)
		}
	}
	h := sha256.New()
	err = filepath.WalkDir(filepath.Dir(script), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() || filepath.Ext(path) != ".wast" && path != script {
			return nil
		}
		fmt.Fprintln(h, path)
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(h, f)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("the suites are not here: %w", err)
	}
	dir := filepath.Join(os.TempDir(), "wbundle-conformance-"+hex.EncodeToString(h.Sum(nil)[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	tmp, err := os.MkdirTemp("", "wbundle-conformance-new-")
	if err != nil {
		return "", err
	}
	if out, err := exec.Command("python3", script, tmp).CombinedOutput(); err != nil {
		return "", fmt.Errorf("the suites do not convert: %w\n%s", err, out)
	}
	// Another test run may have been faster; its copy is as good.
	if err := os.Rename(tmp, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		if _, missing := os.Stat(dir); missing != nil {
			return "", err
		}
		return dir, os.RemoveAll(tmp)
	}
	return dir, nil
})

// suite returns the directory of the converted suites or skips the test.
func suite(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short")
	}
	dir, err := converted()
	if err != nil {
		t.Skip("not run: ", err)
	}
	return dir
}

// tally counts outcomes: per file, and reasons for what did not run.
type tally struct {
	files   map[string]*counts
	reasons map[string]int
}

type counts struct{ right, wrong, notRun int }

func newTally() *tally { return &tally{files: map[string]*counts{}, reasons: map[string]int{}} }

func (c *tally) file(name string) *counts {
	f := c.files[name]
	if f == nil {
		f = &counts{}
		c.files[name] = f
	}
	return f
}

func (c *tally) skip(file, why string) {
	c.file(file).notRun++
	c.reasons[generalise(why)]++
}

// deviation is what a bundle does otherwise than its components by themselves,
// and why.
type deviation struct {
	file string
	line int
	why  string
}

// deviations are known. A command that is listed here and turns out right is an
// error of the list.
var deviations []deviation

// wrong counts a wrong outcome; it reports whether that is known.
func (c *tally) wrong(file string, line int) bool {
	c.file(file).wrong++
	for _, d := range deviations {
		if d.file == file && d.line == line {
			c.reasons[d.why]++
			return true
		}
	}
	return false
}

// inputID is what the linker knows a component of the suites by.
const inputID = "testee"

// What is said of one case only.
var (
	backquoted = regexp.MustCompile("`[^`]*`")
	quoted     = regexp.MustCompile(`"[^"]*"`)
	place      = regexp.MustCompile(`^\S+: offset 0x[0-9a-f]+: `)
	number     = regexp.MustCompile(`\b(0x[0-9a-f]+|[0-9]{3,})\b`)
	named      = regexp.MustCompile(`\b(t\.[0-9]+\.wasm|` + inputID + `)((/|:)[0-9]+)*(\.resource[0-9]+)?\b`)
)

// generalise takes out of a reason what belongs to one case only.
func generalise(why string) string {
	why, _, _ = strings.Cut(why, "\n")
	why = place.ReplaceAllString(why, "")
	why = quoted.ReplaceAllString(why, `"…"`)
	why = number.ReplaceAllString(why, "N")
	return named.ReplaceAllString(why, "…")
}

// markdown renders the tally: the totals, the files that are not all right,
// and the reasons.
func (c *tally) markdown(unit string) string {
	var b strings.Builder
	var names []string
	var sum counts
	allRight := 0
	for name, f := range c.files {
		names = append(names, name)
		sum.right += f.right
		sum.wrong += f.wrong
		sum.notRun += f.notRun
		if f.wrong+f.notRun == 0 {
			allRight++
		}
	}
	sort.Strings(names)
	total := sum.right + sum.wrong + sum.notRun
	fmt.Fprintf(&b, "%d %s in %d files: %d right, %d wrong, %d not run. %d files are right throughout; the others:\n\n",
		total, unit, len(names), sum.right, sum.wrong, sum.notRun, allRight)
	fmt.Fprintf(&b, "| file | right | wrong | not run |\n|---|---|---|---|\n")
	for _, name := range names {
		if f := c.files[name]; f.wrong+f.notRun > 0 {
			fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", name, f.right, f.wrong, f.notRun)
		}
	}
	b.WriteString("\n")
	b.WriteString(c.why())
	return b.String()
}

// why renders the reasons, the most frequent first.
func (c *tally) why() string {
	var reasons []string
	for r := range c.reasons {
		reasons = append(reasons, r)
	}
	if len(reasons) == 0 {
		return ""
	}
	sort.Slice(reasons, func(i, j int) bool {
		a, b := reasons[i], reasons[j]
		if c.reasons[a] != c.reasons[b] {
			return c.reasons[a] > c.reasons[b]
		}
		return a < b
	})
	var b strings.Builder
	b.WriteString("| not right | why |\n|---|---|\n")
	rare, kinds := 0, 0
	for _, r := range reasons {
		if n := c.reasons[r]; len(reasons) > 40 && n < 3 {
			rare += n
			kinds++
			continue
		}
		fmt.Fprintf(&b, "| %d | %s |\n", c.reasons[r], strings.ReplaceAll(r, "|", `\|`))
	}
	if rare > 0 {
		fmt.Fprintf(&b, "| %d | %d other reasons, each once or twice |\n", rare, kinds)
	}
	return b.String()
}

// section writes a section of the document, or compares it. Each test has a
// section of its own, so that one that cannot run here does not stop others.
func section(t *testing.T, name, text string) {
	t.Helper()
	sectionOf(t, tablePath, name, text)
}

// sectionOf does so for a section of another document.
func sectionOf(t *testing.T, path, name, text string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(data)
	begin, end := fmt.Sprintf("<!-- begin %s -->\n", name), fmt.Sprintf("<!-- end %s -->\n", name)
	i, j := strings.Index(doc, begin), strings.Index(doc, end)
	if i < 0 || j < i {
		t.Fatalf("%s has no section %q", path, name)
	}
	i += len(begin)
	text = "\n" + strings.TrimSpace(text) + "\n\n"
	if doc[i:j] == text {
		return
	}
	if !*update {
		t.Errorf("section %q of %s is out of date; run go test ./internal/conformance -update\n--- have\n%s--- want\n%s", name, path, doc[i:j], text)
		return
	}
	if err := os.WriteFile(path, []byte(doc[:i]+text+doc[j:]), 0o644); err != nil {
		t.Fatal(err)
	}
}

// validate checks a binary with wasm-tools.
func validate(bytes []byte) error {
	cmd := exec.Command("wasm-tools", "validate", "--features", "all", "-")
	cmd.Stdin = strings.NewReader(string(bytes))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
