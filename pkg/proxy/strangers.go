package proxy

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// How many connections may wait for a request, none of which ever let anybody in. Each takes up to 20 KB, and 100 KB when it stops
// in the middle of its headers, in a container that has 320 MiB. A thousand clients that come at once, as after a restart of
// the load balancer, are no attack: their requests are there within moments.
const (
	maxStrangers = 256
	maxRush      = 4 * maxStrangers // of which some came a moment ago
	moment       = time.Second
)

// strangers bounds the connections of those without a password, so that they cannot use up the memory. When one too
// many comes, the one that has been waiting longest is closed, unless it came a moment ago: a person's connection waits a few milliseconds until
// its request has come, and does not count while that is served, nor after it got in.
type strangers struct {
	mu      sync.Mutex
	waiting list.List // of *visitor, the oldest first
	open    map[net.Conn]*visitor
}

// visitor is one connection.
type visitor struct {
	conn  net.Conn
	among *strangers
	place *list.Element // in strangers.waiting; nil: is being served, or known
	since time.Time     // when it got that place
	known atomic.Bool   // a request on it got in

	serving int // requests under way: of HTTP/2, several at once
}

type visitorKey struct{}

// guard lets s watch over the connections of srv, whose handler it wraps.
func (s *strangers) guard(srv *http.Server) {
	s.open = map[net.Conn]*visitor{}
	next := srv.Handler
	srv.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, visitorKey{}, s.arrive(conn))
	}
	srv.ConnState = func(conn net.Conn, state http.ConnState) {
		if state == http.StateClosed || state == http.StateHijacked {
			s.leave(conn)
		}
	}
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v, ok := r.Context().Value(visitorKey{}).(*visitor); ok && !v.known.Load() {
			s.serve(v)
			defer s.await(v)
		}
		next.ServeHTTP(w, r)
	})
}

// welcome notes that a request got in.
func welcome(ctx context.Context) {
	if v, ok := ctx.Value(visitorKey{}).(*visitor); ok && !v.known.Load() {
		v.known.Store(true)
	}
}

// waiting counts the connection of a request, which is being served, among those that wait again, until the function that it
// returns is called: as long as the request's body is to come.
func waiting(ctx context.Context) func() {
	v, ok := ctx.Value(visitorKey{}).(*visitor)
	if !ok {
		return func() {}
	}
	v.among.await(v)
	return func() { v.among.serve(v) }
}

// arrive returns the visitor of a connection, which may have come before: the short way in gives it to net/http.
func (s *strangers) arrive(conn net.Conn) *visitor {
	s.mu.Lock()
	v := s.open[conn]
	if v != nil {
		s.mu.Unlock()
		return v
	}
	v = &visitor{conn: conn, among: s}
	s.open[conn] = v
	s.mu.Unlock()
	s.await(v)
	return v
}

// await puts v at the end of those who wait, and sends one away when they are too many.
func (s *strangers) await(v *visitor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.serving = max(v.serving-1, 0)
	if v.serving > 0 || v.known.Load() || s.open[v.conn] != v || v.place != nil {
		return
	}
	v.place, v.since = s.waiting.PushBack(v), time.Now()
	for n := s.waiting.Len(); n > maxStrangers; n-- {
		oldest, _ := s.waiting.Front().Value.(*visitor)
		if n <= maxRush && time.Since(oldest.since) < moment {
			return
		}
		s.remove(oldest)
		_ = oldest.conn.Close() // leave follows
	}
}

func (s *strangers) serve(v *visitor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.serving++
	s.remove(v)
}

func (s *strangers) leave(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.open[conn]; v != nil {
		s.remove(v)
		delete(s.open, conn)
	}
}

// remove takes v from those who wait. The lock is held.
func (s *strangers) remove(v *visitor) {
	if v.place != nil {
		s.waiting.Remove(v.place)
		v.place = nil
	}
}
