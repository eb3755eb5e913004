package main

import (
	"fmt"
	"slices"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// unit is a decoded file, or a module or component inside one.
type unit struct {
	bytes     []byte
	module    *wasm.Module          // one of the two is set
	component *component.Component  // as above
	modules   []*unit               // core modules of the component, nested ones included
	nested    int                   // components inside the component
	def       *component.CoreModule // of a module inside a component
	base      int64                 // offset of such a module in the file
}

// Kind names what the file is, in the words of the linker's summary.
func (u *unit) kind() string {
	if u.component != nil {
		return "component"
	}
	return "core module"
}

// decode decodes a whole file: the component, what is nested in it, and the
// bodies of all core modules.
func decode(name string, b []byte) (*unit, error) {
	if !component.IsComponent(b) {
		m, err := wasm.Decode(name, b)
		return &unit{bytes: b, module: m}, err
	}
	c, err := component.Decode(name, b)
	if err != nil {
		return nil, err
	}
	u := &unit{bytes: b, component: c}
	return u, u.gather(c)
}

// gather decodes the core modules of c and of the components in it.
func (u *unit) gather(c *component.Component) error {
	for _, def := range c.Defs {
		switch def := def.(type) {
		case *component.CoreModule:
			name := fmt.Sprintf("%s: core module %d", c.Input, len(u.modules))
			m, err := wasm.Decode(name, def.Bytes)
			if err != nil {
				return inFile(err, int64(def.Pos))
			}
			u.modules = append(u.modules, &unit{bytes: def.Bytes, module: m, def: def, base: int64(def.Pos)})
		case *component.NestedComponent:
			u.nested++
			if err := u.gather(def.Component); err != nil {
				return err
			}
		}
	}
	return nil
}

// section is one section of a file, header included, so that sections and the
// preamble sum to the file.
type section struct {
	id           byte
	name         string // of a custom section
	offset, size int
	payload      []byte
}

// sections splits a decoded file into its sections.
func sections(b []byte) []section {
	const preamble = 8
	var all []section
	for pos := preamble; pos < len(b); {
		id := b[pos]
		size, n := wasm.ReadU32(b[pos+1:])
		start := pos + 1 + n
		end := start + int(size)
		if n == 0 || end > len(b) {
			break // the decoder has complained about it already
		}
		s := section{id: id, offset: pos, size: end - pos, payload: b[start:end]}
		if id == 0 {
			if length, m := wasm.ReadU32(s.payload); m > 0 && m+int(length) <= len(s.payload) {
				s.name = string(s.payload[m : m+int(length)])
				s.payload = s.payload[m+int(length):]
			}
		}
		all = append(all, s)
		pos = end
	}
	return all
}

// title is what a person calls the section.
func (s section) title(inComponent bool) string {
	switch {
	case s.id == 0 && s.name != "":
		return "custom section " + s.name
	case inComponent:
		return component.SectionID(s.id).String()
	}
	return wasm.SectionID(s.id).String()
}

// tool is an entry of a producers section.
type tool struct {
	Field   string `json:"field"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

// producers reads the producers sections of a file and of the modules in it.
func (u *unit) producers() []tool {
	var tools []tool
	for _, s := range sections(u.bytes) {
		if s.id != 0 || s.name != wasm.ProducersSection {
			continue
		}
		// A broken producers section is no reason not to show the rest.
		p, _ := wasm.ParseProducers("", &wasm.Custom{Name: s.name, Data: s.payload})
		for _, f := range p.Fields {
			for _, v := range f.Values {
				t := tool{f.Name, v.Name, v.Version}
				if !slices.Contains(tools, t) {
					tools = append(tools, t)
				}
			}
		}
	}
	for _, m := range u.modules {
		for _, t := range m.producers() {
			if !slices.Contains(tools, t) {
				tools = append(tools, t)
			}
		}
	}
	return tools
}

// stripMetadata takes the component-type and producers sections and the map of
// windows out of a binary. In a component that includes those of what is
// nested in it, which changes the sizes of the sections around them.
func stripMetadata(b []byte) []byte {
	const preamble = 8
	isComponent := component.IsComponent(b)
	out := slices.Clone(b[:preamble])
	for _, s := range sections(b) {
		switch {
		case s.id == 0 && (s.name == wasm.ProducersSection || s.name == linker.WindowsSection || isComponentType(s.name)):
		case isComponent && (component.SectionID(s.id) == component.SectionCoreModule || component.SectionID(s.id) == component.SectionComponent):
			out = wasm.AppendBytes(append(out, s.id), stripMetadata(s.payload))
		default:
			out = append(out, b[s.offset:s.offset+s.size]...)
		}
	}
	return out
}

// isComponentType reports whether a custom section describes the world that a
// core module was built for.
func isComponentType(name string) bool {
	const prefix = "component-type"
	return name == prefix || len(name) > len(prefix) && name[:len(prefix)+1] == prefix+":"
}
