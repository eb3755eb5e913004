package linker_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// TestHTTPHandlers serves HTTP with a component that exports
// wasi:http/incoming-handler: as it is, composed with the provider that it
// calls, and from bundles of both kinds.
func TestHTTPHandlers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("..", "..", "shared", "components", name))
		if err != nil {
			t.Skip("the corpus of components is not here: ", err)
		}
		return b
	}
	site, provider, composed := read("rust-http.wasm"), read("rust-provider.wasm"), read("composed/http-rust.wasm")
	parts := []linker.Input{{ID: "site", Bytes: site}, {ID: "provider", Bytes: provider}}
	whole := []linker.Input{{ID: "site", Bytes: composed}}
	wazero := linker.Options{Target: linker.TargetWazero}
	forms := []struct {
		name string
		wasm []byte
	}{
		{"composed component", composed},
		{"core bundle of the parts", link(t, parts, wazero).Output},
		{"core bundle of the composition", link(t, whole, wazero).Output},
		{"component bundle of the parts", link(t, parts, linker.Options{Format: linker.FormatComponent, Memory: linker.MemorySingle}).Output},
		{"component bundle of the composition", link(t, whole, linker.Options{Format: linker.FormatComponent, Memory: linker.MemorySingle}).Output},
	}
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			p, err := runtime.Compile(ctx, f.wasm, "site")
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close(ctx)
			server := httptest.NewServer(&runtime.Handler{Program: p, Error: func(r *http.Request, err error) { t.Errorf("%s: %v", r.URL, err) }})
			defer server.Close()
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					path := fmt.Sprintf("/page?n=%d", i)
					resp, err := server.Client().Get(server.URL + path)
					if err != nil {
						t.Error(err)
						return
					}
					defer resp.Body.Close()
					body, err := io.ReadAll(resp.Body)
					if err != nil {
						t.Error(err)
					}
					want := "rust greets http (#1) asked for " + path + ": 42\n"
					if got := string(body); resp.StatusCode != http.StatusOK || got != want {
						t.Errorf("%s: %s %q, want %q", path, resp.Status, got, want)
					}
					if got := resp.Header["Content-Type"]; len(got) != 1 || got[0] != "text/plain" {
						t.Errorf("content-type %q", got)
					}
				})
			}
			wg.Wait()
		})
	}

	t.Run("without its provider", func(t *testing.T) {
		t.Parallel()
		p, err := runtime.Compile(ctx, site, "site")
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close(ctx)
		var why error
		h := &runtime.Handler{Program: p, Error: func(_ *http.Request, err error) { why = err }}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != http.StatusInternalServerError || why == nil || !strings.Contains(why.Error(), "demo:calc/ops") {
			t.Errorf("%d, %v", w.Code, why)
		}
	})
}
