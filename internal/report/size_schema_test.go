package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/linker"
)

// schema is the part of JSON Schema, draft 7, that docs/size.schema.json uses. A
// keyword that is not here is an error, so that nothing goes unchecked.
type schema struct {
	Schema      string             `json:"$schema"`
	Ref         string             `json:"$ref"`
	Title       string             `json:"title"`
	Description string             `json:"description"`
	Type        string             `json:"type"`
	Const       any                `json:"const"`
	Enum        []any              `json:"enum"`
	Pattern     string             `json:"pattern"`
	Minimum     *float64           `json:"minimum"`
	Required    []string           `json:"required"`
	Properties  map[string]*schema `json:"properties"`
	Additional  *bool              `json:"additionalProperties"`
	Items       *schema            `json:"items"`
	Definitions map[string]*schema `json:"definitions"`
}

func (s *schema) check(root *schema, v any, at string) (errs []string) {
	if s.Ref != "" {
		def := root.Definitions[strings.TrimPrefix(s.Ref, "#/definitions/")]
		if def == nil {
			return []string{at + ": no definition " + s.Ref}
		}
		return def.check(root, v, at)
	}
	bad := func(format string, args ...any) { errs = append(errs, at+": "+fmt.Sprintf(format, args...)) }
	kind := ""
	switch v := v.(type) {
	case map[string]any:
		kind = "object"
		for _, k := range s.Required {
			if _, ok := v[k]; !ok {
				bad("no %q", k)
			}
		}
		for k, x := range v {
			p := s.Properties[k]
			if p == nil {
				if s.Additional != nil && !*s.Additional {
					bad("unknown key %q", k)
				}
				continue
			}
			errs = append(errs, p.check(root, x, at+"."+k)...)
		}
	case []any:
		kind = "array"
		for i, x := range v {
			if s.Items != nil {
				errs = append(errs, s.Items.check(root, x, fmt.Sprintf("%s[%d]", at, i))...)
			}
		}
	case string:
		kind = "string"
		if s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(v) {
			bad("%q does not match %s", v, s.Pattern)
		}
	case float64:
		kind = "number"
		if v == float64(int64(v)) {
			kind = "integer"
		}
		if s.Minimum != nil && v < *s.Minimum {
			bad("%v is less than %v", v, *s.Minimum)
		}
	case bool:
		kind = "boolean"
	}
	if s.Type != "" && s.Type != kind {
		bad("is a %s, want %s", kind, s.Type)
	}
	if s.Const != nil && s.Const != v {
		bad("is %v, want %v", v, s.Const)
	}
	if s.Enum != nil && !slices.Contains(s.Enum, v) {
		bad("is %v, want one of %v", v, s.Enum)
	}
	return errs
}

func readSchema(t *testing.T) *schema {
	t.Helper()
	text, err := os.ReadFile("../../docs/size.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	s := &schema{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchema checks size.json against its schema, and the schema against
// things that it must refuse.
func TestSchema(t *testing.T) {
	s := readSchema(t)
	in := inputs(t, "../../fixtures/calc/consumer.wasm", "../../fixtures/calc/provider.wasm")
	a, _ := account(t, "core.wasm", linker.Options{Names: linker.NamesKeep}, in)
	b, out := account(t, "component.wasm", linker.Options{Format: linker.FormatComponent}, in)
	c, err := report.NewAccount(out, report.AccountOptions{Path: "alone.wasm", Effort: report.EffortAlways})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := account(t, "debug.wasm", linker.Options{}, inputs(t, "../../fixtures/debug/dwarf5.wasm"))
	var text bytes.Buffer
	if err := sizes(a, b, c, d).WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(text.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	for i, e := range s.check(s, v, "size.json") {
		if i == 10 {
			break
		}
		t.Error(e)
	}
	for _, change := range []func(){
		func() { v["version"] = 2.0 },
		func() { v["version"] = 1.0; v["more"] = true },
		func() { delete(v, "more"); v["outputs"].([]any)[0].(map[string]any)["format"] = "esm" },
	} {
		change()
		if len(s.check(s, v, "size.json")) != 1 {
			t.Errorf("want one complaint, got %v", s.check(s, v, "size.json"))
		}
	}
}
