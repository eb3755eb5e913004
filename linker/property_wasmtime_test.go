package linker_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/gen"
	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

var judged = flag.Int("judged", 10, "how many generated pairs wasmtime judges")

// judge is what testdata/property_run.py is told of a composition or a bundle.
type judge struct {
	Wasm   string       `json:"wasm"`
	Guests []string     `json:"guests"`
	Trials []judgeTrial `json:"trials"`
}

type judgeTrial struct {
	Fresh  bool         `json:"fresh"`
	Stages []judgeStage `json:"stages"`
}

type judgeStage struct {
	Fault uint32     `json:"fault"`
	Pokes [][]uint64 `json:"pokes"`
}

func judgeStageOf(s gen.Stage) judgeStage {
	out := judgeStage{Fault: s.Fault, Pokes: [][]uint64{}}
	for _, p := range s.Pokes() {
		out.Pokes = append(out.Pokes, p[:])
	}
	return out
}

// judgement is what it says.
type judgement struct {
	Error  string
	Trials []struct {
		Trap    string
		Reports [][2]string
		Trace   []string
	}
}

// observed is what wasmtime saw of a trial.
func (j *judgement) observed(pair *gen.Pair, tr *gen.Trial, i int) (*observed, error) {
	got := j.Trials[i]
	if got.Trap != "" {
		return &observed{trap: &runtime.Trap{Msg: got.Trap}, trace: got.Trace}, nil
	}
	o := &observed{trace: got.Trace}
	for _, parts := range got.Reports {
		low, err := hex.DecodeString(parts[0])
		if err != nil {
			return nil, err
		}
		heap, err := hex.DecodeString(parts[1])
		if err != nil {
			return nil, err
		}
		o.reports = append(o.reports, &gen.Report{Low: low, Heap: heap})
	}
	o.whole = pair.Settle(tr, o.reports[0], o.reports[1])
	return o, nil
}

// TestWasmtimeAgrees has wasmtime judge the executor, on a sample of what
// TestPairsAgree compares it with, and bundles with several memories, which
// wazero does not run.
//
//	go test ./linker -run TestWasmtimeAgrees -judged=200
func TestWasmtimeAgrees(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("python3", "-c", "import wasmtime.component").CombinedOutput(); err != nil {
		t.Skipf("not run: the Python package wasmtime is needed: %v\n%s", err, out)
	}
	ctx := context.Background()
	dir := t.TempDir()
	type drawn struct {
		pair   *gen.Pair
		trials []*gen.Trial
		want   []*observed
	}
	var pairs []drawn
	var jobs []judge
	skipped := 0
	rng := rand.New(rand.NewPCG(7, 7))
	for len(pairs) < *judged {
		pair := gen.DrawPair(rng)
		if pair.Has(component.KindFixedList) {
			skipped++ // the Python package has no switch for them
			continue
		}
		d := drawn{pair: pair}
		composed := pair.Component()
		bundle := link(t, []linker.Input{{ID: "pair", Bytes: composed}}, componentMulti.as(linker.Options{Unresolved: linker.UnresolvedImport}))
		executor := &contender{name: "executor"}
		var err error
		if executor.p, err = runtime.Compile(ctx, composed, "pair"); err != nil {
			t.Fatal(err)
		}
		var trials []judgeTrial
		var session *gen.Session
		for range 8 {
			jt := judgeTrial{}
			if session == nil {
				if err := executor.fresh(ctx); err != nil {
					t.Fatal(err)
				}
				session, jt.Fresh = pair.NewSession(rng), true
			}
			bad := rng.IntN(3) == 0
			tr := session.Raw(bad)
			o, err := executor.step(ctx, pair, tr, rawFunc, nil)
			if err != nil {
				t.Fatalf("%s\n%v", describe(pair), err)
			}
			d.trials, d.want = append(d.trials, tr), append(d.want, o)
			for i := range guests(pair) {
				jt.Stages = append(jt.Stages, judgeStageOf([]gen.Stage{tr.Consumer, tr.Provider, {}}[i]))
			}
			trials = append(trials, jt)
			if bad || o.trap != nil {
				session = nil
			}
		}
		executor.inst.Close(ctx)
		executor.p.Close(ctx)
		pairs = append(pairs, d)
		for i, kind := range [2]string{"composed", "bundle"} {
			path := filepath.Join(dir, fmt.Sprint(kind, len(pairs), ".wasm"))
			if err := os.WriteFile(path, [2][]byte{composed, bundle.Output}[i], 0o666); err != nil {
				t.Fatal(err)
			}
			jobs = append(jobs, judge{path, guests(pair), trials})
		}
	}
	data, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", filepath.Join("testdata", "property_run.py"))
	cmd.Stdin = bytes.NewReader(data)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("property_run.py: %v\n%s", err, stderr.String())
	}
	var judgements []judgement
	if err := json.Unmarshal(out, &judgements); err != nil {
		t.Fatal(err)
	}
	calls, traps := 0, 0
	for i, j := range judgements {
		d := pairs[i/2]
		if j.Error != "" {
			t.Errorf("%s\nwasmtime refuses %s: %s", describe(d.pair), jobs[i].Wasm, j.Error)
			continue
		}
		for k, tr := range d.trials {
			o, err := j.observed(d.pair, tr, k)
			if err != nil {
				t.Fatal(err)
			}
			calls++
			if o.trap != nil {
				traps++
			}
			if diff := difference(d.pair, d.want[k], o); diff != "" {
				t.Errorf("%s\nconsumer %s\nprovider %s\nexecutor, wasmtime (%s): %s", describe(d.pair), stageText(tr.Consumer), stageText(tr.Provider),
					filepath.Base(jobs[i].Wasm), diff)
				break
			}
		}
	}
	t.Logf("%d pairs, composed and bundled: %d calls, %d of them trapped; not run: %d pairs with fixed-length lists", len(pairs), calls, traps, skipped)
}
