package basic

import (
	"crypto/sha1" //nolint:gosec // the format asks for it
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

func sha1Of(password string) string {
	sum := sha1.Sum([]byte(password)) //nolint:gosec // the format asks for it
	return base64.StdEncoding.EncodeToString(sum[:])
}

// bcryptLine is a line of any cost, whose password nobody knows.
func bcryptLine(user, cost string) string {
	return user + ":$2y$" + cost + "$" + strings.Repeat("a", 53) + "\n"
}

// TestFailuresAreTheSameWork adds up what an attempt that fails has hashed, for users of every kind.
func TestFailuresAreTheSameWork(t *testing.T) {
	const rounds = "$rounds=2000"
	sha256 := func(user, rounds string) string {
		return user + ":$5" + rounds + "$s$" + strings.Repeat(".", 43) + "\n"
	}
	for name, lines := range map[string][]string{
		"bcrypt of several costs": {bcryptLine("a", "10"), bcryptLine("b", "04"), bcryptLine("c", "09"), "d:{SHA}" + sha1Of("x") + "\n"},
		"two lines of one user":   {bcryptLine("a", "10"), bcryptLine("b", "10"), bcryptLine("b", "08"), bcryptLine("c", "10")},
		"rounds of sha-crypt":     {sha256("a", ""), sha256("b", rounds), "d:{SHA}" + sha1Of("x") + "\n"},
		"fast ones":               {"a:{SHA}" + sha1Of("x") + "\n", "b:$apr1$saltsalt$NBMPZFGR7yazCdGvlWJji1\n"},
	} {
		c := New(Options{})
		var work time.Duration
		c.match = func(h htpasswd.Hash, _ string) bool { work += h.Work(); return false }
		c.waste = func(d time.Duration, _ htpasswd.Algorithm, _ string) { work += d }
		c.SetUsers(htpasswd.Parse([]byte(strings.Join(lines, ""))))
		for _, user := range []string{"a", "b", "c", "d", "nobody", "", "\xff"} {
			for _, password := range []string{"x", "", strings.Repeat("x", 100), "\xff", "a\x00b"} {
				work = 0
				c.verify(&attempt{user: user, password: password})
				if work != c.table.Load().target || work == 0 {
					t.Errorf("%s: user %q: work of %s, want %s", name, user, work, c.table.Load().target)
				}
			}
		}
	}
}

// TestFailuresTakeTheSameTime measures what TestFailuresAreTheSameWork counts, with real hashes: the fastest of many
// tries, taken in turns, so that other load on the machine does not matter.
func TestFailuresTakeTheSameTime(t *testing.T) {
	c := New(Options{})
	c.SetUsers(htpasswd.Parse([]byte(bcryptLine("dear", "06") + bcryptLine("cheap", "04") + "sha:{SHA}" + sha1Of("x") + "\n")))
	users := []string{"dear", "cheap", "sha", "nobody"}
	passwords := []string{"y", strings.Repeat("y", 100), "\xff\x00"}
	fastest := map[string]time.Duration{}
	for range 15 {
		for _, user := range users {
			for _, password := range passwords {
				key := user + " " + password
				start := time.Now()
				c.verify(&attempt{user: user, password: password})
				if d := time.Since(start); fastest[key] == 0 || d < fastest[key] {
					fastest[key] = d
				}
			}
		}
	}
	var all []time.Duration
	for _, d := range fastest {
		all = append(all, d)
	}
	low, high := slices.Min(all), slices.Max(all)
	if float64(high) > 1.25*float64(low) {
		t.Errorf("attempts that fail take from %s to %s: %v", low, high, fastest)
	}
}
