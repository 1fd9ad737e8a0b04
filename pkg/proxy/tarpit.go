package proxy

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	heldFor = time.Second // how long the answer to one password too many is held back
	maxHeld = 256         // answers held back at once; each takes up to 20 KB
)

// tarpit holds back the answers to those who send more passwords than can be checked. Refusing costs a fraction of a
// millisecond, and without a pause whoever sends the next one at once takes all the CPU time that a small container has, from
// those who are let in. Beyond maxHeld the answer goes out at once, and the connection is closed.
type tarpit struct{ held atomic.Int64 }

// hold returns after heldFor, or sooner when ctx ends; at once, and false, when too many are held already.
func (t *tarpit) hold(ctx context.Context) bool {
	defer t.held.Add(-1)
	if t.held.Add(1) > maxHeld {
		return false
	}
	timer := time.NewTimer(heldFor)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return true
}
