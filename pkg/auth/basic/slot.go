package basic

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/auth/mac"
)

const (
	restFactor  = 9                // the slot rests this many times the duration of a failed attempt
	burst       = 8                // failed attempts of sources new to it that the slot takes without resting
	maxRequests = 256              // requests that may wait at once, however few attempts they make; half as many more of addresses without one
	maxWait     = 15 * time.Second // for which an attempt may wait for the slot
)

// A slot hashes one attempt at a time, for the whole process, and rations the time for it. Attempts of sources that failed
// lately are hashed at the back: by less than a tenth of a core, evenly (see pace), and when one of another source comes, which is
// hashed at the front, the one at the back is put aside until that is done.
//
// Each attempt that fails and took d of a core adds 10d to a debt, which goes down as time goes by, while it is hashed too: at
// the back, all is paid when the hash is done. That it took longer, on a machine that had other things to do, is nothing that
// anybody should have to wait for again. As long as there is debt, the slot rests for sources that failed lately. Others do
// not wait for that, but only up to a debt of eight attempts: when sources without a past are as many as that, they are a
// flood themselves, and for as long as they come all wait their turn alike, at the back. In the long run, failing attempts
// thus take a tenth of one core, whoever makes them.
//
// An attempt that was verified before, and whose time is merely over, comes first and needs neither place nor rest: nobody
// who does not know the password can make one.
type slot struct {
	now     func() time.Time
	hash    func(a *attempt, step func()) verdict
	cores   func() float64               // that the container's limit allows; nil or 0: none
	used    func() (time.Duration, bool) // the time of a core that this thread has used so far; nil or false: unknown
	observe Observer
	limit   int // attempts that may wait

	mu       sync.Mutex
	flights  map[mac.Tag]*flight // all that wait or are hashed, by what was submitted
	queue    []*flight           // those that wait, in the order in which they came
	requests int                 // that wait for any flight
	askers   map[uint64]int      // those requests, by their address
	front    bool                // an attempt is being hashed that must be done soon
	back     bool                // one is, or was begun, that can wait
	working  bool                // it does not rest just now; never while there is one at the front
	free     *sync.Cond          // of mu: nobody is at the front
	rest     time.Time           // when the debt is paid
	cost     time.Duration       // of the last attempt that failed
	turns    uint64              // taken so far
	failures failures
	wake     *time.Timer // when the next in the queue may be hashed

	crowded     bool      // sources without a past have used up what is theirs
	freshFailed time.Time // when one of them failed last
}

// An attempt is what one request submitted.
type attempt struct {
	key            mac.Tag // of user and password as they were sent, and nothing else
	user, password string
	refused        bool // hashed, but never right
	proven         bool // its pair was verified, but not lately
	source         source
}

// A verdict is what hashing an attempt found.
type verdict struct {
	ok   bool
	user *user     // that it was judged by; nil: there was none of that name
	line auth.Line // with ok: the first that the password matches
}

// A flight is one attempt under way, for all requests that made the same.
type flight struct {
	*attempt
	waiting     int    // requests
	addressTurn uint64 // when it is the turn of its address, and among that address's users, of its user
	userTurn    uint64
	hashing     bool

	done    chan struct{} // closed when there is a verdict or a refusal
	verdict verdict
	refusal error
}

// A busyError says that an attempt was not hashed because there are too many.
type busyError struct{ retryAfter time.Duration }

func (e *busyError) Error() string {
	return fmt.Sprintf("too many attempts; try again in %s", e.retryAfter)
}

func newSlot(limit int, now func() time.Time, hash func(*attempt, func()) verdict, observe Observer) *slot {
	s := &slot{now: now, hash: hash, observe: observe, limit: limit, flights: map[mac.Tag]*flight{}, askers: map[uint64]int{}, failures: newFailures()}
	s.free = sync.NewCond(&s.mu)
	return s
}

func (s *slot) source(address string, user []byte) source { return s.failures.source(address, user) }

// wait returns the verdict on a, a *busyError, or the error of ctx.
func (s *slot) wait(ctx context.Context, a *attempt) (verdict, error) {
	f, err := s.join(a)
	if err != nil {
		return verdict{}, err
	}
	defer s.depart(a)
	patience := time.NewTimer(maxWait)
	defer patience.Stop()
	for {
		select {
		case <-f.done:
			return f.verdict, f.refusal
		case <-ctx.Done():
			s.leave(f)
			return verdict{}, ctx.Err()
		case <-patience.C:
			if busy := s.giveUp(f); busy != nil {
				return verdict{}, busy
			}
		}
	}
}

// join adds a request to the flight of the same attempt, or to a new one.
func (s *slot) join(a *attempt) (*flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !a.proven && s.full(a.source.address) {
		return nil, s.refusal()
	}
	f := s.flights[a.key]
	if f == nil {
		f = &flight{attempt: a, done: make(chan struct{})}
		if !s.admit(f) {
			return nil, s.refusal()
		}
		s.flights[a.key] = f
		s.enqueue(f)
	} else if a.proven {
		f.proven = true
	}
	f.waiting++
	s.requests++
	s.askers[a.source.address]++
	s.dispatch()
	return f, nil
}

// full says whether no more requests of an address may wait. What one address sends by the thousand must not keep the
// others out, not even where it is the same attempt over and over and takes one place in the queue.
func (s *slot) full(address uint64) bool {
	if s.askers[address] == 0 {
		return s.requests >= maxRequests+maxRequests/2
	}
	return s.requests >= maxRequests
}

// depart counts off a request that no longer waits.
func (s *slot) depart(a *attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests--
	if s.askers[a.source.address]--; s.askers[a.source.address] == 0 {
		delete(s.askers, a.source.address)
	}
}

// leave takes a request away from its flight, and the flight out of the queue when it was the last.
func (s *slot) leave(f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-f.done:
		return // it flies no more
	default:
	}
	f.waiting--
	if f.waiting == 0 && !f.hashing {
		s.dequeue(f)
		delete(s.flights, f.key)
		s.dispatch()
	}
}

// giveUp is leave for a request that waited long enough. A flight that is being hashed is worth waiting for: then it
// returns nil.
func (s *slot) giveUp(f *flight) error {
	s.mu.Lock()
	hashing := f.hashing
	busy := s.refusal()
	s.mu.Unlock()
	if hashing {
		return nil
	}
	s.leave(f)
	return busy
}

// dispatch starts the next attempt if nobody works and one may be hashed now, or sees to it that it is called again when
// one may. The lock is held.
func (s *slot) dispatch() {
	if s.front || s.working || len(s.queue) == 0 {
		return
	}
	f, rank, wait := s.next()
	if f == nil && wait == 0 {
		return // only for those at the back, where one is under way
	}
	if f == nil {
		if s.wake == nil {
			s.wake = time.AfterFunc(wait, func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.dispatch()
			})
		} else {
			s.wake.Reset(wait)
		}
		return
	}
	s.dequeue(f)
	s.take(f)
	f.hashing = true
	if rank == rankPast {
		s.back, s.working = true, true
	} else {
		s.front = true
	}
	go s.run(f, rank == rankPast)
}

// finish lets the requests of a flight go. The lock is held.
func (s *slot) finish(f *flight) {
	delete(s.flights, f.key)
	close(f.done)
}
