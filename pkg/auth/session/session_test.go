package session

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/sessionkey"
)

const (
	cookie = "__Host-kauth"
	aHash  = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="
	bHash  = "{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="
	users  = "alice:" + aHash + "\nbob:" + aHash + "\n"
)

// keyText is a line of a key file that is made of one letter.
func keyText(letter string) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, sessionkey.MinSize))) + "\n"
}

func mustKeys(t testing.TB, text string) *Keys {
	t.Helper()
	k, err := ParseKeys([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// clock is a time that stands still until it is moved.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func newCheck(t testing.TB, keys string) (*Check, *clock) {
	t.Helper()
	at := &clock{time.Unix(1_800_000_000, 0)}
	c := New(Options{Cookie: cookie, TTL: time.Hour, Now: at.now})
	c.SetUsers(htpasswd.Parse([]byte(users)))
	c.SetKeys(mustKeys(t, keys))
	return c, at
}

func issue(t testing.TB, c *Check, user string) string {
	t.Helper()
	return issueBy(t, c, user, aHash)
}

// issueBy is issue for who signed in with the password of this hash.
func issueBy(t testing.TB, c *Check, user, hash string) string {
	t.Helper()
	value, _, err := c.Issue(user, auth.LineOf(user, hash))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func with(cookies ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://app/", nil)
	for _, c := range cookies {
		r.Header.Add("Cookie", c)
	}
	return r
}

// who is the user of a request's session, or nothing.
func who(t testing.TB, c *Check, r *http.Request) string {
	t.Helper()
	d, err := c.Authenticate(r)
	if err != nil {
		t.Fatal(err)
	}
	want := auth.Decision{Outcome: auth.Pass, Reason: ReasonNone}
	if d.Outcome == auth.Allow {
		want = auth.Decision{Outcome: auth.Allow, Identity: auth.Identity{User: d.Identity.User, Check: "session"}, Line: d.Line, Reason: ReasonSession}
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	return d.Identity.User
}

func TestSession(t *testing.T) {
	c, at := newCheck(t, keyText("a"))
	value := cookie + "=" + issue(t, c, "alice")
	if got := who(t, c, with(value)); got != "alice" {
		t.Fatalf("a fresh session is of %q", got)
	}
	start := at.Time
	for _, tt := range []struct {
		after time.Duration
		want  string
	}{{time.Hour - time.Millisecond, "alice"}, {time.Hour, ""}, {-maxSkew, ""}, {time.Millisecond - maxSkew, "alice"}, {1000 * time.Hour, ""}} {
		if at.Time = start.Add(tt.after); who(t, c, with(value)) != tt.want {
			t.Errorf("%s after it was issued it is not of %q", tt.after, tt.want)
		}
	}
	at.Time = start

	// Another gate, or this one after a restart.
	again, _ := newCheck(t, keyText("b")+keyText("a"))
	if got := who(t, again, with(value)); got != "alice" {
		t.Errorf("at another gate with the key it is of %q", got)
	}
	shorter := New(Options{Cookie: cookie, TTL: time.Minute, Now: at.now})
	shorter.SetUsers(htpasswd.Parse([]byte(users)))
	shorter.SetKeys(mustKeys(t, keyText("a")))
	if s, ok := shorter.Find(with(value)); !ok || !s.Expires.Equal(start.Add(time.Minute)) {
		t.Errorf("where sessions are shorter it ends at %v", s.Expires)
	}
}

// What ends a session, or never made one.
func TestNoSession(t *testing.T) {
	const other = "__Secure-kauth"
	for name, change := range map[string]func(c *Check, value string) *http.Request{
		"no cookie":    func(*Check, string) *http.Request { return with() },
		"empty":        func(*Check, string) *http.Request { return with(cookie + "=") },
		"no value":     func(*Check, string) *http.Request { return with(cookie) },
		"another name": func(_ *Check, v string) *http.Request { return with(other + "=" + v) },
		"another case": func(_ *Check, v string) *http.Request { return with(strings.ToLower(cookie) + "=" + v) },
		"quoted":       func(_ *Check, v string) *http.Request { return with(cookie + `="` + v + `"`) },
		"4 KiB": func(_ *Check, v string) *http.Request {
			return with(cookie + "=" + v + strings.Repeat("A", 4096-len(v)))
		},
		"padded": func(_ *Check, v string) *http.Request { return with(cookie + "=" + v + "==") },
		"behind four bad ones": func(_ *Check, v string) *http.Request {
			return with(strings.Repeat(cookie+"=x; ", maxCopies) + cookie + "=" + v)
		},
		"of two users": func(c *Check, v string) *http.Request {
			bobs, _, _ := c.Issue("bob", auth.LineOf("bob", aHash))
			return with(cookie + "=" + v + "; " + cookie + "=" + bobs)
		},
		"of two users, in two lines": func(c *Check, v string) *http.Request {
			bobs, _, _ := c.Issue("bob", auth.LineOf("bob", aHash))
			return with(cookie+"="+v, cookie+"="+bobs)
		},
		"password changed": func(c *Check, v string) *http.Request {
			c.SetUsers(htpasswd.Parse([]byte("alice:" + bHash + "\nbob:" + aHash + "\n")))
			return with(cookie + "=" + v)
		},
		"user removed": func(c *Check, v string) *http.Request {
			c.SetUsers(htpasswd.Parse([]byte("bob:" + aHash + "\n")))
			return with(cookie + "=" + v)
		},
		"users gone": func(c *Check, v string) *http.Request { c.SetUsers(nil); return with(cookie + "=" + v) },
		"keys gone":  func(c *Check, v string) *http.Request { c.SetKeys(nil); return with(cookie + "=" + v) },
		"key changed": func(c *Check, v string) *http.Request {
			c.SetKeys(mustKeys(t, keyText("b")))
			return with(cookie + "=" + v)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := newCheck(t, keyText("a"))
			if got := who(t, c, change(c, issue(t, c, "alice"))); got != "" {
				t.Errorf("let %q in", got)
			}
		})
	}
}

// A cookie that somebody else has put beside a good one does not keep its owner out.
func TestCookiesOfOneName(t *testing.T) {
	c, _ := newCheck(t, keyText("a"))
	value := cookie + "=" + issue(t, c, "alice")
	for _, cookies := range [][]string{
		{"a=b; " + value + "; c=d"},
		{"a=b;" + value},
		{cookie + "=x; " + value},
		{value + "; " + cookie + "=" + strings.Repeat("A", 4096)},
		{value + "; " + value},
		{cookie + "=x", value},
	} {
		if got := who(t, c, with(cookies...)); got != "alice" {
			t.Errorf("%.40q: let %q in", cookies, got)
		}
	}
}

// Whoever has no key cannot make a cookie out of others: not by cutting, turning bits, or putting parts together.
func TestForgedCookies(t *testing.T) {
	c, at := newCheck(t, keyText("a"))
	value := issue(t, c, "alice")
	raw, err := encoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(what string, forged []byte) {
		t.Helper()
		if got := who(t, c, with(cookie+"="+encoding.EncodeToString(forged))); got != "" {
			t.Errorf("%s: let %q in", what, got)
		}
	}
	for n := range raw {
		refuse(fmt.Sprintf("cut after %d", n), raw[:n])
		for bit := range 8 {
			forged := append([]byte(nil), raw...)
			forged[n] ^= 1 << bit
			refuse(fmt.Sprintf("bit %d of byte %d turned", bit, n), forged)
		}
	}
	for n := range len(value) {
		if got := who(t, c, with(cookie+"="+value[:n])); got != "" {
			t.Errorf("cut after %d characters: let %q in", n, got)
		}
	}
	for _, other := range []string{value + "\n", "\r\n" + value, value[:40] + "\n" + value[40:], value + "="} { // which package base64 may read past
		if s, ok := c.Find(with(cookie + "=" + other)); ok {
			t.Errorf("%q: found a session of %q", other, s.User)
		}
	}
	at.Time = at.Add(time.Minute)
	bobs, err := encoding.DecodeString(issue(t, c, "bob"))
	if err != nil {
		t.Fatal(err)
	}
	mac := len(raw) - sha256.Size
	refuse("alice's fields, bob's MAC", append(append([]byte(nil), raw[:mac]...), bobs[len(bobs)-sha256.Size:]...))
	refuse("bob's times, alice's name and MAC", append(append([]byte(nil), bobs[:beforeMAC]...), raw[beforeMAC:]...))
	refuse("a letter moved from the MAC to the name", append(append([]byte(nil), raw...), 0))
	foreign, _ := newCheck(t, keyText("b"))
	theirs, err := encoding.DecodeString(issue(t, foreign, "alice"))
	if err != nil {
		t.Fatal(err)
	}
	refuse("another key", theirs)
	copy(theirs[1:], raw[1:5])
	refuse("another key under the name of ours", theirs)
	for _, token := range []string{c.FormToken("sign-in", NewNonce(), "alice")} {
		b, _ := encoding.DecodeString(token)
		refuse("the MAC of a form", append(append([]byte(nil), raw[:mac]...), b[8:]...))
	}
}

// A script of another site cannot change anything with a visitor's cookie, and cannot open a WebSocket.
func TestCrossOrigin(t *testing.T) {
	c, _ := newCheck(t, keyText("a"))
	value := cookie + "=" + issue(t, c, "alice")
	for _, tt := range []struct {
		method, headers string
		want            auth.Outcome
	}{
		{"GET", "", auth.Allow},
		{"GET", "Sec-Fetch-Site: cross-site", auth.Allow}, // a link
		{"HEAD", "Sec-Fetch-Site: cross-site", auth.Allow},
		{"POST", "", auth.Allow}, // a program
		{"POST", "Sec-Fetch-Site: same-origin", auth.Allow},
		{"POST", "Sec-Fetch-Site: none", auth.Allow},
		{"POST", "Sec-Fetch-Site: same-site", auth.Deny},
		{"POST", "Sec-Fetch-Site: cross-site", auth.Deny},
		{"DELETE", "Sec-Fetch-Site: cross-site", auth.Deny},
		{"POST", "Origin: https://app", auth.Allow},
		{"POST", "Origin: https://app.evil", auth.Deny},
		{"POST", "Origin: null", auth.Deny},
		{"POST", "Origin: https://public\nX-Forwarded-Host: public", auth.Allow},
		{"POST", "Origin: https://evil\nX-Forwarded-Host: public", auth.Deny},
		{"GET", "Upgrade: websocket\nOrigin: https://app", auth.Allow},
		{"GET", "Upgrade: websocket\nOrigin: https://evil", auth.Deny},
		{"GET", "Upgrade: websocket\nSec-Fetch-Site: same-site", auth.Deny},
		{"GET", "Upgrade: websocket", auth.Allow}, // a program
		{"POST", "Origin: https://evil\nAuthorization: Basic YTpi", auth.Pass},
	} {
		r := with(value)
		r.Method = tt.method
		for line := range strings.SplitSeq(tt.headers, "\n") {
			if name, v, ok := strings.Cut(line, ": "); ok {
				r.Header.Set(name, v)
			}
		}
		d, _ := c.Authenticate(r)
		if d.Outcome != tt.want || (d.Outcome == auth.Deny) != (d.Status == 403) {
			t.Errorf("%s %q: outcome %d, status %d", tt.method, tt.headers, d.Outcome, d.Status)
		}
	}
}

// Basic credentials are for the gate, whoever let the request in; what it has no use for passes.
func TestCredentialsBesideASession(t *testing.T) {
	c, _ := newCheck(t, keyText("a"))
	value := cookie + "=" + issue(t, c, "alice")
	for credentials, consumed := range map[string]bool{
		"Basic YTpi": true, "bAsIc YTpi": true, "Basic\tYTpi": true, " basic": true, "Bearer x": false, "": false,
		"Bearer x|Basic YTpi": true,
	} {
		r := with(value)
		r.Header["Authorization"] = strings.Split(credentials, "|")
		d, _ := c.Authenticate(r)
		if d.Outcome != auth.Allow || cmp.Equal(d.Consumed, []string{"Authorization"}) != consumed {
			t.Errorf("%q: outcome %d, consumed %q", credentials, d.Outcome, d.Consumed)
		}
	}
}

func TestIssueFor(t *testing.T) {
	long := strings.Repeat("x", maxUser)
	c, at := newCheck(t, keyText("a"))
	c.SetUsers(htpasswd.Parse([]byte(users + long + ":" + aHash + "\n")))
	for user, ok := range map[string]bool{"alice": true, long: true, "eve": false, "": false} {
		value, s, err := c.Issue(user, auth.LineOf(user, aHash))
		if (err == nil) != ok || len(value) > maxValue {
			t.Errorf("%.10q: %v, %d characters", user, err, len(value))
		}
		if ok && (who(t, c, with(cookie+"="+value)) != user || s.MaxAge(at.Time) != 3600) {
			t.Errorf("%.10q: is not let in, or for %d s", user, s.MaxAge(at.Time))
		}
	}
	c.SetKeys(nil)
	if _, _, err := c.Issue("alice", auth.LineOf("alice", aHash)); err == nil || c.Ready() {
		t.Error("a session without a key")
	}
}
