package component

import "strings"

// The checks of names that Check makes: labels are in kebab case and unique
// where they stand, import and export names have one of the forms of
// Explainer.md and do not repeat. Labels that differ in case only count as
// equal, because bindings for many languages could not tell them apart.

// labelSet finds labels that repeat. The first one needs no map.
type labelSet struct {
	any   bool
	first string
	more  map[string]struct{}
}

// addLabel reports whether s is new, whatever the case.
func (l *labelSet) addLabel(s string) bool { return l.add(strings.ToLower(s)) }

// add reports whether s is new.
func (l *labelSet) add(s string) bool {
	if !l.any {
		l.any, l.first = true, s
		return true
	}
	if _, dup := l.more[s]; dup || s == l.first {
		return false
	}
	if l.more == nil {
		l.more = map[string]struct{}{}
	}
	l.more[s] = struct{}{}
	return true
}

func (k *checker) label(set *labelSet, what, s string) {
	if err := kebab(s); err != nil {
		k.fail("%s: %v", what, err)
	} else if !set.addLabel(s) {
		k.fail("%s `%s` is given twice", what, s)
	}
}

// externName checks the name of an import or export; what says which.
func (k *checker) externName(set *labelSet, what string, n *Name) {
	p, err := n.Parse()
	if err != nil {
		k.fail("%s: %v", what, err)
		return
	}
	isNew := false
	if p.Kind >= URLName {
		isNew = set.add(n.Text) // hashes and URLs are no labels
	} else {
		isNew = set.addLabel(n.Text)
	}
	if !isNew {
		k.fail("%s `%s` is given twice", what, n.Text)
	}
}

// argName checks the name of an instantiation argument or core export, which
// can be any string but may not repeat.
func (k *checker) argName(seen map[string]bool, what, s string) {
	if seen[s] {
		k.fail("%s `%s` is given twice", what, s)
	}
	seen[s] = true
}

func (k *checker) labels(t Type) {
	var set labelSet
	switch t := t.(type) {
	case *FuncDef:
		for _, p := range t.Params {
			k.label(&set, "parameter", p.Name)
		}
	case *ValDef:
		if t.Kind == KindRecord {
			for _, f := range t.Fields {
				k.label(&set, "record field", f.Name)
			}
		}
		for _, c := range t.Parts().Cases {
			k.label(&set, "variant case", c.Name)
		}
		for _, l := range t.Parts().Labels {
			k.label(&set, t.Kind.String()+" label", l)
		}
	}
}
