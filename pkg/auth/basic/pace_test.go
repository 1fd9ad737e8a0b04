package basic

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// logged makes the hashes of s note when they work, a millisecond each time, and fail the test when two work at once.
func (s *slow) logged(t *testing.T) func() []time.Time {
	t.Helper()
	var mu sync.Mutex
	var when []time.Time
	var working atomic.Int64
	s.match = func(h htpasswd.Hash, password string, step func()) bool {
		for range hashTime / time.Millisecond {
			if working.Add(1) != 1 {
				t.Error("two hashes work at once")
			}
			mu.Lock()
			when = append(when, time.Now())
			mu.Unlock()
			<-time.After(time.Millisecond)
			working.Add(-1)
			step()
		}
		return h.Match(password)
	}
	return func() []time.Time {
		mu.Lock()
		defer mu.Unlock()
		return when
	}
}

// mostIn is how many of the times are in the fullest window of this length.
func mostIn(window time.Duration, when []time.Time) int {
	most := 0
	for i, start := range when {
		n := 0
		for _, t := range when[i:] {
			if t.Sub(start) < window {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// TestPace: how long a hash takes, and how much of it is in any 100 ms, for sources without a past and with one, without a
// limit of the container and with several.
func TestPace(t *testing.T) {
	for _, tc := range []struct {
		cores          float64
		fresh, past    time.Duration // how long it takes
		inFresh, inTen int           // ms of work in 100 ms at most
	}{
		{0, hashTime, timeOfPast, 60, 9},
		{4, hashTime, timeOfPast, 60, 9},
		{1, hashTime * 5 / 2, timeOfPast, 41, 9},
		{0.2, hashTime * 25 / 2, timeOfPast, 9, 9},
		{0.05, 50 * hashTime, 50 * hashTime, 3, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSlow(t, Options{}, "ann")
			s.slot.cores = func() float64 { return tc.cores }
			worked := s.logged(t)
			for i, want := range []time.Duration{tc.fresh, tc.past} {
				before := len(worked())
				d, took := s.try("a", "ann", "wrong")
				if d.Reason != ReasonWrongPassword || took > want || took < want*9/10 {
					t.Errorf("limit %g, attempt %d: %s after %s, want %s", tc.cores, i, d.Reason, took, want)
				}
				if got, most := mostIn(100*time.Millisecond, worked()[before:]), []int{tc.inFresh, tc.inTen}[i]; got > most {
					t.Errorf("limit %g, attempt %d: %d ms of work in 100, want up to %d", tc.cores, i, got, most)
				}
				<-time.After(time.Minute)
			}
		})
	}
}

// TestBackIsPutAside: while the password of somebody with a past is hashed, that of somebody without comes and is done first.
func TestBackIsPutAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(t, Options{}, "ann", "bob", "cy")
		worked := s.logged(t)
		if d, _ := s.try("a", "ann", "wrong"); d.Reason != ReasonWrongPassword {
			t.Fatal(d.Reason)
		}
		<-time.After(time.Minute)
		var all sync.WaitGroup
		start := time.Now()
		all.Go(func() {
			want := timeOfPast + 2*10*hashTime // two are done meanwhile
			if d, took := s.try("a", "ann", "wrong again"); d.Reason != ReasonWrongPassword || took > want || took < want*9/10 {
				t.Errorf("put aside: %s after %s, want %s", d.Reason, took, want)
			}
		})
		<-time.After(hashTime)
		for i, user := range []string{"bob", "cy"} {
			all.Go(func() {
				want := time.Duration(i+1) * waitInFlood
				if d, took := s.try(user, user, "right"); d.Outcome != auth.Allow || took > want {
					t.Errorf("%s: %s after %s, want %s", user, d.Reason, took, want)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		if took := time.Since(start); len(worked()) != 4*int(hashTime/time.Millisecond) {
			t.Errorf("%d ms of work in %s", len(worked()), took)
		}
	})
}

// TestNoBusyWaiting: who waits behind an attempt at the back does not make the slot look again and again.
func TestNoBusyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(t, Options{}, "ann")
		_, _ = s.try("a", "ann", "wrong")
		<-time.After(time.Minute)
		var all sync.WaitGroup
		for _, password := range []string{"1", "2"} {
			all.Go(func() { _, _ = s.try("a", "ann", password) })
		}
		synctest.Wait()
		s.slot.mu.Lock()
		f, _, wait := s.slot.next()
		if f != nil || wait != 0 || len(s.slot.queue) != 1 {
			t.Errorf("%v may be hashed, or in %s; %d wait", f, wait, len(s.slot.queue))
		}
		s.slot.mu.Unlock()
		all.Wait()
	})
}
