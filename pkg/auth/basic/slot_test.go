package basic

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// hashTime is what a hash takes in these tests, in the time of their bubble.
const hashTime = 60 * time.Millisecond

const (
	timeOfPast  = hashTime * 25 / 2  // for an attempt of a source that failed before
	waitInFlood = 10*hashTime + beat // for one of a source that did not, while another's is at the back
)

// slow is a Check whose hashes take hashTime without using the processor.
type slow struct {
	*Check
	spent   atomic.Int64 // time of hashes that failed
	waiting atomic.Int64
}

func newSlow(t *testing.T, o Options, users ...string) *slow {
	t.Helper()
	s := &slow{}
	t.Cleanup(func() { <-time.After(10 * time.Second) }) // a bubble ends when the last hash has
	o.Source = func(r *http.Request) string { return r.RemoteAddr }
	o.Observe.Hashed = func(d time.Duration, ok bool) {
		if !ok {
			s.spent.Add(int64(d))
		}
	}
	o.Observe.Waiting = func(n int) { s.waiting.Store(int64(n)) }
	if o.Queue == 0 {
		o.Queue = 16
	}
	o.TTL = time.Minute
	s.Check = New(o)
	s.slot.used, s.slot.cores = nil, nil // a hash here takes time, but nothing of a core
	s.match = func(h htpasswd.Hash, password string, step func()) bool {
		for range hashTime / time.Millisecond {
			<-time.After(time.Millisecond)
			step()
		}
		return h.Match(password)
	}
	var file strings.Builder
	for _, u := range users {
		fmt.Fprintf(&file, "%s:{SHA}%s\n", u, sha1Of("right"))
	}
	s.SetUsers(htpasswd.Parse([]byte(file.String())))
	return s
}

// from makes a request of an address.
func from(ctx context.Context, address, user, password string) *http.Request {
	r := request(credentials(user, password)).WithContext(ctx)
	r.RemoteAddr = address
	return r
}

// try makes an attempt and returns what it got and after how long.
func (s *slow) try(address, user, password string) (auth.Decision, time.Duration) {
	start := time.Now()
	d, _ := s.Authenticate(from(context.Background(), address, user, password))
	return d, time.Since(start)
}

// flood makes attempts, one at each tick, until stop is called.
func (s *slow) flood(every time.Duration, attempt func(i int) (address, user string)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			address, user := attempt(i)
			wg.Go(func() { _, _ = s.Authenticate(from(ctx, address, user, fmt.Sprint("wrong", i))) })
			<-time.After(every)
		}
	})
	return func() { cancel(); wg.Wait() }
}

var floods = map[string]func(i int) (address, user string){
	"one address, one user":      func(int) (string, string) { return "10.0.0.1", "ann" },
	"one address, many users":    func(i int) (string, string) { return "10.0.0.1", fmt.Sprint("u", i) },
	"many addresses, one user":   func(i int) (string, string) { return fmt.Sprintf("10.%d.%d.1", i/256%256, i%256), "ann" },
	"many addresses, many users": func(i int) (string, string) { return fmt.Sprintf("10.%d.%d.1", i/256%256, i%256), fmt.Sprint("u", i) },
	"one IPv6 network, one user": func(i int) (string, string) { return fmt.Sprintf("2001:db8::%x", i%65536), "ann" },
	"twenty addresses, in turn":  func(i int) (string, string) { return fmt.Sprintf("10.0.0.%d", i%20), fmt.Sprint("u", i%7) },
}

// TestFloodCostsATenthOfACore adds up the time of failed hashes while a flood lasts.
func TestFloodCostsATenthOfACore(t *testing.T) {
	for name, attempt := range floods {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSlow(t, Options{}, "ann", "bob")
				const length = 2 * time.Minute
				stop := s.flood(20*time.Millisecond, attempt)
				<-time.After(length)
				stop()
				spent := time.Duration(s.spent.Load())
				if most := length/10 + (burst+2)*hashTime; spent > most || spent < length/20 {
					t.Errorf("%s of hashing in %s, want up to %s", spent, length, most)
				}
				if n := s.waiting.Load(); n != 0 {
					t.Errorf("%d attempts are left in the queue", n)
				}
			})
		})
	}
}

// TestNewcomerDuringFlood: somebody else's flood from some addresses delays a login by a few hashes; only one from
// more addresses than can be told from people makes new logins fail, and even that not of those who logged in before.
func TestNewcomerDuringFlood(t *testing.T) {
	for name, attempt := range floods {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSlow(t, Options{}, "ann", "bob", "cy")
				if d, _ := s.try("192.0.2.7", "cy", "right"); d.Outcome != auth.Allow {
					t.Fatalf("before the flood: %s", d.Reason)
				}
				stop := s.flood(20*time.Millisecond, attempt)
				<-time.After(30 * time.Second)
				if d, took := s.try("192.0.2.7", "cy", "right"); d.Reason != ReasonRemembered || took != 0 {
					t.Errorf("remembered: %s after %s", d.Reason, took)
				}
				<-time.After(time.Minute)                                                                             // the pair's time is over
				if d, took := s.try("192.0.2.7", "cy", "right"); d.Reason != ReasonVerified || took > 2*waitInFlood { // one may be at the front already
					t.Errorf("verified before: %s after %s", d.Reason, took)
				}
				d, took := s.try("192.0.2.8", "bob", "right")
				if strings.HasPrefix(name, "many addresses") {
					if d.Outcome == auth.Deny && d.Status != 429 {
						t.Errorf("newcomer: %d %s", d.Status, d.Reason)
					}
				} else if d.Outcome != auth.Allow || took > waitInFlood {
					t.Errorf("newcomer: %s after %s", d.Reason, took)
				}
				stop()
				<-time.After(2 * failureTTL)
				if d, took := s.try("10.0.0.1", "ann", "right"); d.Outcome != auth.Allow || took != hashTime {
					t.Errorf("after the flood: %s after %s", d.Reason, took)
				}
			})
		})
	}
}

// TestMistypedPassword: one who mistypes and types again waits for the hash alone, which takes longer now.
func TestMistypedPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(t, Options{}, "ann")
		for range 3 {
			if d, _ := s.try("a", "ann", "wrong"); d.Reason != ReasonWrongPassword {
				t.Fatal(d.Reason)
			}
		}
		if d, took := s.try("a", "ann", "right"); d.Outcome != auth.Allow || took > timeOfPast || took < timeOfPast*9/10 {
			t.Errorf("%s after %s", d.Reason, took)
		}
	})
}

// TestEqualAttemptsShareAHash: a page that loads a hundred things at once costs one hash.
func TestEqualAttemptsShareAHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(t, Options{Queue: 1}, "ann")
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				if d, _ := s.try(fmt.Sprint(i), "ann", "right"); d.Outcome != auth.Allow {
					t.Errorf("%d: %s", i, d.Reason)
				}
			})
		}
		wg.Wait()
		if took := time.Since(start); took != hashTime {
			t.Errorf("a hundred equal attempts took %s", took)
		}
	})
}

// TestOneAttemptByTheThousand: equal attempts take one place of the queue, but they must not take all there is of
// requests either.
func TestOneAttemptByTheThousand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(t, Options{}, "ann", "bob")
		var refused atomic.Int64
		var all sync.WaitGroup
		for range maxRequests + 10 {
			all.Go(func() {
				if d, _ := s.try("flood", "ann", "wrong"); d.Status == 429 {
					refused.Add(1)
				}
			})
		}
		synctest.Wait()
		if refused.Load() != 10 {
			t.Errorf("%d were refused, want 10", refused.Load())
		}
		if d, took := s.try("newcomer", "bob", "right"); d.Outcome != auth.Allow || took > 2*hashTime {
			t.Errorf("newcomer: %s after %s", d.Reason, took)
		}
		all.Wait()
		if s.slot.requests != 0 || len(s.slot.askers) != 0 {
			t.Errorf("%d requests of %d addresses are left", s.slot.requests, len(s.slot.askers))
		}
	})
}

// TestQueueIsFairAndBounded fills the queue from one address and looks at who gets a place and who loses one.
func TestQueueIsFairAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(t, Options{Queue: 8}, "ann", "bob")
		var refused, other atomic.Int64
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				d, took := s.try("flood", fmt.Sprint("u", i/10), fmt.Sprint(i))
				switch {
				case d.Status == 429 && took == 0 && d.RetryAfter >= time.Second && d.RetryAfter <= time.Minute:
					refused.Add(1)
				case d.Status == 401:
					other.Add(1)
				default:
					t.Errorf("%d %s after %s, again after %s", d.Status, d.Reason, took, d.RetryAfter)
				}
			})
			synctest.Wait()
		}
		if s.waiting.Load() != 8 || refused.Load() != 31 { // one is being hashed
			t.Errorf("%d wait, %d were refused", s.waiting.Load(), refused.Load())
		}
		if d, took := s.try("newcomer", "bob", "right"); d.Outcome != auth.Allow || took > 3*hashTime {
			t.Errorf("newcomer: %s after %s", d.Reason, took)
		}
		wg.Wait()
		if refused.Load() != 32 || other.Load() != 8 {
			t.Errorf("%d refused, %d wrong, want 32 and 8: the newcomer takes one place of the flood", refused.Load(), other.Load())
		}
	})
}

// TestWhoGoesAwayLeavesTheQueue cancels requests that wait, and one that is being hashed.
func TestWhoGoesAwayLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(t, Options{}, "ann")
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				if d, _ := s.Authenticate(from(ctx, fmt.Sprint(i), "ann", fmt.Sprint(i))); d.Reason != ReasonGone {
					t.Errorf("%d: %s", i, d.Reason)
				}
			})
		}
		synctest.Wait()
		if s.waiting.Load() != 4 {
			t.Errorf("%d wait, want 4", s.waiting.Load())
		}
		cancel()
		wg.Wait()
		if s.waiting.Load() != 0 {
			t.Errorf("%d are left in the queue", s.waiting.Load())
		}
		if d, took := s.try("x", "ann", "right"); d.Outcome != auth.Allow || took != 2*hashTime {
			t.Errorf("%s after %s", d.Reason, took)
		}
		if s.slot.requests != 0 || len(s.slot.flights) != 0 {
			t.Errorf("%d requests and %d flights are left", s.slot.requests, len(s.slot.flights))
		}
	})
}

// TestPatienceEnds: an attempt that cannot be hashed in time is told to come back.
func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(t, Options{}, "ann")
		s.match = func(htpasswd.Hash, string, func()) bool { <-time.After(6 * time.Second); return false }
		if d, _ := s.try("a", "ann", "1"); d.Status != 401 {
			t.Fatal(d.Status)
		}
		if d, took := s.try("a", "ann", "2"); d.Status != 429 || took != maxWait || d.RetryAfter > time.Minute {
			t.Errorf("%d after %s, again after %s", d.Status, took, d.RetryAfter)
		}
	})
}

// On a machine that has other things to do, a hash may take long though it is little work. The rest is for the work: a
// slip of the finger must not cost minutes because of the neighbours.
func TestRestIsForWork(t *testing.T) {
	for work, want := range map[time.Duration]time.Duration{
		time.Millisecond: hashTime,                       // its rest of 9 ms is over before it is asked for
		hashTime:         hashTime + restFactor*hashTime, // a core of its own
		time.Hour:        hashTime + restFactor*hashTime, // a clock that is wrong
		0:                hashTime,                       // one that stands still
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSlow(t, Options{}, "alice")
			s.match = func(h htpasswd.Hash, password string, _ func()) bool {
				<-time.After(hashTime)
				return h.Match(password)
			}
			var used time.Duration
			s.slot.used = func() (time.Duration, bool) { used += work; return used, true }
			if d, _ := s.try("a", "alice", "wrong"); d.Outcome != auth.Deny {
				t.Fatalf("wrong password: %v", d)
			}
			<-time.After(10 * time.Millisecond)
			d, took := s.try("a", "alice", "right")
			if took += 10 * time.Millisecond; d.Outcome != auth.Allow || took < want || took > want+20*time.Millisecond {
				t.Errorf("work of %s: the right password got %v %s after the wrong one, want %s", work, d.Outcome, took, want)
			}
		})
	}
}
