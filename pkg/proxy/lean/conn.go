package lean

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"sync"
	"time"
)

// A conn is one connection to the upstream, used by one request at a time.
type conn struct {
	net.Conn
	transport *Transport
	br        *bufio.Reader
	ear       *ear
	cut       func()    // closes it
	since     time.Time // when it became idle
	answered  bool      // something of the current answer came
	left      int64     // bytes that may still be read before the answer's header is too long
	watch     watch
}

func newConn(nc net.Conn, t *Transport) *conn {
	c := &conn{Conn: nc, transport: t, ear: newEar(nc), cut: func() { _ = nc.Close() }}
	c.br = bufio.NewReaderSize(c, 2<<10)
	c.renew(time.Now())
	return c
}

var (
	errHeaderTooLong = errors.New("upstream: the answer's header is too long")
	errSwitched      = errors.New("upstream: 101 to a request that asked for no upgrade")
)

// Read is for br alone.
func (c *conn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errHeaderTooLong
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.Conn.Read(p)
	if err != nil && c.slow(err) {
		n, err = c.Conn.Read(p)
	}
	if n > 0 {
		c.answered = true
		c.left -= int64(n)
	}
	return n, err
}

// roundTrip sends a request and reads the answer up to its body. After an error the connection is of no more use.
func (c *conn) roundTrip(r *http.Request, head []byte) (*http.Response, error) {
	c.begin(r.Context())
	c.answered, c.left = false, c.transport.MaxHeaderBytes
	if _, err := c.Write(head); err != nil {
		c.unwatch()
		return nil, err
	}
	res, err := c.receive(r)
	if err != nil {
		c.unwatch()
		return nil, err
	}
	c.left = math.MaxInt64
	again := !res.Close && res.StatusCode >= 200
	if res.Body == http.NoBody {
		c.end(again)
		return res, nil
	}
	res.Body = &body{ReadCloser: res.Body, conn: c, ctx: r.Context(), again: again}
	return res, nil
}

// receive reads the header of the final answer.
func (c *conn) receive(r *http.Request) (*http.Response, error) {
	for {
		res, err := http.ReadResponse(c.br, r)
		if err != nil {
			return nil, err
		}
		if res.StatusCode < 100 || res.StatusCode >= 200 {
			return res, nil
		}
		if res.StatusCode == http.StatusSwitchingProtocols {
			return nil, errSwitched
		}
		// Informational answers that nobody looks at count as one header with the final one; who looks at them limits them.
		if inform := c.transport.informer(r); inform != nil {
			if err := inform(res.StatusCode, map[string][]string(res.Header)); err != nil {
				return nil, err
			}
			c.left = c.transport.MaxHeaderBytes
		}
	}
}

// end is after an exchange.
func (c *conn) end(again bool) {
	if c.unwatch() && again && c.br.Buffered() == 0 {
		c.transport.give(c)
		return
	}
	_ = c.Close()
}

// A body is an answer's. At its end the connection is free for the next request.
type body struct {
	io.ReadCloser
	conn  *conn
	ctx   context.Context
	again bool // the upstream keeps the connection

	mu    sync.Mutex // Close may come while a Read waits
	ended error      // what a Read returns now
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	ended := b.ended
	b.mu.Unlock()
	if ended != nil {
		return 0, ended
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		if b.ctx.Err() != nil && !errors.Is(err, io.EOF) {
			err = context.Cause(b.ctx)
		}
		b.end(err)
	}
	return n, err
}

// Waiting says whether something of the body of an answer has come already, so that Read would not wait. It knows the
// bodies of Send only.
func Waiting(r io.Reader) bool {
	b, ok := r.(*body)
	return ok && b.conn.br.Buffered() > 0
}

// Close gives up what was not read: the upstream may never come to the end of it.
func (b *body) Close() error {
	b.end(http.ErrBodyReadAfterClose)
	return nil
}

// end lets go of the connection, once: it may be another request's by the next time.
func (b *body) end(err error) {
	b.mu.Lock()
	first := b.ended == nil
	b.ended = err
	b.mu.Unlock()
	if first {
		b.conn.end(b.again && errors.Is(err, io.EOF))
	}
}
