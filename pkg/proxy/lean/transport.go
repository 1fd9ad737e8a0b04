// Package lean owns the short way to the one upstream: HTTP/1.1 without TLS for requests without a body, done in the
// goroutine that asks.
//
// http.Transport hands each request to a goroutine that writes and each answer over from one that reads, which lets it
// do everything and costs more than all else that a gate does. What this package does not cover (bodies, upgrades,
// methods that must not be sent twice, long or odd headers) it leaves to the Transport that it is given. Framing is
// net/http's in both: the answer is read by http.ReadResponse.
package lean

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"sync"
	"time"
)

// A Transport is an http.RoundTripper for one upstream. All its fields but Inform must be set.
type Transport struct {
	Dial           func(context.Context) (net.Conn, error) // to the upstream, whatever a request's URL says
	Rest           http.RoundTripper                       // for what this one does not cover
	MaxIdle        int                                     // connections kept when nobody uses them
	IdleTimeout    time.Duration                           // for so long
	MaxHeaderBytes int64                                   // of an answer

	// Inform is told of informational answers, such as 103, and may be nil; then httptrace.ClientTrace.Got1xxResponse is.
	Inform func(r *http.Request, code int, header textproto.MIMEHeader) error

	mu    sync.Mutex
	idle  []*conn // the one used last is the last, and the next
	sweep *time.Timer
}

// RoundTrip sends a request and returns the answer, whose body must be closed.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Close || !Covers(r) {
		return t.Rest.RoundTrip(r)
	}
	return t.Send(r)
}

// Send is RoundTrip for a request of which Covers said that it can be sent. Where it goes its URL does not say, nor does
// its Close; it may be one that a server got.
func (t *Transport) Send(r *http.Request) (*http.Response, error) {
	h := heads.Get().(*head)
	defer heads.Put(h)
	h.set(r)
	ctx := r.Context()
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		c := t.take()
		reused := c != nil
		if c == nil {
			nc, err := t.Dial(ctx)
			if err != nil {
				return nil, err
			}
			c = newConn(nc, t)
		}
		res, err := c.roundTrip(r, h.out)
		if err == nil {
			return res, nil
		}
		_ = c.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		// An upstream may close a connection that nobody used for a while, just when somebody does.
		if !reused || c.answered {
			return nil, err
		}
	}
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
		now := time.Now()
		if c.renew(now); now.Sub(c.since) < t.IdleTimeout && c.ear.quiet() {
			return c
		}
		_ = c.Close()
	}
}

// informer returns whom to tell of informational answers to r.
func (t *Transport) informer(r *http.Request) func(int, textproto.MIMEHeader) error {
	if t.Inform != nil {
		return func(code int, h textproto.MIMEHeader) error { return t.Inform(r, code, h) }
	}
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		return trace.Got1xxResponse
	}
	return nil
}

// give keeps a connection for the next request.
func (t *Transport) give(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.idle) >= t.MaxIdle {
		_ = c.Close()
		return
	}
	c.since = time.Now()
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
