package proxy

import (
	"net/url"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

func TestReturnPath(t *testing.T) {
	for _, tt := range []struct{ prefix, said, want string }{
		{"", "/", "/"},
		{"", "/graph?g0.expr=up%20%26%20x&a=//b", "/graph?g0.expr=up%20%26%20x&a=//b"},
		{"", "/a//b/./c", "/a//b/./c"},
		{"", "", "/"},
		{"", "graph", "/"},
		{"", "//evil.com/", "/"},
		{"", "///evil.com", "/"},
		{"", `/\evil.com`, "/"},
		{"", `\/evil.com`, "/"},
		{"", `/a\..\..\\evil.com`, "/"},
		{"", "/\t/evil.com", "/"},
		{"", "/\n/evil.com", "/"},
		{"", "\t//evil.com", "/"},
		{"", " //evil.com", "/"},
		{"", "/ /evil.com", "/"},
		{"", "/\r\nSet-Cookie: a=b", "/"},
		{"", "/%0d%0aSet-Cookie:%20a=b", "/%0d%0aSet-Cookie:%20a=b"}, // stays escaped
		{"", "/\x00", "/"},
		{"", "/\x7f", "/"},
		{"", "/é", "/"},
		{"", "/\u2028", "/"},
		{"", "http://evil.com", "/"},
		{"", "https:evil.com", "/"},
		{"", "javascript:alert(1)", "/"},
		{"", "/javascript:alert(1)", "/javascript:alert(1)"},
		{"", "data:text/html,x", "/"},
		{"", "/x#y", "/"},
		{"", "/%zz", "/"},
		{"", "/@evil.com", "/@evil.com"},
		{"", "/" + strings.Repeat("a", longestReturn), "/"},
		{"", "/_kauth/sign-out", "/"},
		{"", "/_kauth/sign-in?return=/", "/"},
		{"", "/_kauth", "/"},
		{"", "/%5fkauth/sign-out", "/"},
		{"", "/x/../_kauth/sign-out", "/"},
		{"", "/_kauthority", "/_kauthority"},
		{"/p", "/p", "/p"},
		{"/p", "/p?q", "/p?q"},
		{"/p", "/p/x", "/p/x"},
		{"/p", "/", "/p/"},
		{"/p", "/px", "/p/"},
		{"/p", "/p%2fx", "/p/"},
		{"/p", "/p/../x", "/p/"},
		{"/p", "/p/%2e%2e/x", "/p/"},
		{"/p", "//p/x", "/p/"},
		{"/p", "/_kauth/sign-in", "/p/"},
		{"/p", "/p/_kauth/sign-in", "/p/"},
		{"/p", "/p//evil.com", "/p//evil.com"},
	} {
		if got := returnPath(tt.prefix, tt.said); got != tt.want {
			t.Errorf("%q below %q: %q, want %q", tt.said, tt.prefix, got, tt.want)
		}
	}
}

// Whatever is said, a browser stays at the gate: what it resolves to has the gate's own host.
func FuzzReturnPath(f *testing.F) {
	for _, seed := range []string{"/", "//x", `/\x`, "/a?b", "/\t/x", "/../x", "http:/x", "/%2f%2fx", "/p/.//x"} {
		f.Add("/p", seed)
		f.Add("", seed)
	}
	base, _ := url.Parse("https://gate.example/p/_kauth/sign-in")
	f.Fuzz(func(t *testing.T, prefix, said string) {
		if prefix != "" && !gateconf.IsCanonicalPath(prefix) || strings.HasSuffix(prefix, "/") {
			return
		}
		got := returnPath(prefix, said)
		u, err := base.Parse(got)
		if err != nil || u.Host != base.Host || u.Scheme != "https" || u.User != nil || strings.ContainsAny(got, "\\\r\n\t ") || strings.HasPrefix(got, "//") {
			t.Errorf("%q leads to %v (%v)", said, u, err)
		}
	})
}
