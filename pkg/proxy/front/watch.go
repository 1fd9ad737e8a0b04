package front

import (
	"errors"
	"os"
	"sync"
	"time"
)

// grace is how long an answer may take before somebody looks whether its client is still there.
const grace = 100 * time.Millisecond

// A watch reads from a connection while an answer takes long: what comes is kept for later, and an end ends the context of the request.
type watch struct {
	mu      sync.Mutex
	serving bool
	turn    uint64 // requests so far
	seen    uint64 // the turn when the timer was set
	timer   *time.Timer
	set     bool
	done    chan struct{} // closed when the read has ended; nil: there is none
	read    int           // bytes, behind buf[:to]
	lost    bool          // the client left
}

var past = time.Unix(1, 0)

// begin is before a request is served. The timer is set once for many short requests.
func (c *Conn) begin() {
	w := &c.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serving = true
	w.turn++
	if !w.set {
		w.set, w.seen = true, w.turn
		w.timer.Reset(grace)
	}
}

// look is what the timer calls, in a goroutine of its own.
func (c *Conn) look() {
	w := &c.watch
	w.mu.Lock()
	switch {
	case !w.serving || c.to == len(c.buf): // or the client sent more than could be kept, and must have been there
		w.set = false
		w.mu.Unlock()
		return
	case w.seen != w.turn:
		w.seen = w.turn
		w.timer.Reset(grace)
		w.mu.Unlock()
		return
	}
	w.set = false
	done := make(chan struct{})
	w.done = done
	space := c.buf[c.to:]
	_ = c.SetReadDeadline(time.Time{}) // fails when it is closed, as Read then will
	w.mu.Unlock()

	n, err := c.Conn.Read(space)
	w.mu.Lock()
	w.read = n
	if n == 0 && err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		w.lost = true
		c.cancel()
	}
	w.mu.Unlock()
	close(done)
}

// quit is after a request was served, and says whether the client is still there.
func (c *Conn) quit() bool {
	w := &c.watch
	w.mu.Lock()
	w.serving = false
	done := w.done
	w.done = nil
	lost := w.lost
	w.mu.Unlock()
	if done == nil {
		return !lost
	}
	_ = c.SetReadDeadline(past) // fails when it is closed, and Read has ended
	<-done
	c.until = past
	c.to += w.read
	w.read = 0
	return !w.lost
}

// lose is what a failed write means.
func (c *Conn) lose() {
	c.watch.mu.Lock()
	c.watch.lost = true
	c.watch.mu.Unlock()
	c.cancel()
}
