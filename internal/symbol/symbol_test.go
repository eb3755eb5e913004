package symbol

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name                string
		lang                Language
		want, package_, key string
	}{
		// Rust, the first mangling.
		{name: "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", want: "core::fmt::Formatter::pad", package_: "core"},
		{name: "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE.llvm.123", want: "core::fmt::Formatter::pad", package_: "core"},
		{name: "_ZN50_$LT$$RF$mut$u20$W$u20$as$u20$core..fmt..Write$GT$10write_char17hb3b4bd0082871bb5E",
			want: "<&mut W as core::fmt::Write>::write_char", package_: "core"},
		{name: "_ZN62_$LT$demo..Thing$LT$T$GT$$u20$as$u20$core..ops..drop..Drop$GT$4drop17hb3b4bd0082871bb5E",
			want: "<demo::Thing<T> as core::ops::drop::Drop>::drop", package_: "demo"},
		{name: "_ZN4demo4zero17h0000000000000000E", want: "demo::zero", package_: "demo"},
		{name: "_ZN3std2io5stdio6_print17h0123456789abcdefE", want: "std::io::stdio::_print", package_: "std"},
		{name: "_ZN4demo6__init28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE.llvm.1", want: "demo::__init::{{closure}}", package_: "demo"},
		{name: "core::fmt::write::h0123456789abcdef", want: "core::fmt::write", package_: "core"},
		// The second. The expectations are from RFC 2603 and from rustc's own output.
		{name: "_RNvC6_123foo3bar", want: "123foo::bar", package_: "123foo"},
		{name: "_RNvCs65odhARDMYf_3std4exit", want: "std::exit", package_: "std"},
		{name: "_RNvYINtNvNtCs65odhARDMYf_3std2io17default_write_fmt7AdapterINtNtB7_6cursor6CursorQShEENtNtCshetwn31oUMr_4core3fmt5Write9write_fmtB9_",
			want: "<std::io::default_write_fmt::Adapter<std::io::cursor::Cursor<&mut [u8]>> as core::fmt::Write>::write_fmt", package_: "std"},
		{name: "_RNvMs6_Csl2jfxPnZkMg_22wasi_snapshot_preview1NtB5_12BlockingMode5write",
			want: "<wasi_snapshot_preview1::BlockingMode>::write", package_: "wasi_snapshot_preview1"},
		{name: "_RNCNvC4demo4mains_0", want: "demo::main::{closure#1}", package_: "demo"},
		{name: "_RINvC4demo3maphKj7b_E", want: "demo::map::<u8, 123>", package_: "demo"},
		{name: "_RINvC4demo1fFUKCmEuE", want: `demo::f::<unsafe extern "C" fn(u32)>`, package_: "demo"},
		{name: "_RINvC4demo1fDNtC4demo5TraitEL_E", want: "demo::f::<dyn demo::Trait>", package_: "demo"},
		{name: "_RNvC4demou8gdel_5qa", want: "demo::gödel", package_: "demo"},
		{name: "_RNvC4demo", want: "_RNvC4demo", package_: "demo"}, // cut off
		// An item in a closure: the demangler takes 0 and 4 for 04.
		{name: "_RNvNCNvCs65odhARDMYf_4demo3run04item", want: "_RNvNCNvCs65odhARDMYf_4demo3run04item", package_: "demo", key: "_RNvNCNvC4demo3run04item"},
		{name: "_RNvXC4demoINtNtC5alloc3vec3VechENtB2_5Trait3run", want: "<alloc::vec::Vec<u8> as demo::Trait>::run", package_: "demo"},
		{name: "_RNvYhNtC4demo5Trait3run", want: "<u8 as demo::Trait>::run", package_: "demo"},
		// C++.
		{name: "_ZN2JS4CallEP9JSContext", want: "JS::Call(JSContext*)", package_: "JS", key: "_ZN2JS4CallEP9JSContext"},
		{name: "_ZNSt3__26vectorIiE4pushEv", want: "std::__2::vector<int>::push()", package_: "std", key: "_ZNSt3__26vectorIiE4pushEv"},
		{name: "_ZN3foo3BarC2Ev", want: "foo::Bar::Bar()", package_: "foo", key: "_ZN3foo3BarC2Ev"},
		{name: "_Z3addii", want: "add(int, int)", package_: "", key: "_Z3addii"},
		{name: "_ZN12_GLOBAL__N_13runEv", want: "(anonymous namespace)::run()", package_: "anonymous"},
		{name: "_ZN2js2gc4markIPNS_5ShapeEEEvT_", want: "void js::gc::mark<js::Shape*>(js::Shape*)", package_: "js"},
		{name: "_ZTVN2js6TracerE", want: "vtable for js::Tracer", package_: "js"},
		{name: "_ZNK2js6TracerclEi.llvm.7", want: "js::Tracer::operator()(int) const", package_: "js", key: "_ZNK2js6TracerclEi"},
		{name: "std::__2::basic_string<char, std::__2::allocator<char>>::append(char const*)", package_: "std"},
		{name: "void js::gc::mark<js::Shape*>(js::Tracer&)", package_: "js"},
		{name: "decltype(auto) std::__2::__try<int>(int&&)", package_: "std"},
		{name: "decltype(__unwrap(std::declval<int*>()->x)) js::unwrap<int*>(int*)", package_: "js"},
		{name: "js::Tracer::operator()(int) const", package_: "js"},
		{name: "js::Tracer::operator bool() const", package_: "js"},
		{name: "bool js::operator<<js::Shape>(js::Shape const&, js::Shape const&)", package_: "js"},
		{name: "void walk<js::Shape*>(js::Shape*)", package_: ""},
		{name: "std::pair<int, js::Shape> walk(int)", package_: ""},
		// Go.
		{name: "net/http.(*conn).serve", lang: Go, package_: "net/http"},
		{name: "runtime.mallocgc", lang: Go, package_: "runtime"},
		{name: "(*os.File).Write", lang: Go, package_: "os"},
		{name: "main.main.func1.2", lang: Go, package_: "main"},
		{name: "github.com/a/b.c[go.shape.int]", lang: Go, package_: "github.com/a/b"},
		// Swift, C, and what nobody can read.
		{name: "$s4main3fooyyF", package_: "main"},
		{name: "dlmalloc", package_: ""},
		{name: "helper.123", key: "helper"},
		{name: "helper.isra.0", key: "helper"},
		{name: ".123", key: ".123"},
		{name: "", package_: ""},
	} {
		got := Parse(tt.name, tt.lang)
		if tt.want == "" {
			tt.want = tt.name
		}
		if got.Name != tt.want || got.Package != tt.package_ || tt.key != "" && got.Key != tt.key {
			t.Errorf("%s\n got %q in %q (key %q)\nwant %q in %q (key %q)", tt.name, got.Name, got.Package, got.Key, tt.want, tt.package_, tt.key)
		}
	}
}

// TestKeysSurviveHashes: two builds of one function have one key.
func TestKeysSurviveHashes(t *testing.T) {
	for _, pair := range [][2]string{
		{"_ZN4demo3add17h0123456789abcdefE", "_ZN4demo3add17hfedcba9876543210E"},
		{"_RNvCs65odhARDMYf_4demo3add", "_RNvCshetwn31oUMr_4demo3add"},
		{"local.llvm.12", "local.llvm.34"},
	} {
		if a, b := Parse(pair[0], Unknown).Key, Parse(pair[1], Unknown).Key; a != b {
			t.Errorf("%q and %q have the keys %q and %q", pair[0], pair[1], a, b)
		}
	}
}

// TestLongNames: what is long, deep or refers to itself over and over ends soon.
func TestLongNames(t *testing.T) {
	doubled := "_RINvC1a1b"
	for at := len(doubled) - 2; len(doubled) < 400; {
		// Each tuple is twice the one before it.
		next := len(doubled) - 2
		if next == at {
			doubled += "TuuE"
			continue
		}
		doubled += fmt.Sprintf("TB%s_B%s_E", base62(at), base62(at))
		at = next
	}
	pairs := "_Z1fSt4pairIiiE"
	for i := range 30 {
		sub := "S" + strings.ToUpper(strconv.FormatInt(int64(i), 36)) + "_"
		pairs += "St4pairI" + sub + sub + "E"
	}
	for _, name := range []string{
		doubled + "E", pairs,
		"_RINvC1a1b" + strings.Repeat("R", 1<<20) + "hE", "_RINvC1a1b" + strings.Repeat("R", 4000) + "hE",
		"_Z1f" + strings.Repeat("P", 1<<20) + "i", "_Z1f" + strings.Repeat("P", 4000) + "i",
		"_Z" + strings.Repeat("N1a", 1300), "_ZN" + strings.Repeat("1a", 2000) + "E", "_Z1f" + strings.Repeat("1aIJ", 1000),
	} {
		start := time.Now()
		s := Parse(name, Unknown)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%.40s... took %v", name, took)
		}
		if s.Key == "" || s.Name != name && len(s.Name) > 1<<maxDemangled {
			t.Errorf("%.40s... has the name %.40s..., %d letters, and the key %.40s...", name, s.Name, len(s.Name), s.Key)
		}
	}
}

// base62 is a number as references have it.
func base62(n int) string {
	if n == 0 {
		return ""
	}
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	text := ""
	for n--; ; n /= 62 {
		if text = digits[n%62:n%62+1] + text; n < 62 {
			return text
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"_ZN2js2gc4markIPNS_5ShapeEEEvT_", "_ZNSt3__26vectorIiE4pushEv", "_ZTVN2js6TracerE", "_ZZN1a1bEvENKUlvE_clEv", "_RNvC6_123foo3bar", "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "_RINvC4demo1fDNtC4demo5TraitEL_E", "_RNvC4demou8gdel_5qa", "_RB_", "_RNvB_3foo", "_RMC4demoB_"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		s := Parse(name, Unknown) // must end, and not panic
		if name != "" && s.Key == "" {
			t.Errorf("%q has no key", name)
		}
	})
}
