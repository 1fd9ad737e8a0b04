package front

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// maxHead is how many bytes the head of a plain request may have. Longer ones are net/http's, which has its own limit.
const maxHead = 4 << 10

// What a connection does.
const (
	idle   int32 = iota // waits for a request
	active              // a request is under way
	over                // Close has closed it
)

// A Conn is a connection of a Listener: first served here, then perhaps by net/http, which reads from it what was
// read here and not used.
type Conn struct {
	net.Conn
	listener *Listener
	base     *http.Request // what all requests on it have in common
	cancel   context.CancelFunc
	state    atomic.Int32

	buf   []byte // what was read, and not yet used: buf[from:to]
	from  int
	to    int
	until time.Time // the deadline of reading; zero: none that is known
	watch watch
}

func newConn(nc net.Conn, l *Listener) *Conn {
	c := &Conn{Conn: nc, listener: l, buf: make([]byte, maxHead)}
	ctx := l.base
	if l.server.ConnContext != nil {
		ctx = l.server.ConnContext(ctx, c)
	}
	ctx, c.cancel = context.WithCancel(ctx)
	r := &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody, RemoteAddr: nc.RemoteAddr().String()}
	c.base = r.WithContext(ctx)
	c.watch.timer = time.AfterFunc(time.Hour, c.look)
	c.watch.timer.Stop()
	return c
}

// Read is for net/http, once the connection is its own.
func (c *Conn) Read(p []byte) (int, error) {
	if c.from == c.to {
		return c.Conn.Read(p)
	}
	n := copy(p, c.buf[c.from:c.to])
	if c.from += n; c.from == c.to {
		c.buf, c.from, c.to = nil, 0, 0
	}
	return n, nil
}

// CloseWrite is what net/http looks for before it closes a connection that may have more to read.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// serve answers plain requests until the connection ends or another one comes.
func (c *Conn) serve() {
	mine := true // still
	defer func() {
		if v := recover(); v != nil && v != http.ErrAbortHandler { //nolint:errorlint // a panic value, as net/http compares it
			c.logf("front: panic serving %v: %v\n%s", c.base.RemoteAddr, v, debug.Stack())
		}
		c.watch.timer.Stop()
		c.cancel()
		if mine {
			c.end()
		}
		c.listener.leave(c)
	}()
	for first := true; ; first = false {
		r, foreign := c.next(first)
		if foreign {
			mine = !c.handOver()
			return
		}
		if r == nil || !c.answer(r) {
			return
		}
	}
}

func (c *Conn) logf(format string, args ...any) {
	if l := c.listener.server.ErrorLog; l != nil {
		l.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}

// end closes the connection and tells of it.
func (c *Conn) end() {
	_ = c.Close()
	if tell := c.listener.server.ConnState; tell != nil {
		tell(c, http.StateClosed)
	}
}

// handOver gives the connection to net/http, and says whether that takes it.
func (c *Conn) handOver() bool {
	_ = c.SetReadDeadline(time.Time{}) // fails when it is closed, which net/http will notice
	if c.from == c.to {
		c.buf = nil
	}
	select {
	case c.listener.rest <- c:
		return true
	case <-c.listener.closed:
		return false
	}
}

// next returns the next request if it is a plain one, or whether it is for others. It is nil at the end of the connection.
func (c *Conn) next(first bool) (r *http.Request, foreign bool) {
	limited := first // the head must have come by c.until
	for {
		if c.from < c.to {
			r, size, v := parse(c.buf[c.from:c.to], c.base)
			switch {
			case v == plain:
				c.from += size
				return r, false
			case v == odd || c.from == 0 && c.to == len(c.buf):
				return nil, true
			}
			if !limited {
				limited = true
				c.expire(c.listener.headerTimeout())
			}
		}
		c.to = copy(c.buf, c.buf[c.from:c.to])
		c.from = 0
		if c.to == 0 && !c.rest(first) {
			return nil, false
		}
		n, err := c.Conn.Read(c.buf[c.to:])
		c.to += n
		if !c.state.CompareAndSwap(idle, active) && c.state.Load() == over {
			return nil, false
		}
		if n == 0 && err != nil {
			return nil, c.to > 0 && errors.Is(err, io.EOF) // net/http has an answer to half a request
		}
	}
}

// rest is before the first byte of a request, and says whether to wait for it.
func (c *Conn) rest(first bool) bool {
	timeout := c.listener.idleTimeout()
	if first {
		timeout = c.listener.headerTimeout()
	}
	// To set a deadline costs half of what a small system call does, and one that comes a little early is as good.
	if left := time.Until(c.until); timeout == 0 || left <= timeout-timeout/16 || left > timeout {
		c.expire(timeout)
	}
	c.state.CompareAndSwap(active, idle)
	return c.state.Load() == idle && !c.listener.ending()
}

// expire sets the deadline of reading; zero is for ever.
func (c *Conn) expire(timeout time.Duration) {
	if timeout == 0 {
		if c.until.IsZero() {
			return
		}
		c.until = time.Time{}
	} else {
		c.until = time.Now().Add(timeout)
	}
	_ = c.SetReadDeadline(c.until) // fails when it is closed, as Read then will
}

// answer serves one request and says whether there may be another.
func (c *Conn) answer(r *http.Request) bool {
	w := newResponse(c, r)
	defer w.release()
	c.begin()
	c.listener.server.Handler.ServeHTTP(w, r)
	again := w.finish()
	return c.quit() && again && !c.listener.ending()
}
