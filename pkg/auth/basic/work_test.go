package basic

import (
	"crypto/sha1"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

func sha1Of(password string) string {
	sum := sha1.Sum([]byte(password))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func noStep() {}

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
		c.match = func(h htpasswd.Hash, _ string, _ func()) bool { work += h.Work(); return false }
		c.waste = func(d time.Duration, _ htpasswd.Algorithm, _ string, _ func()) { work += d }
		c.SetUsers(htpasswd.Parse([]byte(strings.Join(lines, ""))))
		for _, user := range []string{"a", "b", "c", "d", "nobody", "", "\xff"} {
			for _, password := range []string{"x", "", strings.Repeat("x", 100), "\xff", "a\x00b"} {
				work = 0
				c.verify(&attempt{user: user, password: password}, noStep)
				if work != c.table.Load().target || work == 0 {
					t.Errorf("%s: user %q: work of %s, want %s", name, user, work, c.table.Load().target)
				}
			}
		}
	}
}
