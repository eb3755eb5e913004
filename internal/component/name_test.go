package component

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseName(t *testing.T) {
	for _, want := range []ParsedName{
		{Text: "run", Kind: LabelName, Label: "run"},
		{Text: "a-B2-3c", Kind: LabelName, Label: "a-B2-3c"},
		{Text: "[async]run", Kind: LabelName, Label: "run", Async: true},
		{Text: "[get]size", Kind: LabelName, Label: "size", Accessor: "get"},
		{Text: "[constructor]file", Kind: ConstructorName, Resource: "file"},
		{Text: "[method]file.read", Kind: MethodName, Resource: "file", Label: "read"},
		{Text: "[async method]file.read", Kind: MethodName, Resource: "file", Label: "read", Async: true},
		{Text: "[method][set]file.size", Kind: MethodName, Resource: "file", Label: "size", Accessor: "set"},
		{Text: "[static]file.open", Kind: StaticName, Resource: "file", Label: "open"},
		{Text: "wasi:http/types@0.2.0", Kind: InterfaceName, Package: "wasi:http", Interface: "types", Version: "0.2.0"},
		{Text: "a:b/c", Kind: InterfaceName, Package: "a:b", Interface: "c"},
		{Text: "a:b/c@0.2", Kind: InterfaceName, Package: "a:b", Interface: "c", Version: "0.2"},
		{Text: "a:b/c@1.0.0-rc.1+x", Kind: InterfaceName, Package: "a:b", Interface: "c", Version: "1.0.0-rc.1+x"},
		{Text: "a:b:c/d/e@1.2.3", Kind: InterfaceName, Package: "a:b:c", Interface: "d/e", Version: "1.2.3"},
		{Text: "url=<https://x.y/z:1>", Kind: URLName, URL: "https://x.y/z:1"},
		{Text: "url=<u>,integrity=<sha256-aGk=>", Kind: URLName, URL: "u", Integrity: "sha256-aGk="},
		{Text: "integrity=<sha256-aGk=>", Kind: IntegrityName, Integrity: "sha256-aGk="},
		{Text: "locked-dep=<a:b@1.2.3>,integrity=<sha256-aGk=>", Kind: LockedDepName, Package: "a:b", Version: "1.2.3", Integrity: "sha256-aGk="},
		{Text: "unlocked-dep=<a:b@{>=1.2.3 <2.0.0}>", Kind: UnlockedDepName, Package: "a:b", Range: "{>=1.2.3 <2.0.0}"},
		{Text: "unlocked-dep=<a:b>", Kind: UnlockedDepName, Package: "a:b"},
		{Text: "[implements=<a:b/c@1.2.3>]primary", Kind: LabelName, Label: "primary", Implements: "a:b/c@1.2.3"},
	} {
		got, err := ParseName(want.Text)
		if err != nil {
			t.Error(err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v\nwant %+v", want.Text, got, want)
		}
	}
	for text, want := range map[string]string{
		"":                         "empty label",
		"1a":                       "not in kebab case",
		"a--b":                     "not in kebab case",
		"a-":                       "not in kebab case",
		"aB":                       "not in kebab case",
		"a_b":                      "not in kebab case",
		"ü":                        "not in kebab case",
		"[method]a":                "expected `.`",
		"[method]a.":               "empty label",
		"[constructor]a.b":         "not in kebab case",
		"[constructor][get]a":      "unexpected annotation `[get]`",
		"[method][static]a.b":      "unexpected annotation `[static]`",
		"[what]a":                  "unexpected annotation `[what]`",
		"[method":                  "expected `]`",
		"a:b":                      "expected `/` and an interface",
		"a:/c":                     "empty label",
		"A:b/c":                    "not lower case",
		"a:b/c@":                   "not a semantic version",
		"a:b/c@1.2":                "not a semantic version",
		"a:b/c@0":                  "not a semantic version",
		"a:b/c@0.0":                "not a semantic version",
		"a:b/c@01.2.3":             "not a semantic version",
		"url=<a":                   "expected `>`",
		"url=<a<b>":                "unexpected `<`",
		"url=<a>x":                 "expected `,integrity=<`",
		"integrity=<>":             "empty integrity hash",
		"locked-dep=<a:b/C_>":      "not in kebab case",
		"[implements=<a>]b":        "`a` is no interface",
		"[implements=<a:b/c>]b.c":  "not in kebab case",
		"[implements=<a:b/c>b":     "expected `]`",
		"unlocked-dep=<a:b@*>tail": "trailing `tail`",
	} {
		_, err := ParseName(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestNameOptions(t *testing.T) {
	n := Name{Text: "a:b/c@0.2", Version: ".1"}
	p, err := n.Parse()
	if err != nil || p.Version != "0.2.1" || p.Text != "a:b/c@0.2.1" {
		t.Errorf("%+v, %v", p, err)
	}
	n = Name{Text: "primary", Version: ".2.3", Options: []NameOption{{NameOptImplements, "a:b/c@1"}}}
	p, err = n.Parse()
	if err != nil || p.Label != "primary" || p.Implements != "a:b/c@1.2.3" {
		t.Errorf("%+v, %v", p, err)
	}
	n = Name{Text: "a", Version: ".1"}
	if _, err = n.Parse(); err == nil {
		t.Error("version suffix without a version is accepted")
	}
	n = Name{Text: "a", Options: []NameOption{{NameOptImplements, "b"}}}
	if _, err = n.Parse(); err == nil {
		t.Error("a label is accepted as an interface")
	}
}

func TestSemver(t *testing.T) {
	for _, tt := range []struct {
		a, b       string
		compatible bool
		better     int // 1: a, -1: b
	}{
		{"1.2.3", "1.4.0", true, -1},
		{"1.10.0", "1.9.0", true, 1},
		{"1.2.3", "2.0.0", false, -1},
		{"0.2.0", "0.2.10", true, -1},
		{"0.2.0", "0.3.0", false, -1},
		{"0.0.1", "0.0.2", false, -1},
		{"0.0.1", "0.0.1", true, 0},
		{"0.2.0-rc.1", "0.2.0", false, -1},
		{"0.2.0-rc.1", "0.2.0-rc.1", true, 0},
		{"0.2.0-rc.1", "0.2.0-rc.2", false, -1},
		{"1.0.0+a", "1.0.0+b", true, 0},
		{"0.2", "0.2.4", true, -1},
		{"1", "1.4.2", true, -1},
		{"", "0.2.0", false, -1},
		{"", "", true, 0},
	} {
		parse := func(v string) ParsedName {
			text := "a:b/c"
			if v != "" {
				text += "@" + v
			}
			p, err := ParseName(text)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		a, b := parse(tt.a), parse(tt.b)
		if got := SemverCompatible(a, b); got != tt.compatible || got != SemverCompatible(b, a) {
			t.Errorf("%q, %q: compatible %t", tt.a, tt.b, got)
		}
		if Better(a, b) != (tt.better > 0) || Better(b, a) != (tt.better < 0) {
			t.Errorf("%q, %q: better %t %t", tt.a, tt.b, Better(a, b), Better(b, a))
		}
	}
	a, _ := ParseName("a:b/c@1.0.0")
	b, _ := ParseName("a:b/d@1.0.0")
	if SemverCompatible(a, b) {
		t.Error("different interfaces are compatible")
	}
}
