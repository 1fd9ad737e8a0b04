package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"sync"

	"github.com/kauth-dev/kauth/pkg/proxy/lean"
)

// forwarder is the last room: it hands a request to the upstream and the answer back. Most requests have no body and want
// no upgrade. Those go the short way, in the goroutine of their connection and without a copy of the request, which
// costs less than half of what ReverseProxy and http.Transport cost; the rest goes through these.
type forwarder struct {
	gate    *gate
	short   *lean.Transport // nil: the upstream speaks TLS
	reverse http.Handler
	buffers buffers
}

func newForwarder(up *upstream, g *gate) *forwarder {
	f := &forwarder{gate: g}
	f.reverse = newReverseProxy(up, g, &f.buffers)
	if up.tls == nil {
		f.short = &lean.Transport{
			Dial: func(ctx context.Context) (net.Conn, error) { return up.dialer.DialContext(ctx, "tcp", up.address) },
			Rest: up.transport, MaxIdle: up.transport.MaxIdleConnsPerHost, IdleTimeout: up.transport.IdleConnTimeout,
			MaxHeaderBytes: up.transport.MaxResponseHeaderBytes,
			Inform:         func(r *http.Request, code int, h textproto.MIMEHeader) error { return exchangeOf(r).inform(code, h) },
		}
	}
	return f
}

func (f *forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := exchangeOf(r)
	e.old = !r.ProtoAtLeast(1, 1)
	if f.short == nil || !isPlain(r.Header) || !lean.Covers(r) {
		if h := e.Header(); len(h) > 0 {
			e.own = h.Clone()
		}
		f.reverse.ServeHTTP(w, r)
		return
	}
	say(r.Header, r, e)
	if _, ok := r.Header["User-Agent"]; !ok {
		r.Header["User-Agent"] = nil // none, rather than one of our own
	}
	res, err := f.short.Send(r)
	if err == nil && res.StatusCode < 200 {
		_ = res.Body.Close()
		err = errStatus
	}
	if err != nil {
		f.gate.forwardFailed(e, r, err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	f.answer(e, res)
}

// Headers that are for one connection only: RFC 9110 section 7.6.1, with those that are older than the rule.
var hopByHop = [...]string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// isPlain says whether a request's header has nothing for this connection only, but for the Connection that every client of
// HTTP/1.1 may send, which it removes.
func isPlain(h http.Header) bool {
	for _, name := range hopByHop[1:] {
		if h[name] != nil {
			return false
		}
	}
	if said := h["Connection"]; len(said) > 1 || len(said) == 1 && !strings.EqualFold(said[0], "keep-alive") && !strings.EqualFold(said[0], "close") {
		return false
	}
	delete(h, "Connection")
	return true
}

// inform passes an informational answer on, such as 103 Early Hints.
func (e *exchange) inform(code int, header textproto.MIMEHeader) error {
	h := e.Header()
	was := h.Clone()
	addAll(h, http.Header(header))
	e.WriteHeader(code)
	clear(h) // net/http would send these again with the final answer
	addAll(h, was)
	return nil
}

// answer sends the upstream's answer to the client.
func (f *forwarder) answer(e *exchange, res *http.Response) {
	removeHopByHop(res.Header)
	stripSetCookies(res.Header)
	noGuess(res.Header, res)
	if own, ok := e.ResponseWriter.(interface{ Adopt(http.Header) bool }); !ok || !own.Adopt(res.Header) {
		addAll(e.Header(), res.Header)
	}
	h := e.Header()
	for name := range res.Trailer {
		h.Add("Trailer", name)
	}
	announced := len(res.Trailer)
	e.WriteHeader(res.StatusCode)
	f.copyBody(e, res)
	if len(res.Trailer) == 0 {
		return
	}
	_ = http.NewResponseController(e.ResponseWriter).Flush() // so that the body is chunked, however short
	for name, values := range res.Trailer {
		if len(res.Trailer) != announced { // some came without having been announced
			name = http.TrailerPrefix + name
		}
		h[name] = append(h[name], values...)
	}
}

// noGuess keeps net/http from telling the type of a body by its first bytes: what its author gave no type must not become
// HTML by way of the gate.
func noGuess(h http.Header, res *http.Response) {
	if res.Header["Content-Type"] == nil {
		h["Content-Type"] = nil
	}
}

// copyBody sends event streams, and bodies whose length nobody knows, piece by piece as they come.
func (f *forwarder) copyBody(e *exchange, res *http.Response) {
	if res.Body == http.NoBody {
		return
	}
	flush := func() {}
	if res.ContentLength < 0 || isEventStream(res.Header) {
		client := http.NewResponseController(e.ResponseWriter)
		flush = func() { _ = client.Flush() } // a client that is gone is noticed by the next write
		if !lean.Waiting(res.Body) {
			flush()
		}
	}
	buf := f.buffers.get(res.ContentLength)
	defer f.buffers.Put(buf)
	for {
		n, err := res.Body.Read(buf)
		if n > 0 {
			if _, failed := e.Write(buf[:n]); failed != nil {
				panic(http.ErrAbortHandler)
			}
			flush()
		}
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			panic(http.ErrAbortHandler) // a clean end would make a short body look whole
		}
	}
}

func isEventStream(h http.Header) bool {
	const kind = "text/event-stream"
	said := h.Get("Content-Type")
	return len(said) >= len(kind) && strings.EqualFold(said[:len(kind)], kind)
}

// removeHopByHop removes what an answer says for one connection only.
func removeHopByHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" {
				h.Del(name)
			}
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
}

func addAll(to, from http.Header) {
	for name, values := range from {
		if have := to[name]; have != nil {
			values = append(have, values...)
		}
		to[name] = values
	}
}

// buffers keeps the buffers that bodies are copied through: without it each request costs 32 KiB of garbage. Most bodies are
// small, and of a thousand requests at once many have one in their hands.
type buffers struct{ small, large sync.Pool }

const (
	smallBuffer = 4 << 10
	largeBuffer = 32 << 10
)

// get returns a buffer for a body of a length; negative: nobody knows.
func (b *buffers) get(length int64) []byte {
	if length < 0 || length > smallBuffer {
		return b.Get()
	}
	if p, ok := b.small.Get().(*[smallBuffer]byte); ok {
		return p[:]
	}
	return make([]byte, smallBuffer)
}

func (b *buffers) Get() []byte {
	if p, ok := b.large.Get().(*[largeBuffer]byte); ok {
		return p[:]
	}
	return make([]byte, largeBuffer)
}

func (b *buffers) Put(p []byte) {
	switch len(p) {
	case smallBuffer:
		b.small.Put((*[smallBuffer]byte)(p))
	case largeBuffer:
		b.large.Put((*[largeBuffer]byte)(p))
	}
}
