// Package lean owns the short way to the one upstream: HTTP/1.1 without TLS for requests without a body, done in the
// goroutine that asks.
//
// http.Transport hands each request to a goroutine that writes and each answer over from one that reads, which lets it
// do everything and costs more than all else that a gate does. What this package does not cover (bodies, upgrades,
// methods that must not be sent twice) it leaves to the Transport that it is given. Framing is net/http's in both: the
// answer is read by http.ReadResponse, the header written by http.Header.
package lean

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"time"
)

// max1xx is how many informational answers may come before the final one, as for http.Transport.
const max1xx = 5

// A Transport is an http.RoundTripper for one upstream.
type Transport struct {
	Dial           func(context.Context) (net.Conn, error) // to the upstream, whatever a request's URL says
	Rest           http.RoundTripper                       // for what this one does not cover
	MaxIdle        int                                     // connections kept when nobody uses them
	IdleTimeout    time.Duration                           // for so long
	MaxHeaderBytes int64                                   // of an answer

	mu    sync.Mutex
	idle  []*conn // the one used last is the last, and the next
	sweep *time.Timer
}

// RoundTrip sends a request and returns the answer, whose body must be closed.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !covers(r) {
		return t.Rest.RoundTrip(r)
	}
	for {
		c := t.take()
		reused := c != nil
		if c == nil {
			nc, err := t.Dial(r.Context())
			if err != nil {
				return nil, err
			}
			c = &conn{Conn: nc, transport: t}
			c.br = bufio.NewReaderSize(c, 4<<10)
		}
		res, err := c.roundTrip(r)
		if err == nil {
			return res, nil
		}
		_ = c.Close()
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		// An upstream may close a connection that nobody used for a while, just when somebody does.
		if !reused || c.answered {
			return nil, err
		}
	}
}

// covers says whether a request is one that this package can send: without a body, and harmless when sent twice.
func covers(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		(r.Body == nil || r.Body == http.NoBody) && len(r.Trailer) == 0 && r.Header["Upgrade"] == nil && r.Header["Expect"] == nil
}

// take returns the idle connection that was used last, if it is still of use.
func (t *Transport) take() *conn {
	for {
		t.mu.Lock()
		n := len(t.idle)
		if n == 0 {
			t.mu.Unlock()
			return nil
		}
		c := t.idle[n-1]
		t.idle[n-1] = nil
		t.idle = t.idle[:n-1]
		t.mu.Unlock()
		if time.Since(c.since) < t.IdleTimeout && quiet(c.Conn) {
			return c
		}
		_ = c.Close()
	}
}

// give keeps a connection for the next request.
func (t *Transport) give(c *conn) {
	c.since = time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.idle) >= t.MaxIdle {
		_ = c.Close()
		return
	}
	t.idle = append(t.idle, c)
	if t.sweep == nil {
		t.sweep = time.AfterFunc(t.IdleTimeout, t.closeOld)
	} else if len(t.idle) == 1 {
		t.sweep.Reset(t.IdleTimeout)
	}
}

// closeOld closes what has been idle for too long, and comes again as long as there is something idle.
func (t *Transport) closeOld() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, old := time.Now(), 0
	for old < len(t.idle) && now.Sub(t.idle[old].since) >= t.IdleTimeout {
		_ = t.idle[old].Close()
		old++
	}
	t.idle = slices.Delete(t.idle, 0, old)
	if len(t.idle) > 0 {
		t.sweep.Reset(t.IdleTimeout - now.Sub(t.idle[0].since))
	}
}

// CloseIdleConnections closes the connections that nobody uses.
func (t *Transport) CloseIdleConnections() {
	t.mu.Lock()
	idle := t.idle
	t.idle = nil
	t.mu.Unlock()
	for _, c := range idle {
		_ = c.Close()
	}
	if rest, ok := t.Rest.(interface{ CloseIdleConnections() }); ok {
		rest.CloseIdleConnections()
	}
}

// A conn is one connection to the upstream, used by one request at a time.
type conn struct {
	net.Conn
	transport *Transport
	br        *bufio.Reader
	out       []byte
	since     time.Time // when it became idle
	answered  bool      // something of the current answer came
	left      int64     // bytes that may still be read before the answer's header is too long; -1: no limit now
}

var errHeaderTooLong = errors.New("upstream: the answer's header is too long")

// Read is for br alone.
func (c *conn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errHeaderTooLong
	}
	if c.left > 0 && int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.answered = true
		if c.left > 0 {
			c.left -= int64(n)
		}
	}
	return n, err
}

// Write appends to what roundTrip sends.
func (c *conn) Write(p []byte) (int, error) {
	c.out = append(c.out, p...)
	return len(p), nil
}

// WriteString is Write for http.Header, which looks for it.
func (c *conn) WriteString(s string) (int, error) {
	c.out = append(c.out, s...)
	return len(s), nil
}

func (c *conn) roundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) }) // long ago: what waits, ends
	c.answered, c.left = false, c.transport.MaxHeaderBytes
	if err := c.send(r); err != nil {
		stop()
		return nil, err
	}
	res, err := c.receive(r)
	if err != nil {
		stop()
		return nil, err
	}
	c.left = -1
	res.Body = &body{ReadCloser: res.Body, conn: c, ctx: ctx, stop: stop, again: !res.Close}
	if res.Body.(*body).ReadCloser == http.NoBody {
		res.Body.(*body).end(io.EOF)
		res.Body = http.NoBody
	}
	return res, nil
}

func (c *conn) send(r *http.Request) error {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	target := r.URL.RequestURI()
	if strings.ContainsFunc(target, blank) || strings.ContainsFunc(host, blank) {
		return errors.New("upstream: a blank or control character in the target or the host")
	}
	c.out = append(c.out[:0], r.Method...)
	c.out = append(c.out, ' ')
	c.out = append(c.out, target...)
	c.out = append(c.out, " HTTP/1.1\r\nHost: "...)
	c.out = append(c.out, host...)
	c.out = append(c.out, "\r\n"...)
	if agent := r.Header.Get("User-Agent"); agent != "" { // ReverseProxy says by an empty one that there was none
		c.out = append(c.out, "User-Agent: "...)
		c.out = append(c.out, agent...)
		c.out = append(c.out, "\r\n"...)
	}
	if err := r.Header.WriteSubset(c, notSent); err != nil {
		return err
	}
	c.out = append(c.out, "\r\n"...)
	_, err := c.Conn.Write(c.out)
	return err
}

// What is written otherwise, or must not be there.
var notSent = map[string]bool{"Host": true, "User-Agent": true, "Content-Length": true, "Transfer-Encoding": true, "Trailer": true}

func blank(r rune) bool { return r <= ' ' || r == 0x7f }

// receive reads the header of the final answer.
func (c *conn) receive(r *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(r.Context())
	for range max1xx + 1 {
		res, err := http.ReadResponse(c.br, r)
		if err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) && !c.answered {
				err = io.EOF
			}
			return nil, err
		}
		if res.StatusCode < 100 || res.StatusCode >= 200 {
			return res, nil
		}
		if res.StatusCode == http.StatusSwitchingProtocols {
			return nil, errors.New("upstream: 101 to a request that asked for no upgrade")
		}
		if trace != nil && trace.Got1xxResponse != nil {
			if err := trace.Got1xxResponse(res.StatusCode, map[string][]string(res.Header)); err != nil { //nolint:unconvert // textproto's type
				return nil, err
			}
		}
	}
	return nil, fmt.Errorf("upstream: more than %d informational answers", max1xx)
}

// A body is an answer's. At its end the connection is free for the next request.
type body struct {
	io.ReadCloser
	conn  *conn
	ctx   context.Context
	stop  func() bool // ends the watch over the request's context
	again bool        // the upstream keeps the connection
	ended error
}

func (b *body) Read(p []byte) (int, error) {
	if b.ended != nil {
		return 0, b.ended
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		if gone := b.ctx.Err(); gone != nil && !errors.Is(err, io.EOF) {
			err = gone
		}
		b.end(err)
	}
	return n, err
}

// Close gives up what was not read: the upstream may never come to the end of it.
func (b *body) Close() error {
	if b.ended == nil {
		b.end(http.ErrBodyReadAfterClose)
	}
	return nil
}

func (b *body) end(err error) {
	b.ended = err
	// When the watch cannot be stopped any more, it has set, or is about to set, a deadline.
	if b.stop() && errors.Is(err, io.EOF) && b.again && b.conn.br.Buffered() == 0 {
		b.conn.transport.give(b.conn)
		return
	}
	_ = b.conn.Close()
}
