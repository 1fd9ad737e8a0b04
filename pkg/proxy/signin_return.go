package proxy

import (
	"net/url"
	"path"
	"strings"
)

const longestReturn = 2048 // bytes of a path to come back to

// returnPath returns said if it is a place below prefix that a browser may be sent to, and else the application's own root.
// It is a path with a query: nothing that a browser could take for another host, that could end a header, or that is one of
// the gate's own pages; and below prefix letter by letter, since the session's cookie is sent nowhere else.
func returnPath(prefix, said string) string {
	root := prefix + "/"
	if len(said) > longestReturn || !strings.HasPrefix(said, "/") || strings.HasPrefix(said, "//") {
		return root
	}
	for i := range len(said) {
		// Browsers read a backslash as a slash, and drop tabs and line ends wherever they stand. The rest is what a URL may
		// consist of, less the fragment, which the browser keeps by itself.
		if c := said[i]; c <= ' ' || c >= 0x7f || c == '\\' || c == '#' {
			return root
		}
	}
	u, err := url.Parse(said)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return root
	}
	raw, _, _ := strings.Cut(said, "?")
	if raw != prefix && !strings.HasPrefix(raw, root) {
		return root
	}
	if plain := path.Clean(u.Path) + "/"; !strings.HasPrefix(plain, root) || strings.HasPrefix(plain, root+ownPages) {
		return root
	}
	return said
}
