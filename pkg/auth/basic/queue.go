package basic

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// perSource is how many attempts of one user from one address may wait. A person makes one at a time.
const perSource = 4

// debt is for how long the slot has to rest now. The lock is held, as for all that follows.
func (s *slot) debt(now time.Time) time.Duration { return max(s.rest.Sub(now), 0) }

// allowance is up to which debt the slot works for sources without a past.
func (s *slot) allowance() time.Duration { return burst * (restFactor + 1) * s.cost }

// owe adds what an attempt owes that failed between start and end and cost so much of a core. A time that no hash takes, as
// of a machine that was stopped meanwhile, does not count in full.
func (s *slot) owe(start, end time.Time, cost time.Duration) {
	s.cost = min(cost, 30*time.Second)
	if s.rest.Before(start) {
		s.rest = start
	}
	s.rest = s.rest.Add((restFactor + 1) * s.cost)
	if s.debt(end) > s.allowance() {
		s.crowded = true
	}
}

// The ranks of those who wait, the first first.
const (
	rankProven = iota
	rankFresh
	rankPast // hashed at the back, one at a time
)

// next returns the flight to hash now, and its rank; when none may be, it returns nil and the time until one may, 0 if that
// does not depend on the time.
func (s *slot) next() (*flight, int, time.Duration) {
	now := s.now()
	debt, allowance := s.debt(now), s.allowance()
	if debt <= allowance/2 || now.Sub(s.freshFailed) > allowance {
		s.crowded = false
	}
	var best *flight
	var bestRank int
	soonest := time.Duration(math.MaxInt64)
	for _, f := range s.queue {
		rank, wait := s.rank(f, now, debt, allowance)
		if rank == rankPast && s.back {
			continue
		}
		if wait > 0 {
			soonest = min(soonest, wait)
			continue
		}
		if best == nil || cmp.Or(cmp.Compare(rank, bestRank), cmp.Compare(f.addressTurn, best.addressTurn),
			cmp.Compare(f.userTurn, best.userTurn)) < 0 {
			best, bestRank = f, rank
		}
	}
	if soonest == math.MaxInt64 {
		return best, bestRank, 0
	}
	return best, bestRank, max(soonest, time.Millisecond)
}

// rank says how soon a flight may be hashed, and before which others: the lower rank first.
func (s *slot) rank(f *flight, now time.Time, debt, allowance time.Duration) (rank int, wait time.Duration) {
	switch {
	case f.proven:
		return rankProven, 0
	case s.crowded:
		return rankPast, max(debt-allowance, 0)
	case s.failures.fresh(f.source, now):
		return rankFresh, max(debt-allowance, 0)
	default:
		return rankPast, debt
	}
}

// enqueue puts a flight at the end of the queue. Addresses take turns, and so do the users of one address; one that
// already waits keeps its turn.
func (s *slot) enqueue(f *flight) {
	s.turns++
	f.addressTurn, f.userTurn = s.turns, s.turns
	for _, other := range s.queue {
		if other.source.address == f.source.address {
			f.addressTurn = other.addressTurn
		}
		if other.source == f.source {
			f.userTurn = other.userTurn
		}
	}
	s.queue = append(s.queue, f)
	s.tell()
}

// take moves what else waits of the source of f to the end of the round.
func (s *slot) take(f *flight) {
	s.turns++
	for _, other := range s.queue {
		if other.source.address == f.source.address {
			other.addressTurn = s.turns
		}
		if other.source == f.source {
			other.userTurn = s.turns
		}
	}
}

func (s *slot) dequeue(f *flight) {
	if i := slices.Index(s.queue, f); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
		s.tell()
	}
}

func (s *slot) tell() {
	if s.observe.Waiting != nil {
		s.observe.Waiting(len(s.queue))
	}
}

// admit says whether a new flight may wait. When the queue is full, whoever has most places in it loses one, so that a
// source without a place always gets one.
func (s *slot) admit(f *flight) bool {
	if f.proven {
		return true
	}
	addresses, sources := map[uint64]int{f.source.address: 1}, map[source]int{f.source: 1}
	waiting := 0
	for _, other := range s.queue {
		if !other.proven {
			addresses[other.source.address]++
			sources[other.source]++
			waiting++
		}
	}
	if sources[f.source] > perSource {
		return false
	}
	if waiting < s.limit {
		return true
	}
	now := s.now()
	greed := func(f *flight) int { // addresses before users before a past
		g := (addresses[f.source.address]*(s.limit+2) + sources[f.source]) * 2
		if !s.failures.fresh(f.source, now) {
			g++
		}
		return g
	}
	var victim *flight
	for _, i := range rand.Perm(len(s.queue)) { //nolint:gosec // it only keeps the order from favouring anybody
		if other := s.queue[i]; !other.proven && (victim == nil || greed(other) > greed(victim)) {
			victim = other
		}
	}
	if addresses[f.source.address] > 1 && greed(f) >= greed(victim) {
		return false
	}
	s.dequeue(victim)
	victim.refusal = s.refusal()
	s.finish(victim)
	return true
}

// refusal says when to come back: when those who wait now, and this one, have had their turn.
func (s *slot) refusal() error {
	wait := s.debt(s.now()) + time.Duration(len(s.queue)+1)*(restFactor+1)*s.cost
	return &busyError{min(max(wait.Truncate(time.Second)+time.Second, time.Second), time.Minute)}
}
