//go:build !race

// The race detector makes some hashes take longer than others, so these tests are not for programs that have it.

package basic

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// How unlike two samples may be. A shift that is as small as this, or that chance explains, is no difference: noise of the
// machine is shared by all kinds of attempts, since they take turns, and is longest where it is no question of kinds.
const (
	mostShift = 0.05 // of the median
	mostZ     = 4.75 // standard deviations of the Mann-Whitney U: chance passes it once in a million
)

// TestFailuresCannotBeToldApart compares many samples of the processor time of failing attempts: of unknown users with known
// ones, of cheap hashes with dear ones, of one line with two. Two kinds differ when one tends to take longer beyond
// chance (Mann and Whitney's U), and by more than mostShift. A difference has to show three times, since on a loaded
// machine one may come of what else ran on the core; a true one does not go away.
func TestFailuresCannotBeToldApart(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	lines := bcryptLine("cheap", "04") + bcryptLine("dear", "06") + bcryptLine("dear2", "06") + bcryptLine("two", "05") + bcryptLine("two", "04") +
		"sha:{SHA}" + sha1Of("right") + "\n" + "apr1:$apr1$saltsalt$NBMPZFGR7yazCdGvlWJji1\n"
	c := New(Options{})
	c.SetUsers(htpasswd.Parse([]byte(lines)))
	kinds := []attempt{
		{user: "nobody", password: "wrong"},
		{user: "nobody else", password: "wrong"},
		{user: "nobody", password: strings.Repeat("long", 100)},
		{user: "dear", password: "wrong"},
		{user: "dear2", password: "wrong"},
		{user: "dear", password: strings.Repeat("long", 100)},
		{user: "cheap", password: "wrong"},
		{user: "two", password: "wrong"},
		{user: "sha", password: "wrong"},
		{user: "sha", password: "right", refused: true},
		{user: "apr1", password: "wrong"},
		{user: "\xff", password: "\xff", refused: true},
	}
	var found []string
	for range 3 {
		if found = differences(t, c, kinds, 32); len(found) == 0 {
			return
		}
	}
	t.Errorf("attempts that fail can be told apart by their time:\n%s", strings.Join(found, "\n"))
}

// differences takes so many samples of each kind, in turns of a random order, and compares all with the first.
func differences(t *testing.T, c *Check, kinds []attempt, samples int) (found []string) {
	t.Helper()
	times := make([][]time.Duration, len(kinds))
	for range samples {
		for _, i := range rand.Perm(len(kinds)) {
			a := kinds[i]
			start, known := threadTime()
			v := c.verify(&a, noStep)
			end, still := threadTime()
			if !known || !still || v.ok {
				t.Fatalf("%q: clock %t, let in %t", a.user, known && still, v.ok)
			}
			times[i] = append(times[i], end-start)
		}
	}
	for i, k := range kinds[1:] {
		if z, s := rankTest(times[i+1], times[0]), shift(times[i+1], times[0]); math.Abs(z) > mostZ && math.Abs(s) > mostShift {
			found = append(found, fmt.Sprintf("%q with a password of %d bytes takes %+.1f%% of the time of an unknown user, z=%.1f", k.user, len(k.password), 100*s, z))
		}
	}
	return found
}

// shift is by how much of b's median that of a is more.
func shift(a, b []time.Duration) float64 {
	median := func(d []time.Duration) float64 { return float64(slices.Sorted(slices.Values(d))[len(d)/2]) }
	return median(a)/median(b) - 1
}

// rankTest is the Mann-Whitney U of a and b, in standard deviations from what chance makes of it.
func rankTest(a, b []time.Duration) float64 {
	var u float64
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				u++
			case x == y:
				u += 0.5
			}
		}
	}
	n, m := float64(len(a)), float64(len(b))
	return (u - n*m/2) / math.Sqrt(n*m*(n+m+1)/12)
}

// The test above can tell: times that differ by a fifth are found, times of the same kind are not, whatever else ran.
func TestRankTest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	sample := func(mean time.Duration) (d []time.Duration) {
		for range 32 {
			x := mean + time.Duration(r.ExpFloat64()*float64(mean)/50)
			if r.IntN(20) == 0 {
				x *= 3 // something else ran
			}
			d = append(d, x)
		}
		return d
	}
	const trials = 1000
	told := 0
	for range trials {
		a, b := sample(time.Millisecond), sample(time.Millisecond)
		if z := rankTest(a, b); math.Abs(z) > mostZ {
			t.Errorf("the same times: z=%.1f", z)
		}
		slower := sample(1200 * time.Microsecond)
		if z, s := rankTest(slower, a), shift(slower, a); z > mostZ && s > mostShift {
			told++
		}
	}
	if told < trials*9/10 {
		t.Errorf("times a fifth longer are found %d times of %d", told, trials)
	}
}
