package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wbundle/wbundle/linker"
)

// diamond is a graph in which two inputs import from one, and one input is
// used by nobody.
var diamond = graphData{
	Inputs: []linker.InputSummary{
		{ID: "top", Kind: "component", Bytes: 55497, Languages: []string{"Rust"}, Root: true},
		{ID: "left", Kind: "component", Bytes: 900},
		{ID: "right", Kind: "component", Bytes: 901},
		{ID: "base", Kind: "component", Bytes: 902},
		{ID: "spare", Kind: "core module", Bytes: 8},
	},
	Links: []linker.LinkSummary{
		{Importer: "top", Import: "a:b/left", Provider: "left"},
		{Importer: "top", Import: "a:b/right", Provider: "right"},
		{Importer: "left", Import: "a:b/base", Provider: "base"},
		{Importer: "left", Import: "a:b/more", Provider: "base"},
		{Importer: "right", Import: "a:b/base", Provider: "base"},
		{Importer: "base", Import: "wasi:io/error@0.2.0"},
	},
}

func TestTextGraph(t *testing.T) {
	const want = `top (component, 55.5 kB, Rust)
├── left (component, 900 B)
│     a:b/left
│   └── base (component, 902 B)
│         a:b/base
│         a:b/more
│       └── host
│             wasi:io/error@0.2.0
└── right (component, 901 B)
      a:b/right
    └── base (above)
          a:b/base
spare (core module, 8 B): not reachable from the root
`
	if diff := cmp.Diff(want, textGraph(diamond)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDotGraph(t *testing.T) {
	const want = `digraph bundle {
  rankdir=LR;
  node [shape=box];
  n0 [label="top (component, 55.5 kB, Rust)", style=bold];
  n1 [label="left (component, 900 B)"];
  n2 [label="right (component, 901 B)"];
  n3 [label="base (component, 902 B)"];
  n4 [label="spare (core module, 8 B)"];
  host [shape=ellipse];
  n0 -> n1 [label="a:b/left"];
  n0 -> n2 [label="a:b/right"];
  n1 -> n3 [label="a:b/base\na:b/more"];
  n2 -> n3 [label="a:b/base"];
  n3 -> host [label="wasi:io/error@0.2.0"];
}
`
	if diff := cmp.Diff(want, dotGraph(diamond)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got, want := dotQuote("a\"b\\c\nd"), `"a\"b\\c\nd"`; got != want {
		t.Errorf("dotQuote is %s, want %s", got, want)
	}
}

func TestMermaidGraph(t *testing.T) {
	const want = `graph LR
  n0["top (component, 55.5 kB, Rust)"]
  n1["left (component, 900 B)"]
  n2["right (component, 901 B)"]
  n3["base (component, 902 B)"]
  n4["spare (core module, 8 B)"]
  host([host])
  n0 -->|"a:b/left"| n1
  n0 -->|"a:b/right"| n2
  n1 -->|"a:b/base<br/>a:b/more"| n3
  n2 -->|"a:b/base"| n3
  n3 -->|"wasi:io/error@0.2.0"| host
`
	if diff := cmp.Diff(want, mermaidGraph(diamond)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
