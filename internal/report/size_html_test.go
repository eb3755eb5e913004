package report_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/linker"
)

// browser finds headless Chromium.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("chromium is not installed")
	return ""
}

// dom opens a page in the browser and returns what the scripts made of it.
func dom(t *testing.T, browser, file, view string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1300,800",
		"--user-data-dir="+t.TempDir(), "--virtual-time-budget=5000", "--dump-dom", "file://"+file+"#"+view)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestHTML opens the page: its rows add up, search finds, the tree of
// dominators leads to what was searched for, the treemap has boxes.
func TestHTML(t *testing.T) {
	chromium := browser(t)
	a, out := account(t, "calc.wasm", linker.Options{}, inputs(t, "../../fixtures/calc/consumer.wasm", "../../fixtures/calc/provider.wasm"))
	// A name must not end the script that it is in.
	a.Items[0].Name = "</script><b>"
	var page bytes.Buffer
	if err := sizes(a).WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	for _, remote := range []string{"http:", "https:", "src=", "@import", "url("} {
		if strings.Contains(page.String(), remote) {
			t.Errorf("the page contains %q: it must load nothing", remote)
		}
	}
	file := filepath.Join(t.TempDir(), "size.html")
	if err := os.WriteFile(file, page.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}

	table := dom(t, chromium, file, "view=table")
	if want := fmt.Sprintf(`data-total="%d"`, len(out)); !strings.Contains(table, want) {
		t.Errorf("the table has no %s", want)
	}
	sum := 0
	rows := regexp.MustCompile(`<tr title="[^"]*"><td class="n">([0-9,]+)</td>`).FindAllStringSubmatch(table, -1)
	for _, m := range rows {
		n := 0
		fmt.Sscan(strings.ReplaceAll(m[1], ",", ""), &n)
		sum += n
	}
	if sum != 2*len(out) { // the rows, and the total below them
		t.Errorf("%d rows sum to %d bytes, the file has %d", len(rows), sum/2, len(out))
	}

	found := 0
	bytesFound := 0
	for i := range a.Items {
		if strings.Contains(strings.ToLower(a.Items[i].Name), "turn-deep") {
			found++
			bytesFound += a.Items[i].Bytes
		}
	}
	search := dom(t, chromium, file, "view=table&q=turn-deep")
	if want := fmt.Sprintf("%d found, %s B", found, report.Exact(bytesFound)); found == 0 || !strings.Contains(search, want) {
		t.Errorf("no %q", want)
	}
	keeps := dom(t, chromium, file, "view=keeps&q=turn-deep")
	if !strings.Contains(keeps, `class="hit"`) && !strings.Contains(keeps, `class="leaf hit"`) {
		t.Error("the tree of dominators does not show what was searched for")
	}
	boxes := strings.Count(dom(t, chromium, file, "view=map"), `class="box`)
	if boxes < 100 {
		t.Errorf("the treemap has %d boxes", boxes)
	}
}

// TestSVG: the picture is well-formed, and its boxes are as large as what they
// stand for.
func TestSVG(t *testing.T) {
	a, out := account(t, "calc.wasm", linker.Options{}, inputs(t, "../../fixtures/calc/consumer.wasm", "../../fixtures/calc/provider.wasm"))
	var picture bytes.Buffer
	if err := sizes(a).WriteSVG(&picture); err != nil {
		t.Fatal(err)
	}
	dec := xml.NewDecoder(bytes.NewReader(picture.Bytes()))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	m := regexp.MustCompile(`<title>provider: ([0-9,]+) B</title><rect x="[0-9.]+" y="[0-9.]+" width="([0-9.]+)" height="([0-9.]+)"`).FindStringSubmatch(picture.String())
	if m == nil {
		t.Fatal("no box for the provider")
	}
	var n int
	var w, h float64
	fmt.Sscan(strings.ReplaceAll(m[1], ",", ""), &n)
	fmt.Sscan(m[2], &w)
	fmt.Sscan(m[3], &h)
	if got, want := w*h/(1200*700), float64(n)/float64(len(out)); got < want*.99 || got > want*1.01 {
		t.Errorf("the provider has %.3f of the picture and %.3f of the bytes", got, want)
	}
}
