package config

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tableKeys is what a table says in the terms of the schema.
type tableKeys struct {
	keys  []string
	words map[string][]string
	later []string
}

func keysOf[T any](o object[T]) tableKeys {
	t := tableKeys{keys: o.keys(), words: map[string][]string{}}
	for k, f := range o {
		if f.words != nil {
			t.words[k] = f.words.values
		}
		if f.later {
			t.later = append(t.later, k)
		}
	}
	return t
}

type schemaObject struct {
	AdditionalProperties any                     `json:"additionalProperties"`
	Properties           map[string]schemaObject `json:"properties"`
	Definitions          map[string]schemaObject `json:"definitions"`
	Enum                 []string                `json:"enum"`
	Pattern              string                  `json:"pattern"`
	PatternProperties    map[string]any          `json:"patternProperties"`
}

// TestSchemaMatchesTables compares the schema with the walker's tables: every
// key and every word of one must be in the other.
func TestSchemaMatchesTables(t *testing.T) {
	var schema schemaObject
	if err := json.Unmarshal(Schema, &schema); err != nil {
		t.Fatal(err)
	}
	tables := map[string]tableKeys{
		"":         keysOf(rootTable()),
		"profile":  keysOf(profileTable()),
		"input":    keysOf(inputTable),
		"graph":    keysOf(graphTable),
		"provider": keysOf(providerTable),
		"exports":  keysOf(exportsTable),
		"link":     keysOf(linkTable),
		"wasi":     keysOf(wasiTable),
		"env":      keysOf(envTable),
		"fs":       keysOf(fsTable),
		"output":   keysOf(outputTable),
		"verify":   keysOf(verifyTable),
		"case":     keysOf(caseTable),
		"expect":   keysOf(expectTable),
		"report":   keysOf(reportTable),
	}
	for name, table := range tables {
		def := schema
		if name != "" {
			var ok bool
			if def, ok = schema.Definitions[name]; !ok {
				t.Errorf("schema has no definition %q", name)
				continue
			}
		}
		if def.AdditionalProperties != false {
			t.Errorf("%q: additionalProperties is %v, want false", name, def.AdditionalProperties)
		}
		if diff := cmp.Diff(table.keys, slices.Sorted(maps.Keys(def.Properties))); diff != "" {
			t.Errorf("%q: keys of the table (-) and the schema (+):\n%s", name, diff)
		}
		for key, p := range def.Properties {
			if diff := cmp.Diff(table.words[key], p.Enum); diff != "" {
				t.Errorf("%q: words of %q in the table (-) and the schema (+):\n%s", name, key, diff)
			}
		}
		for _, key := range table.later {
			if _, ok := def.Properties[key]; ok {
				t.Errorf("%q: key %q is not available yet but in the schema", name, key)
			}
		}
	}
	for name, def := range schema.Definitions {
		if _, ok := tables[name]; !ok && def.Properties != nil {
			t.Errorf("definition %q has no table", name)
		}
	}
	profile := schema.Definitions["profile"].Properties
	if got := profile["name"].Pattern; got != packageName.String() {
		t.Errorf("pattern of name is %q in the schema, %q in the walker", got, packageName)
	}
	if _, ok := profile["inputs"].PatternProperties[inputID.String()]; !ok {
		t.Errorf("pattern of input ids is %v in the schema, %q in the walker", profile["inputs"].PatternProperties, inputID)
	}
}
