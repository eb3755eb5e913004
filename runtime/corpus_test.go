package runtime

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wbundle/wbundle/internal/wit"
)

// corpus holds real components and what a reference engine answered.
const corpus = "../../shared/components"

// expectedRows returns the rows of expected.tsv for a composition: the
// argument of run and its answer.
func expectedRows(t *testing.T, composition string) [][2]string {
	f, err := os.Open(filepath.Join(corpus, "expected.tsv"))
	if err != nil {
		t.Skip("the corpus of components is not here: ", err)
	}
	defer f.Close()
	var rows [][2]string
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		if c := strings.Split(sc.Text(), "\t"); len(c) == 4 && c[0] == composition {
			rows = append(rows, [2]string{c[2], c[3]})
		}
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestExecutorCorpus(t *testing.T) {
	ctx := context.Background()
	for _, name := range []string{"chain-rustpure", "diamond-rustpure", "diamond-rust", "diamond-mixed", "rustpure-rustpure", "rust-c"} {
		t.Run(name, func(t *testing.T) {
			rows := expectedRows(t, name)
			if len(rows) == 0 {
				t.Fatal("no rows")
			}
			bytes, err := os.ReadFile(filepath.Join(corpus, "composed", name+".wasm"))
			if err != nil {
				t.Skip("the corpus of components is not here: ", err)
			}
			var cases []Case
			for _, r := range rows {
				cases = append(cases, Case{
					Name:   r[0],
					Invoke: "demo:app/run#run(" + r[0] + ")",
					Expect: wit.String(r[1]).String(),
				})
			}
			report, err := Verify(ctx, bytes, cases, Options{Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range report.Cases {
				t.Logf("run(%s): %v", c.Case.Name, c.Duration)
				if c.Err != nil {
					t.Errorf("run(%s): %v", c.Case.Name, c.Err)
				}
			}
		})
	}
}
