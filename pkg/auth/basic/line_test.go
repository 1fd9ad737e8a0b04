package basic

import (
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// The decision says by which line a password was right, whether it was hashed or remembered, and Accepts whether that line
// still counts. A password that two lines have is let in by the first.
func TestDecisionNamesTheLine(t *testing.T) {
	old, new1, new2 := hashed(t, "ann", "old"), hashed(t, "ann", "new"), hashed(t, "ann", "new")
	lineOf := func(text string) auth.Line {
		user, hash, _ := strings.Cut(strings.TrimSpace(text), ":")
		return auth.LineOf(user, hash)
	}
	c := newCounted(Options{}, old)
	for _, tt := range []struct {
		what     string
		lines    []string
		old, new string // the lines by which the passwords are right; empty: by none
	}{
		{"the old one", []string{old}, old, ""},
		{"rotated", []string{new1, old}, old, new1},
		{"swapped", []string{old, new1}, old, new1},
		{"one password in two lines", []string{new2, new1, old}, old, new2},
		{"and one of them gone", []string{new1, old}, old, new1},
		{"expired", []string{new1}, "", new1},
		{"removed", []string{hashed(t, "bob", "old")}, "", ""},
		{"added again with the same line", []string{old}, old, ""},
		{"the fifth does not count", []string{new1, new2, new1, new2, old}, "", new1},
	} {
		c.SetUsers(htpasswd.Parse([]byte(strings.Join(tt.lines, ""))))
		for password, by := range map[string]string{"old": tt.old, "new": tt.new} {
			for range 2 { // hashed, and remembered
				d := decide(t, c, request(credentials("ann", password)))
				want := auth.Line{}
				if by != "" {
					want = lineOf(by)
				}
				if (d.Outcome == auth.Allow) != (by != "") || d.Line != want {
					t.Errorf("%s: the password %s: outcome %d (%s), by another line is %v", tt.what, password, d.Outcome, d.Reason, d.Line != want)
				}
				if c.Accepts("ann", d.Line) != (by != "") || c.Accepts("bob", d.Line) || c.Accepts("eve", d.Line) {
					t.Errorf("%s: the line of the password %s counts is %v", tt.what, password, c.Accepts("ann", d.Line))
				}
			}
		}
		if c.Accepts("ann", lineOf(old)) != (tt.old != "") || c.Accepts("ann", auth.Line{}) || c.Accepts("", auth.Line{}) {
			t.Errorf("%s: a line counts that does not, or the other way round", tt.what)
		}
	}
	c.SetUsers(nil)
	if c.Accepts("ann", lineOf(old)) {
		t.Error("a line counts without users")
	}
}
