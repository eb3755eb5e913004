package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"
)

// The parts of the page. It loads nothing: the policy in its head forbids it.
var (
	//go:embed assets/size.html
	pageHTML string
	//go:embed assets/size.css
	pageCSS string
	//go:embed assets/size.js
	pageJS string
)

// WriteHTML writes the accounts as one page that needs nothing else: a
// treemap, a table and the tree of dominators, with search.
func (s *Sizes) WriteHTML(w io.Writer) error {
	// Marshal escapes <, > and &, so the data cannot end the script it is in.
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	title := "a bundle"
	if len(s.Outputs) > 0 {
		title = s.Outputs[0].Path
	}
	_, err = strings.NewReplacer(
		"{{title}}", html.EscapeString(title), "{{css}}", pageCSS, "{{js}}", pageJS, "{{data}}", string(data),
	).WriteString(w, pageHTML)
	return err
}

// WriteJSON writes size.json, one item to a line: small enough to be kept, and
// a difference of two builds can be read.
func (s *Sizes) WriteJSON(w io.Writer) error {
	out := &stickyWriter{w: w}
	out.printf("{\n \"version\": %d,\n \"generator\": %s,\n \"outputs\": [", s.Version, compact(s.Generator))
	for i, a := range s.Outputs {
		comma := ","
		if i == 0 {
			comma = ""
		}
		out.printf("%s\n {\n  \"path\": %s,\n  \"format\": %s,\n  \"sha256\": %s,\n  \"size\": %s,\n  \"provenance\": %s",
			comma, compact(a.Path), compact(a.Format), compact(a.SHA256), compact(a.Size), compact(a.Provenance))
		if len(a.Inputs) > 0 {
			writeList(out, "inputs", a.Inputs)
		}
		writeList(out, "by_input", a.ByInput)
		writeList(out, "by_kind", a.ByKind)
		writeList(out, "by_package", a.ByPackage)
		if len(a.ByFile) > 0 {
			writeList(out, "by_file", a.ByFile)
		}
		writeList(out, "items", a.Items)
		out.printf("\n }")
	}
	out.printf("\n ]\n}\n")
	return out.err
}

func writeList[T any](out *stickyWriter, name string, list []T) {
	out.printf(",\n  %q: [", name)
	for i := range list {
		if i > 0 {
			out.printf(",")
		}
		out.printf("\n   %s", compact(&list[i]))
	}
	out.printf("\n  ]")
}

// compact is v as JSON on one line. Nothing that is written here can fail to
// be marshalled.
func compact(v any) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}

// stickyWriter keeps the first error.
type stickyWriter struct {
	w   io.Writer
	err error
}

func (s *stickyWriter) printf(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.w, format, args...)
	}
}

// ReadSizes reads size.json. It checks that the rows add up, because all that
// is rendered from them claims so.
func ReadSizes(b []byte) (*Sizes, error) {
	s := &Sizes{}
	if err := json.Unmarshal(b, s); err != nil {
		return nil, err
	}
	if s.Version != SizesVersion {
		return nil, fmt.Errorf("version %d of size.json is not known to this wbundle; it reads version %d", s.Version, SizesVersion)
	}
	for _, a := range s.Outputs {
		if a == nil {
			return nil, fmt.Errorf("an output is null")
		}
		total := 0
		for i := range a.Items {
			it := &a.Items[i]
			total += it.Bytes
			if it.Keeper < 0 || it.Keeper > len(a.Items) || it.Dominator < 0 || it.Dominator > len(a.Items) {
				return nil, fmt.Errorf("output %s: item %d names an item that is not there", a.Path, i+1)
			}
		}
		if total != a.Size.Raw {
			return nil, fmt.Errorf("output %s: the items have %d bytes, the file has %d", a.Path, total, a.Size.Raw)
		}
		a.rows()
	}
	return s, nil
}
