package session

import (
	"net/http"
	"strings"
	"time"
)

// maxCopies is how many cookies of the name are looked at. Honest requests have one, or two where a gate lives below the
// path of another.
const maxCopies = 4

// Find returns the session of the first good cookie. Two good ones of different users are none: a page of another host of
// the same site can add a cookie of its own user to a visitor's, and must not choose who the visitor is.
func (c *Check) Find(r *http.Request) (Session, bool) {
	st := c.state.Load()
	if st.keys.Len() == 0 || len(st.users) == 0 {
		return Session{}, false
	}
	var found Session
	copies := 0
	for _, line := range r.Header["Cookie"] {
		for line != "" && copies < maxCopies {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			if name != c.options.Cookie {
				continue
			}
			copies++
			s, ok := c.check(st, value)
			if ok && found.User != "" && found.User != s.User {
				return Session{}, false
			}
			if ok && found.User == "" {
				found = s
			}
		}
	}
	return found, found.User != ""
}

// check returns the session that a cookie's value stands for, if it is good now.
func (c *Check) check(st *state, value string) (Session, bool) {
	s, ok := st.open(value)
	if !ok {
		return Session{}, false
	}
	if end := s.Issued.Add(c.options.TTL); s.Expires.After(end) { // issued when sessions were longer
		s.Expires = end
	}
	now := c.options.Now()
	return s, now.Before(s.Expires) && s.Issued.Before(now.Add(maxSkew))
}

// Challenge is what a 401 says to scripts, which can make nothing of Basic: RFC 9110 section 11.6.1 wants a challenge, and
// at a scheme that they do not know browsers show no dialog.
func Challenge(realm string) string {
	return `Kauth-Session realm="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(realm) + `"`
}

// MaxAge is for how many seconds a browser should keep the cookie of s, a part of one counted whole.
func (s Session) MaxAge(now time.Time) int {
	return int(max((s.Expires.Sub(now)+time.Second-1)/time.Second, 1))
}
