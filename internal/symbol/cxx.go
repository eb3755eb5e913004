package symbol

import "strings"

// cxx reads the path of a mangled C++ name, as far as it consists of plain
// identifiers; parameters are left out and templates are cut at their
// arguments. Most linkers write C++ names demangled already, so this is for
// what they leave.
func cxx(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, "_Z")
	if !ok {
		return "", false
	}
	for _, special := range []struct{ code, text string }{
		{"TV", "vtable for "}, {"TI", "typeinfo for "}, {"TS", "typeinfo name for "}, {"GV", "guard variable for "},
	} {
		if inner, ok := strings.CutPrefix(rest, special.code); ok {
			if path, ok := cxxPath(inner); ok {
				return special.text + path, true
			}
			return "", false
		}
	}
	return cxxPath(rest)
}

func cxxPath(rest string) (string, bool) {
	rest, nested := strings.CutPrefix(rest, "N")
	rest = strings.TrimLeft(rest, "KVrRO") // const, volatile, & and && member functions
	var path []string
	if after, ok := strings.CutPrefix(rest, "St"); ok {
		path, rest = append(path, "std"), after
	}
	for {
		rest = strings.TrimPrefix(rest, "L") // internal linkage
		id, after, ok := identifier(rest)
		if !ok {
			break
		}
		if strings.HasPrefix(id, "_GLOBAL__N") {
			id = "(anonymous namespace)"
		}
		path, rest = append(path, id), after
		for strings.HasPrefix(rest, "B") { // ABI tags
			if _, after, ok := identifier(rest[1:]); ok {
				rest = after
				continue
			}
			break
		}
		if !nested {
			break
		}
	}
	if len(path) == 0 || len(path) == 1 && path[0] == "std" {
		return "", false
	}
	last := path[len(path)-1]
	switch {
	case nested && len(rest) > 1 && rest[0] == 'C' && rest[1] >= '1' && rest[1] <= '5':
		path = append(path, last)
	case nested && len(rest) > 1 && rest[0] == 'D' && rest[1] >= '0' && rest[1] <= '5':
		path = append(path, "~"+last)
	case strings.HasPrefix(rest, "I"):
		path[len(path)-1] += "<...>"
	}
	return strings.Join(path, "::"), true
}
