package proxy

import (
	"net/http"
	"strings"
)

// The names of the gate's cookies. Browsers take one of __Host- only from the host itself, with Secure and with the path /,
// so that no other host can put one in its place: RFC 6265bis section 4.1.3. A gate below a path has to do with __Secure-.
const (
	hostPrefix   = "__Host-"
	securePrefix = "__Secure-"
	cookieName   = "kauth"          // the session
	nonceName    = "kauth-form"     // that the browser was given a form
	cookieMark   = "-" + cookieName // in each of their names
)

// cookies makes the cookies of one gate.
type cookies struct{ session, nonce, path string }

// newCookies takes the --prefix. The path has no slash at its end: that cookie would not be sent to the prefix itself.
func newCookies(prefix string) cookies {
	if prefix == "" {
		return cookies{session: hostPrefix + cookieName, nonce: hostPrefix + nonceName, path: "/"}
	}
	return cookies{session: securePrefix + cookieName, nonce: securePrefix + nonceName, path: prefix}
}

// set adds a cookie to an answer. maxAge is in seconds; 0: until the browser is closed; negative: it goes away.
func (c cookies) set(h http.Header, name, value string, maxAge int) {
	h.Add("Set-Cookie", (&http.Cookie{
		Name: name, Value: value, Path: c.path, MaxAge: maxAge, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}).String())
}

// isOwnCookie says whether a cookie is one of a gate, be it this one or one above or below its path.
func isOwnCookie(name string) bool {
	switch name {
	case hostPrefix + cookieName, hostPrefix + nonceName, securePrefix + cookieName, securePrefix + nonceName:
		return true
	}
	return false
}

// stripCookies removes the gates' cookies from the header of a request, and leaves the others byte for byte. It does not
// write into the lines themselves.
func stripCookies(h http.Header) {
	lines := h["Cookie"]
	own := false
	for _, line := range lines {
		own = own || strings.Contains(line, cookieMark)
	}
	if !own {
		return
	}
	left := make([]string, 0, len(lines))
	for _, line := range lines {
		if line = withoutOwn(line); line != "" {
			left = append(left, line)
		}
	}
	if len(left) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = left
}

// withoutOwn takes out each pair of a gate with the semicolon and the blanks that part it from its neighbour.
func withoutOwn(line string) string {
	var left strings.Builder
	kept, dropped := 0, 0
	for rest, more := line, true; more; {
		var pair string
		pair, rest, more = strings.Cut(rest, ";")
		name, _, _ := strings.Cut(pair, "=")
		if isOwnCookie(strings.Trim(name, " \t")) {
			dropped++
			continue
		}
		if kept > 0 {
			left.WriteByte(';')
		} else if dropped > 0 {
			pair = strings.TrimLeft(pair, " \t")
		}
		left.WriteString(pair)
		kept++
	}
	return left.String()
}

// stripSetCookies removes what an application would set or delete under the names of the gates' cookies.
func stripSetCookies(h http.Header) {
	lines := h["Set-Cookie"]
	own := false
	for _, line := range lines {
		own = own || setsOwn(line)
	}
	if !own {
		return
	}
	left := make([]string, 0, len(lines))
	for _, line := range lines {
		if !setsOwn(line) {
			left = append(left, line)
		}
	}
	if len(left) == 0 {
		delete(h, "Set-Cookie")
		return
	}
	h["Set-Cookie"] = left
}

func setsOwn(line string) bool {
	pair, _, _ := strings.Cut(line, ";")
	name, _, _ := strings.Cut(pair, "=")
	return isOwnCookie(strings.Trim(name, " \t"))
}
