package basic

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// TestFailuresTakeTheSameTime measures what TestFailuresAreTheSameWork counts, with real hashes: the least processor time
// of several tries, which are taken in turns and go on for a while where other load on the machine got between them. A
// true difference does not go away by trying again.
func TestFailuresTakeTheSameTime(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c := New(Options{})
	c.SetUsers(htpasswd.Parse([]byte(bcryptLine("dear", "06") + bcryptLine("cheap", "04") + "sha:{SHA}" + sha1Of("x") + "\n")))
	users := []string{"dear", "cheap", "sha", "nobody"}
	passwords := []string{"y", strings.Repeat("y", 100), "\xff\x00"}
	least := map[string]time.Duration{}
	const fewest, most = 4, 60
	for round := 1; ; round++ {
		for _, user := range users {
			for _, password := range passwords {
				key := user + " " + password
				start, known := threadTime()
				c.verify(&attempt{user: user, password: password}, noStep)
				end, still := threadTime()
				if !known || !still {
					t.Fatal("no clock of the thread")
				}
				if d := end - start; least[key] == 0 || d < least[key] {
					least[key] = d
				}
			}
		}
		var all []time.Duration
		for _, d := range least {
			all = append(all, d)
		}
		low, high := slices.Min(all), slices.Max(all)
		equal := float64(high) <= 1.25*float64(low)
		if equal && round >= fewest {
			return
		}
		if round == most {
			t.Fatalf("attempts that fail take from %s to %s: %v", low, high, least)
		}
	}
}
