package symbol

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// parts splits the nested name of an Itanium name into its identifiers,
// _ZN4core3fmt5writeE; rest is what follows the E.
func parts(name string) (all []string, rest string, ok bool) {
	name, ok = strings.CutPrefix(name, "_ZN")
	if !ok {
		return nil, "", false
	}
	for {
		if rest, end := strings.CutPrefix(name, "E"); end {
			return all, rest, len(all) > 0
		}
		id, rest, ok := identifier(name)
		if !ok {
			return all, name, false
		}
		all, name = append(all, id), rest
	}
}

// identifier reads a length and that many bytes.
func identifier(name string) (id, rest string, ok bool) {
	i, n := 0, 0
	for i < len(name) && name[i] >= '0' && name[i] <= '9' && n < 1<<16 {
		n = n*10 + int(name[i]-'0')
		i++
	}
	if n == 0 || i+n > len(name) {
		return "", name, false
	}
	return name[i : i+n], name[i+n:], true
}

// rustLegacy demangles a name of Rust's first mangling, which is a C++ name
// whose last part is a hash.
func rustLegacy(name string) (string, bool) {
	all, _, ok := parts(name)
	if !ok || len(all) < 2 {
		return "", false
	}
	last := all[len(all)-1]
	if len(last) != 17 || !hash.MatchString("::"+last) {
		return "", false
	}
	for i, p := range all {
		all[i] = unescape(p)
	}
	return strings.Join(all[:len(all)-1], "::"), true
}

// escapes are what stands for characters that an assembler would not take.
var escapes = map[string]string{
	"SP": "@", "BP": "*", "RF": "&", "LT": "<", "GT": ">", "LP": "(", "RP": ")", "C": ",",
}

// unescape undoes the escapes of one part of a path.
func unescape(part string) string {
	part = strings.ReplaceAll(part, "..", "::")
	if !strings.Contains(part, "$") {
		return part
	}
	if strings.HasPrefix(part, "_$") {
		part = part[1:]
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(part, "$")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		code, after, ok := strings.Cut(rest, "$")
		text, known := escapes[code]
		if !known && len(code) > 1 && code[0] == 'u' {
			if n, err := strconv.ParseUint(code[1:], 16, 32); err == nil && utf8.ValidRune(rune(n)) {
				text, known = string(rune(n)), true
			}
		}
		if !ok || !known {
			b.WriteString("$" + rest)
			return b.String()
		}
		b.WriteString(text)
		part = after
	}
}
