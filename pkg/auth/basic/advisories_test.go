package basic

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// CVE-2022-46146, CVE-2026-71326: where one field ends and the next begins is part of the key, so that nobody is let in by
// what was remembered of another.
func TestNoTwoPairsShareAKey(t *testing.T) {
	c := newCounted(Options{}, hashed(t, "ann", "x:y"), hashed(t, "annx", "never"), hashed(t, "an", "never"), hashed(t, "ann:x", "never"))
	if d := decide(t, c, request(credentials("ann", "x:y"))); d.Outcome != auth.Allow {
		t.Fatal(d.Reason)
	}
	for _, pair := range [][2]string{{"annx", ":y"}, {"annx", "y"}, {"an", "nx:y"}, {"an", "n:x:y"}, {"", "annx:y"}, {"ann", ":x:y"}, {"ann", "x:y\x00"}, {"ann\x00", "x:y"}} {
		before := c.hits.Load()
		if d := decide(t, c, request(credentials(pair[0], pair[1]))); d.Outcome == auth.Allow || c.hits.Load() != before {
			t.Errorf("%q: %s", pair, d.Reason)
		}
	}
}

// CVE-2026-88010: attempts share a hash by what was submitted. Two users who do not exist are as little one attempt as two
// who do, or the time of two at once would tell.
func TestSharedHashesTellNothing(t *testing.T) {
	took := map[string]time.Duration{}
	for _, users := range [][2]string{{"ann", "bob"}, {"ann", "nobody"}, {"nobody", "no one"}} {
		synctest.Test(t, func(t *testing.T) {
			s := newSlow(t, Options{}, "ann", "bob")
			start := time.Now()
			var both sync.WaitGroup
			for _, u := range users {
				both.Go(func() { s.try("10.0.0.1", u, "wrong") })
			}
			both.Wait()
			took[fmt.Sprint(users)] = time.Since(start)
			if n := time.Duration(s.spent.Load()); n != 2*hashTime {
				t.Errorf("%v: %s of hashing, want two hashes", users, n)
			}
		})
	}
	for users, d := range took {
		if want := took["[ann bob]"]; d != want {
			t.Errorf("%s: two attempts at once take %s, want %s", users, d, want)
		}
	}
}

// CVE-2026-47203: a name has one spelling, byte for byte, for the file, for what is remembered and for what is counted.
func TestNamesHaveOneSpelling(t *testing.T) {
	const name, password = "zo\u00eb", "p"
	c := newCounted(Options{}, hashed(t, name, password))
	for range 2 { // before and after it is remembered
		for _, other := range []string{"Zo\u00eb", "ZO\u00cb", "zoe\u0308", "zoe", " " + name, name + " ", name + "\t", name + "\x00", name + "\u200b", "\ufeff" + name, "z\u043e\u00eb", strings.ToUpper(name)} {
			if d := decide(t, c, request(credentials(other, password))); d.Outcome != auth.Deny || d.Reason != ReasonUnknownUser {
				t.Errorf("%q: %v %s", other, d.Outcome, d.Reason)
			}
		}
		if d := decide(t, c, request(credentials(name, password))); d.Outcome != auth.Allow || d.Identity.User != name {
			t.Errorf("%v as %q", d.Outcome, d.Identity.User)
		}
	}
	if f := htpasswd.Parse([]byte(hashed(t, " ann", "x"))); len(f.Users()) != 0 {
		t.Errorf("a name that begins with a blank: %q", f.Users())
	}
}
