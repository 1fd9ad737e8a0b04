package lean

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

// grace is how long an answer may take before somebody looks whether it is still wanted, and renewal how much of it
// a request must have left. Most answers come sooner, and to watch a context costs as much as to send a request's header.
const (
	grace   = 100 * time.Millisecond
	renewal = grace / 2
)

// A watch closes a connection when the context of the request that is under way on it ends. It begins when a Read has to
// wait for longer than grace, which that learns by its deadline.
type watch struct {
	until time.Time // the deadline of Read; zero: none

	mu   sync.Mutex // Close of a body may come while its Read waits
	ctx  context.Context
	stop func() bool // nil: not begun
}

// renew sees to it that a Read which has to wait begins the watch. A deadline is good for many requests.
func (c *conn) renew(now time.Time) {
	w := &c.watch
	if w.until.Sub(now) >= renewal {
		return
	}
	w.until = now.Add(grace)
	_ = c.SetReadDeadline(w.until) // fails when the connection is closed, as Read then will
}

// begin is before a request.
func (c *conn) begin(ctx context.Context) {
	c.watch.mu.Lock()
	c.watch.ctx = ctx
	c.watch.mu.Unlock()
}

// slow begins the watch if err is that of a Read which had to wait, and says whether to read again.
func (c *conn) slow(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	w := &c.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx == nil || w.stop != nil {
		return false
	}
	w.until = time.Time{}
	if c.SetReadDeadline(w.until) != nil {
		return false
	}
	w.stop = context.AfterFunc(w.ctx, c.cut)
	return true
}

// unwatch ends the watch, and says whether the request was wanted to its end. If not, the connection is or should be closed.
func (c *conn) unwatch() bool {
	w := &c.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	ctx, stop := w.ctx, w.stop
	w.ctx, w.stop = nil, nil
	return ctx != nil && ctx.Err() == nil && (stop == nil || stop())
}
