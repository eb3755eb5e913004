package runtime

import (
	"strings"
)

// The names that wit-component gives to the core imports and exports of a
// module, in both of its styles: the older one ("ns:pkg/iface@1.2.3#func",
// "cabi_post_…", "cabi_realloc") and the one of the build targets proposal
// ("cm32p2|ns:pkg/iface@1|func", "…_post", "cm32p2_realloc").

const cm32p2 = "cm32p2"

// exportNames returns the core names that the function fn of the exported
// interface iface ("": of the world) may have, and those of its post-return.
func exportNames(iface, fn string) (names, posts [2]string) {
	names[0] = qualify(iface, fn)
	posts[0] = "cabi_post_" + names[0]
	names[1] = cm32p2 + "|" + canonicalVersion(iface) + "|" + fn
	posts[1] = names[1] + "_post"
	return names, posts
}

// dtorNames returns the core names of the destructor of an exported resource.
func dtorNames(iface, resource string) [2]string {
	return [2]string{
		qualify(iface, "[dtor]"+resource),
		cm32p2 + "|" + canonicalVersion(iface) + "|" + resource + "_dtor",
	}
}

var (
	reallocNames    = [2]string{"cabi_realloc", cm32p2 + "_realloc"}
	memoryNames     = [2]string{"memory", cm32p2 + "_memory"}
	initializeNames = [2]string{"_initialize", cm32p2 + "_initialize"}
)

// coreImport is what a core import asks for.
type coreImport struct {
	// op is "" for a function, or "new", "rep", "drop" of a resource.
	op     string
	export bool   // the resource is one that the module itself exports
	iface  string // "" for the world itself
	name   string // function or resource
	short  bool   // iface has a canonical version ("@1")
}

// parseImport takes the names of a core import apart.
func parseImport(module, name string) coreImport {
	var c coreImport
	if module == cm32p2 || strings.HasPrefix(module, cm32p2+"|") {
		c.short = true
		c.iface = strings.TrimPrefix(strings.TrimPrefix(module, cm32p2), "|")
		c.iface, c.export = strings.CutPrefix(c.iface, "_ex_")
		c.name = name
		for _, op := range [...]string{"new", "rep", "drop"} {
			if r, ok := strings.CutSuffix(name, "_"+op); ok { // labels have no underscore
				c.op, c.name = op, r
			}
		}
		return c
	}
	c.iface, c.export = strings.CutPrefix(module, "[export]")
	if c.iface == "$root" {
		c.iface = ""
	}
	c.name = name
	for _, op := range [...]string{"new", "rep", "drop"} {
		if r, ok := strings.CutPrefix(name, "[resource-"+op+"]"); ok {
			c.op, c.name = op, r
		}
	}
	return c
}

// canonicalVersion shortens the version of an interface name to the part that
// semantic versioning holds stable: "@1.2.3" to "@1", "@0.2.3" to "@0.2",
// "@0.0.3" stays.
func canonicalVersion(iface string) string {
	at := strings.LastIndexByte(iface, '@')
	if at < 0 {
		return iface
	}
	v := iface[at+1:]
	if i := strings.IndexAny(v, "+-"); i >= 0 {
		if v[i] == '-' {
			return iface // pre-releases are compatible with nothing else
		}
		v = v[:i]
	}
	parts := strings.SplitN(v, ".", 3)
	n := 1
	for n < len(parts) && parts[n-1] == "0" {
		n++
	}
	return iface[:at+1] + strings.Join(parts[:n], ".")
}
