// Package front owns the short way in: requests over HTTP/1.1 without TLS and without a body, read, served and answered in
// the goroutine of their connection.
//
// net/http's server starts a goroutine for each request, to notice a client that leaves; copies the header of each answer and sorts
// it; and sets six deadlines on the way. That is a third of what a gate costs. What this package does not take for
// plain, letter by letter, it leaves to net/http: the connection goes there with every byte of that request, and stays. So
// whatever is odd is read by net/http alone, and framing has nothing to disagree about: a plain request has no body.
package front

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// A Listener serves plain requests itself, as its http.Server would, and returns the other connections from Accept, for
// that server to serve. The Server's Handler, BaseContext, ConnContext, IdleTimeout and ReadHeaderTimeout hold for both; ConnContext is called
// once more for a connection that changes over, and ConnState is told of the end of one that did not. A request's context
// ends with its connection, not with the request.
type Listener struct {
	net.Listener
	server *http.Server
	base   context.Context //nolint:containedctx // of the server, until it ends
	rest   chan net.Conn
	failed chan error
	once   sync.Once

	mu     sync.Mutex
	closed chan struct{}
	conns  map[*Conn]struct{} // that are served here
	gone   sync.WaitGroup
}

// New returns a listener for srv.Serve.
func New(l net.Listener, srv *http.Server) *Listener {
	return &Listener{Listener: l, server: srv, rest: make(chan net.Conn), failed: make(chan error), closed: make(chan struct{}), conns: map[*Conn]struct{}{}}
}

// Accept returns a connection that is not served here, or an error of the listener that all of them come from. After such
// an error it goes on only when it is called again.
func (l *Listener) Accept() (net.Conn, error) {
	l.once.Do(func() {
		l.base = context.Background()
		if l.server.BaseContext != nil {
			l.base = l.server.BaseContext(l)
		}
		go l.accept()
	})
	select {
	case conn := <-l.rest:
		return conn, nil
	case err := <-l.failed:
		return nil, err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *Listener) accept() {
	for {
		conn, err := l.Listener.Accept()
		if err == nil {
			l.start(conn)
			continue
		}
		select {
		case l.failed <- err:
		case <-l.closed:
			return
		}
	}
}

func (l *Listener) start(conn net.Conn) {
	c := newConn(conn, l)
	l.mu.Lock()
	select {
	case <-l.closed:
		l.mu.Unlock()
		_ = conn.Close() // nobody was told of it
		return
	default:
	}
	l.conns[c] = struct{}{}
	l.gone.Add(1)
	l.mu.Unlock()
	go c.serve()
}

// leave counts off a connection that is not served here any more.
func (l *Listener) leave(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	l.gone.Done()
}

// ending says whether Close was called.
func (l *Listener) ending() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

// Close takes no more connections and closes those on which no request is under way; the others end with that.
func (l *Listener) Close() error {
	err := l.Listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ending() {
		return err
	}
	close(l.closed)
	for c := range l.conns {
		if c.state.CompareAndSwap(idle, over) {
			_ = c.Close() // its goroutine notices
		}
	}
	return err
}

// Wait waits until all connections that are served here have ended, which they do after Close, or for ctx, whose error it returns.
func (l *Listener) Wait(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		l.gone.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Cut closes all connections that are served here.
func (l *Listener) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		_ = c.Close()
	}
}

// headerTimeout and idleTimeout are what net/http makes of the server's settings; zero: none.
func (l *Listener) headerTimeout() time.Duration {
	if l.server.ReadHeaderTimeout != 0 {
		return l.server.ReadHeaderTimeout
	}
	return l.server.ReadTimeout
}

func (l *Listener) idleTimeout() time.Duration {
	if l.server.IdleTimeout != 0 {
		return l.server.IdleTimeout
	}
	return l.server.ReadTimeout
}
