package wasm

// Producers is the content of a producers section, which says what tools made
// a module (https://github.com/WebAssembly/tool-conventions/blob/main/ProducersSection.md).
type Producers struct {
	Fields []ProducerField
}

// The fields of a producers section that the convention knows.
const (
	ProducerLanguage    = "language"
	ProducerProcessedBy = "processed-by"
	ProducerSDK         = "sdk"
)

// ProducerField is one field with its values in order.
type ProducerField struct {
	Name   string
	Values []ProducerValue
}

// ProducerValue is a tool or language and its version, which may be empty.
type ProducerValue struct {
	Name, Version string
}

// ParseProducers parses a producers section. As with ParseNames, the result is
// never nil: it has what came before the defect that the error names.
func ParseProducers(input string, c *Custom) (*Producers, error) {
	r := NewReader(input, "producers section", c.Data, int64(c.Off))
	r.text = string(c.Data)
	p := &Producers{}
	for range r.Vec(2) {
		f := ProducerField{Name: r.Name()}
		for range r.Vec(2) {
			v := ProducerValue{Name: r.Name(), Version: r.Name()}
			if r.err != nil {
				break
			}
			f.Values = append(f.Values, v)
		}
		if r.err != nil && len(f.Values) == 0 {
			break
		}
		p.Fields = append(p.Fields, f)
	}
	return p, r.Done()
}

// Producers parses the module's producers section. It is never nil; without
// the section it is empty.
func (m *Module) Producers() (*Producers, error) {
	c := m.Custom(ProducersSection)
	if c == nil {
		return &Producers{}, nil
	}
	return ParseProducers(m.Input, c)
}

// Field returns the values of a field, nil when it is not there.
func (p *Producers) Field(name string) []ProducerValue {
	for i := range p.Fields {
		if p.Fields[i].Name == name {
			return p.Fields[i].Values
		}
	}
	return nil
}

// Add appends a value to a field (made when it is not there), unless the field
// has a value of that name.
func (p *Producers) Add(field, name, version string) {
	v := ProducerValue{Name: name, Version: version}
	for i := range p.Fields {
		f := &p.Fields[i]
		if f.Name != field {
			continue
		}
		for _, old := range f.Values {
			if old.Name == name {
				return
			}
		}
		f.Values = append(f.Values, v)
		return
	}
	p.Fields = append(p.Fields, ProducerField{Name: field, Values: []ProducerValue{v}})
}

// AppendProducers appends the content of a producers section.
func AppendProducers(dst []byte, p *Producers) []byte {
	dst = AppendU32(dst, uint32(len(p.Fields)))
	for _, f := range p.Fields {
		dst = AppendU32(AppendName(dst, f.Name), uint32(len(f.Values)))
		for _, v := range f.Values {
			dst = AppendName(AppendName(dst, v.Name), v.Version)
		}
	}
	return dst
}
