package basic

import (
	"hash/maphash"
	"net/netip"
	"time"
)

const (
	failureTTL      = 10 * time.Minute // for which a failure is held against its source
	maxFailures     = 4096             // sources remembered
	addressFailures = 3                // failures until an address has a past for all its users; a few people may share it
)

// A source is where an attempt comes from: an address, and the user that it names. Both are hashed under a seed of
// this process, so that a source is small however long the name; two that fall together only share their turns.
type source struct{ address, user uint64 }

// failures remembers which sources failed lately.
type failures struct {
	seed   maphash.Seed
	recent map[source]failure // of whole addresses too, where user is 0
}

type failure struct {
	count int
	last  time.Time
}

func newFailures() failures {
	return failures{seed: maphash.MakeSeed(), recent: map[source]failure{}}
}

// source returns the source of an attempt. Addresses of IPv6 count by /64, which is what one customer has.
func (f *failures) source(address string, user []byte) source {
	if ip, err := netip.ParseAddr(address); err == nil {
		ip = ip.Unmap().WithZone("")
		address = ip.String()
		if ip.Is6() {
			if p, err := ip.Prefix(64); err == nil {
				address = p.String()
			}
		}
	}
	return source{maphash.String(f.seed, address), maphash.Bytes(f.seed, user) | 1}
}

// fresh says whether a source has no past.
func (f *failures) fresh(s source, now time.Time) bool {
	return f.count(s, now) == 0 && f.count(source{address: s.address}, now) < addressFailures
}

func (f *failures) count(s source, now time.Time) int {
	if past := f.recent[s]; now.Sub(past.last) < failureTTL {
		return past.count
	}
	return 0
}

// add notes that an attempt of s failed.
func (f *failures) add(s source, now time.Time) {
	if len(f.recent) >= maxFailures {
		f.drop(now)
	}
	for _, key := range [2]source{s, {address: s.address}} {
		f.recent[key] = failure{count: f.count(key, now) + 1, last: now}
	}
}

// drop makes room: of what is over, or of anything.
func (f *failures) drop(now time.Time) {
	for key, past := range f.recent {
		if now.Sub(past.last) >= failureTTL {
			delete(f.recent, key)
		}
	}
	for key := range f.recent {
		if len(f.recent) < maxFailures-maxFailures/8 {
			return
		}
		delete(f.recent, key)
	}
}

// forget notes that an attempt of s was right.
func (f *failures) forget(s source) { delete(f.recent, s) }
