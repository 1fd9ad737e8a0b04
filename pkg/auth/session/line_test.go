package session

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/auth/mac"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/sessionkey"
)

// hashOf is a hash that differs by its number, of passwords that nobody tries.
func hashOf(n int) string { return fmt.Sprintf("{SHA}%026dA=", n) }

// linesOf is a users file with these hashes of alice, in their order, and one of bob.
func linesOf(hashes ...int) *htpasswd.File {
	var text strings.Builder
	for _, n := range hashes {
		text.WriteString("alice:" + hashOf(n) + "\n")
	}
	return htpasswd.Parse([]byte(text.String() + "bob:" + hashOf(1) + "\n"))
}

// A session lives as long as the line by which it began is one of the user's first four, whatever else there is.
func TestSessionGoesWithItsLine(t *testing.T) {
	c, _ := newCheck(t, keyText("a"))
	c.SetUsers(linesOf(2, 1))
	by1, by2 := issueBy(t, c, "alice", hashOf(1)), issueBy(t, c, "alice", hashOf(2))
	bobs := issueBy(t, c, "bob", hashOf(1))
	for _, tt := range []struct {
		what       string
		lines      []int
		one, other bool
	}{
		{"as it was", []int{2, 1}, true, true},
		{"swapped", []int{1, 2}, true, true},
		{"the new one alone", []int{2}, false, true},
		{"the old one alone", []int{1}, true, false},
		{"removed", nil, false, false},
		{"added again with the same line", []int{1}, true, false},
		{"another password", []int{3}, false, false},
		{"two others", []int{3, 4}, false, false},
		{"twice the same", []int{1, 1}, true, false},
		{"four", []int{3, 4, 2, 1}, true, true},
		{"the fifth does not count", []int{3, 4, 5, 2, 1}, false, true},
		{"nor where the first is there twice", []int{2, 2, 2, 2, 1}, false, true},
	} {
		c.SetUsers(linesOf(tt.lines...))
		for cookieOf, want := range map[string]bool{by1: tt.one, by2: tt.other, bobs: true} {
			if got := who(t, c, with(cookie+"="+cookieOf)) != ""; got != want {
				t.Errorf("%s: let in is %v, want %v", tt.what, got, want)
			}
		}
		_, _, err := c.Issue("alice", auth.LineOf("alice", hashOf(1)))
		if (err == nil) != tt.one {
			t.Errorf("%s: a new session by the line: %v", tt.what, err)
		}
	}
	c.SetUsers(nil)
	for _, value := range []string{by1, by2, bobs} {
		if got := who(t, c, with(cookie+"="+value)); got != "" {
			t.Errorf("without users: let %q in", got)
		}
	}
}

// The decision says by which line, so that what it lets in can end with it.
func TestDecisionNamesTheLine(t *testing.T) {
	c, _ := newCheck(t, keyText("a"))
	c.SetUsers(linesOf(2, 1))
	for _, n := range []int{1, 2} {
		d, _ := c.Authenticate(with(cookie + "=" + issueBy(t, c, "alice", hashOf(n))))
		if want := auth.LineOf("alice", hashOf(n)); d.Line != want {
			t.Errorf("hash %d: another line", n)
		}
	}
}

// Nobody gets a session by a line that is not theirs.
func TestIssueByAForeignLine(t *testing.T) {
	c, _ := newCheck(t, keyText("a"))
	c.SetUsers(linesOf(1, 2))
	for what, line := range map[string]auth.Line{
		"none": {}, "bob's": auth.LineOf("bob", hashOf(1)), "one that there is not": auth.LineOf("alice", hashOf(3)),
	} {
		if _, _, err := c.Issue("alice", line); err == nil {
			t.Errorf("by the line %s", what)
		}
	}
}

// What only somebody with the key could make is refused too: it says that each part of the cookie counts.
func TestCookiesMadeWithTheKey(t *testing.T) {
	c, at := newCheck(t, keyText("a"))
	c.SetUsers(linesOf(1, 2)) // bob has one line, and is looked at as if there were two
	own := &c.state.Load().keys.list[0]
	begin := Session{Issued: at.Time, Expires: at.Add(c.options.TTL)}
	seal := func(user string, line auth.Line) string {
		s := begin
		s.User, s.Line = user, line
		value, err := own.seal(s)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	if got := who(t, c, with(cookie+"="+seal("bob", auth.LineOf("bob", hashOf(1))))); got != "bob" {
		t.Fatalf("the right one lets %q in", got)
	}
	for what, value := range map[string]string{
		"no line of an unknown user":  seal("eve", auth.Line{}),
		"no line of a user with two":  seal("alice", auth.Line{}),
		"no line of a user with one":  seal("bob", auth.Line{}),
		"another's line, same hash":   seal("alice", auth.LineOf("bob", hashOf(1))),
		"the other way round":         seal("bob", auth.LineOf("alice", hashOf(1))),
		"a line that there is not":    seal("alice", auth.LineOf("alice", hashOf(3))),
		"version 1":                   versionOne(t, 1, "alice", begin, hashOf(1), hashOf(2)),
		"version 1, one line":         versionOne(t, 1, "bob", begin, hashOf(1)),
		"version 1 under another one": versionOne(t, 2, "bob", begin, hashOf(1)),
	} {
		if got := who(t, c, with(cookie+"="+value)); got != "" {
			t.Errorf("%s: let %q in", what, got)
		}
	}
}

// versionOne is a cookie as it was when all lines were in the MAC, made with the same key, with a version before it.
func versionOne(t *testing.T, version byte, user string, s Session, hashes ...string) string {
	t.Helper()
	keys, err := sessionkey.Parse([]byte(keyText("a")))
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for _, h := range hashes {
		text = append(binary.BigEndian.AppendUint64(text, uint64(len(h))), h...)
	}
	sum := sha256.Sum256(text)
	root := mac.New(keys[0].Secret)
	derived := root.Sign([]byte("kauth session cookie, version 1"))
	key, id := mac.New(derived[:]), keys[0].ID()
	b := append([]byte{version}, id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Issued.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(s.Expires.UnixMilli()))
	b = append(b, user...)
	tag := key.Sign(b, sum[:])
	return encoding.EncodeToString(append(b, tag[:]...))
}

// BenchmarkOverlap is BenchmarkAuthenticate where some user has four lines: at worst, with the last of them; with the only line
// of another user; and what a forged cookie costs then.
func BenchmarkOverlap(b *testing.B) {
	c, _ := newCheck(b, keyText("a"))
	c.SetUsers(linesOf(1, 2, 3, 4))
	good := issueBy(b, c, "alice", hashOf(4))
	for name, value := range map[string]string{
		"last": good, "only": issueBy(b, c, "bob", hashOf(1)), "forged": good[:len(good)-2] + "AA",
	} {
		b.Run(name, func(b *testing.B) {
			r := with("theme=dark; " + cookie + "=" + value)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.Authenticate(r)
			}
		})
	}
}

// Whatever bytes a cookie has, it is good only where it was issued.
func FuzzValues(f *testing.F) {
	c, _ := newCheck(f, keyText("a")+keyText("b"))
	c.SetUsers(linesOf(2, 1))
	issued := map[string]string{}
	for _, n := range []int{1, 2} {
		issued[issueBy(f, c, "alice", hashOf(n))] = "alice"
	}
	issued[issueBy(f, c, "bob", hashOf(1))] = "bob"
	for value := range issued {
		raw, err := encoding.DecodeString(value)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		f.Add(raw[:len(raw)-sha256.Size])
		f.Add(raw[:beforeMAC])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		value := encoding.EncodeToString(raw)
		if s, ok := c.Find(with(cookie + "=" + value)); ok != (issued[value] != "") || s.User != issued[value] {
			t.Errorf("%x: a session of %q", raw, s.User)
		}
	})
}
