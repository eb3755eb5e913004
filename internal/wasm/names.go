package wasm

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// NamesSection and ProducersSection are the names of the custom sections that
// this package parses.
const (
	NamesSection     = "name"
	ProducersSection = "producers"
)

// NameAssoc names one member of an index space.
type NameAssoc struct {
	Index uint32
	Name  string
}

// IndirectNames names things that belong to one member of an index space: the
// locals or labels of a function, the fields of a type.
type IndirectNames struct {
	Index uint32
	Names []NameAssoc
}

// Names is the content of a name section (spec: appendix/custom.html#name-section,
// with the subsections of the extended-name-section proposal).
type Names struct {
	Module    string
	HasModule bool
	Funcs     []NameAssoc
	Locals    []IndirectNames // by function
	Labels    []IndirectNames // by function
	Types     []NameAssoc
	Tables    []NameAssoc
	Memories  []NameAssoc
	Globals   []NameAssoc
	Elems     []NameAssoc
	Datas     []NameAssoc
	Fields    []IndirectNames // by type
	Tags      []NameAssoc
}

// The ids of the subsections.
const (
	nameModule = iota
	nameFunc
	nameLocal
	nameLabel
	nameType
	nameTable
	nameMemory
	nameGlobal
	nameElem
	nameData
	nameField
	nameTag
)

// direct is the list of a subsection that maps indices to names, nil for
// another subsection.
func (n *Names) direct(id byte) *[]NameAssoc {
	switch id {
	case nameFunc:
		return &n.Funcs
	case nameType:
		return &n.Types
	case nameTable:
		return &n.Tables
	case nameMemory:
		return &n.Memories
	case nameGlobal:
		return &n.Globals
	case nameElem:
		return &n.Elems
	case nameData:
		return &n.Datas
	case nameTag:
		return &n.Tags
	}
	return nil
}

// indirect is direct for the subsections with two levels.
func (n *Names) indirect(id byte) *[]IndirectNames {
	switch id {
	case nameLocal:
		return &n.Locals
	case nameLabel:
		return &n.Labels
	case nameField:
		return &n.Fields
	}
	return nil
}

// ParseNames parses a name section. A name section is only a hint, and broken
// ones occur, so the result is never nil: it has what could be read before
// each defect, and the error joins the defects (nil if there is none).
// Unknown subsections are skipped. Indices are not checked. Names that are
// not UTF-8 are repaired with U+FFFD.
//
// The strings share one copy of the section.
func ParseNames(input string, c *Custom) (*Names, error) {
	n := &Names{}
	return n, nameSubsections(input, c, func(id byte, p *nameParser) {
		if id == nameModule {
			n.Module, n.HasModule = p.name(), p.r.err == nil
		} else if list := n.direct(id); list != nil {
			*list = append(*list, p.nameMap()...)
		} else if list := n.indirect(id); list != nil {
			count := p.r.Vec(2)
			for range count {
				x := IndirectNames{Index: p.r.U32(), Names: p.nameMap()}
				if p.r.err != nil && len(x.Names) == 0 {
					break
				}
				*list = append(*list, x)
			}
		} else {
			p.r.Bytes(p.r.Len())
		}
	})
}

// nameParser reads names leniently.
type nameParser struct{ r *Reader }

// nameSubsections calls f with each subsection and gathers the errors.
func nameSubsections(input string, c *Custom, f func(id byte, p *nameParser)) error {
	text := string(c.Data)
	r := NewReader(input, "name section", c.Data, int64(c.Off))
	var errs []error
	for r.Len() > 0 {
		id := r.Byte()
		size := r.U32()
		if uint64(size) > uint64(r.Len()) {
			if r.err == nil {
				errs = append(errs, r.Errorf("subsection %d of %d bytes, %d left", id, size, r.Len()))
			}
			size = uint32(r.Len())
		}
		start := r.pos
		sub := r.sub(int(size))
		sub.text = text[start : start+len(sub.b)]
		f(id, &nameParser{r: sub})
		if err := sub.Done(); err != nil && r.err == nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, r.Err())...)
}

func (p *nameParser) name() string {
	n := p.r.U32()
	start := p.r.pos
	if p.r.Bytes(int(n)) == nil {
		return ""
	}
	s := p.r.text[start:p.r.pos]
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	return s
}

func (p *nameParser) nameMap() []NameAssoc {
	n := p.r.Vec(2)
	if n == 0 {
		return nil
	}
	list := make([]NameAssoc, 0, n)
	for range n {
		a := NameAssoc{Index: p.r.U32(), Name: p.name()}
		if p.r.err != nil {
			break
		}
		list = append(list, a)
	}
	return list
}

// Custom returns the first custom section of that name, nil when there is
// none.
func (m *Module) Custom(name string) *Custom {
	for i := range m.Customs {
		if m.Customs[i].Name == name {
			return &m.Customs[i]
		}
	}
	return nil
}

// Names parses the module's name section. It is never nil; without a name
// section it is empty. See ParseNames for the error.
func (m *Module) Names() (*Names, error) {
	c := m.Custom(NamesSection)
	if c == nil {
		return &Names{}, nil
	}
	return ParseNames(m.Input, c)
}

// FuncNames returns the name of every function by its index, "" for those
// without. It reads only the function names of the name section and ignores
// what is broken in it; nil when there is no name section.
func (m *Module) FuncNames() []string {
	c := m.Custom(NamesSection)
	if c == nil {
		return nil
	}
	names := make([]string, m.Count(SpaceFunc))
	// Defects of the section are Names' business.
	_ = nameSubsections(m.Input, c, func(id byte, p *nameParser) {
		if id != nameFunc {
			p.r.Bytes(p.r.Len())
			return
		}
		for range p.r.Vec(2) {
			i, name := p.r.U32(), p.name()
			if p.r.err != nil {
				break
			}
			if int64(i) < int64(len(names)) {
				names[i] = name
			}
		}
	})
	return names
}

// AppendNames appends the content of a name section. Indices are sorted, as
// the format wants them (stably, so that of duplicates the first one that was
// added comes first); subsections without entries are left out.
func AppendNames(dst []byte, n *Names) []byte {
	for id := byte(nameModule); id <= nameTag; id++ {
		var body []byte
		if id == nameModule {
			if n.HasModule {
				body = AppendName(nil, n.Module)
			}
		} else if list := n.direct(id); list != nil {
			if len(*list) > 0 {
				body = appendNameMap(nil, *list)
			}
		} else if list := *n.indirect(id); len(list) > 0 {
			list = sortedBy(list, func(x IndirectNames) uint32 { return x.Index })
			body = AppendU32(nil, uint32(len(list)))
			for _, x := range list {
				body = appendNameMap(AppendU32(body, x.Index), x.Names)
			}
		}
		if body != nil {
			dst = AppendBytes(append(dst, id), body)
		}
	}
	return dst
}

func appendNameMap(dst []byte, list []NameAssoc) []byte {
	dst = AppendU32(dst, uint32(len(list)))
	for _, a := range sortedBy(list, func(a NameAssoc) uint32 { return a.Index }) {
		dst = AppendName(AppendU32(dst, a.Index), a.Name)
	}
	return dst
}

// sortedBy returns list in order of key, list itself when it is already.
func sortedBy[T any](list []T, key func(T) uint32) []T {
	byKey := func(a, b T) int { return int(int64(key(a)) - int64(key(b))) }
	if slices.IsSortedFunc(list, byKey) {
		return list
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, byKey)
	return list
}
