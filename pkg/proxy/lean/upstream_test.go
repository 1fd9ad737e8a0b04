package lean

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const patience = 20 * time.Second

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // http.Transport tells of each answer that nobody asked for
	os.Exit(m.Run())
}

// A peer is the upstream's end of one connection.
type peer struct {
	halfConn
	n  int // how many were dialled before
	br *bufio.Reader
}

type halfConn interface {
	net.Conn
	CloseWrite() error
}

// until waits for a condition.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(50 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// request waits for the next request, and says whether there was one.
func (p *peer) request() (*http.Request, bool) {
	r, err := http.ReadRequest(p.br)
	return r, err == nil
}

func (p *peer) say(s string) { _, _ = p.Write([]byte(s)) }

// gone waits until the other end has closed.
func (p *peer) gone() { _, _ = io.Copy(io.Discard, p.br) }

// An upstream is played by serve, once for each connection, which is closed when serve returns.
type upstream struct {
	t     testing.TB
	serve func(*peer)
	ln    net.Listener

	dials   atomic.Int64
	serving atomic.Int64
}

// newUpstream listens until the test ends, by when each connection must have been closed.
func newUpstream(t testing.TB, serve func(*peer)) *upstream {
	t.Helper()
	return newUpstreamOn(t, "tcp", "127.0.0.1:0", serve)
}

func newUpstreamOn(t testing.TB, network, address string, serve func(*peer)) *upstream {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	u := &upstream{t: t, serve: serve, ln: ln}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			u.serving.Add(1)
			go func() {
				defer u.serving.Add(-1)
				defer c.Close()
				u.serve(&peer{halfConn: c.(halfConn), n: n, br: bufio.NewReader(c)})
			}()
		}
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		<-done
		u.allGone()
	})
	return u
}

// allGone waits until the upstream has seen the end of each connection.
func (u *upstream) allGone() {
	u.t.Helper()
	until(u.t, "the end of each connection to the upstream", func() bool { return u.serving.Load() == 0 })
}

func (u *upstream) dial(ctx context.Context) (net.Conn, error) {
	u.dials.Add(1)
	return new(net.Dialer).DialContext(ctx, u.ln.Addr().Network(), u.ln.Addr().String())
}

func (u *upstream) dialled() int { return int(u.dials.Load()) }

const headerLimit = 64 << 10

// model is what a Transport must be like.
func (u *upstream) model() *http.Transport {
	return &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return u.dial(ctx) },
		DisableCompression: true, MaxIdleConnsPerHost: 8, MaxResponseHeaderBytes: headerLimit,
	}
}

// refuse is the Rest of a test in which nothing may be left to it.
type refuse struct{ t testing.TB }

func (r refuse) RoundTrip(req *http.Request) (*http.Response, error) {
	r.t.Errorf("%s %s was left to the rest", req.Method, req.URL)
	return nil, io.ErrClosedPipe
}

func (u *upstream) lean() *Transport {
	t := &Transport{Dial: u.dial, Rest: refuse{u.t}, MaxIdle: 8, IdleTimeout: time.Hour, MaxHeaderBytes: headerLimit}
	u.t.Cleanup(t.CloseIdleConnections)
	return t
}

func (t *Transport) idling() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.idle)
}

// An answer is all that a caller sees of one.
type answer struct {
	Failed            bool // no answer
	Proto, Status     string
	Header, Trailer   http.Header
	Length            int64
	TransferEncodings []string
	Close             bool
	Body              string
	Broken            bool // the body's end did not come
}

func ask(rt http.RoundTripper, r *http.Request) answer {
	res, err := rt.RoundTrip(r)
	if err != nil {
		return answer{Failed: true}
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols {
		return answer{Failed: true} // the Transport leaves it to its caller to see that nobody asked for it
	}
	body, err := io.ReadAll(res.Body)
	return answer{
		Proto: res.Proto, Status: res.Status, Header: res.Header, Trailer: res.Trailer, Length: res.ContentLength,
		TransferEncodings: slices.Clone(res.TransferEncoding), Close: res.Close, Body: string(body), Broken: err != nil,
	}
}

func request(t testing.TB, method string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://upstream.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// waits says whether someone who reads an answer to a request from these bytes wants more than there are.
func waits(method, said string) bool {
	end := &endSeen{Reader: bytes.NewReader([]byte(said))}
	br := bufio.NewReaderSize(end, 4<<10)
	for {
		res, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			return end.seen
		}
		if res.StatusCode < 100 || res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols {
			_, _ = io.Copy(io.Discard, res.Body)
			return end.seen
		}
	}
}

type endSeen struct {
	io.Reader
	seen bool
}

func (e *endSeen) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	e.seen = e.seen || err != nil
	return n, err
}

// alike compares two Transports over an upstream that answers the first request with first, and each other with second.
// It keeps a connection open only as long as nobody waits for more.
func alike(t testing.TB, method, first, second string, hangUp bool) {
	t.Helper()
	serve := func(p *peer) {
		for i := p.n; ; i++ {
			r, ok := p.request()
			if !ok {
				return
			}
			said := first
			if i > 0 {
				said = second
			}
			p.say(said)
			if hangUp || waits(r.Method, said) {
				_ = p.CloseWrite() // a Close with something unread, as a request sent too early, would be a reset
				p.gone()
				return
			}
		}
	}
	u := newUpstreamOn(t, "unix", "", serve) // TCP runs out of ports after some ten thousand
	l := u.lean()
	for i, said := range []string{first, second} {
		// The model sees each answer by itself: what came before must not matter.
		v := newUpstreamOn(t, "unix", "", func(p *peer) { p.n = i; serve(p) })
		m := v.model()
		want := ask(m, request(t, method))
		m.CloseIdleConnections()
		if diff := cmp.Diff(want, ask(l, request(t, method))); diff != "" {
			t.Fatalf("answer %d to %s: (-http.Transport +lean)\n%s\nupstream said %q", i+1, method, diff, fmt.Sprintf("%.2000s", said))
		}
	}
	l.CloseIdleConnections()
}
