package front

import (
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// failing is a listener that has no more files for a while.
type failing struct {
	net.Listener
	left atomic.Int32
}

func (f *failing) Accept() (net.Conn, error) {
	if f.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: tooManyError{}}
	}
	return f.Listener.Accept()
}

type tooManyError struct{}

func (tooManyError) Error() string   { return "too many open files" }
func (tooManyError) Timeout() bool   { return false }
func (tooManyError) Temporary() bool { return true }

// The server waits when there are no more files, and goes on.
func TestAcceptFails(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &failing{Listener: ln}
	f.left.Store(3)
	srv := &http.Server{Handler: http.HandlerFunc(who), ReadHeaderTimeout: time.Second}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(New(f, srv)) }()
	conn := dial(t, ln.Addr().String())
	write(t, conn, get)
	expect(t, conn, "[GET  by front]")
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	expectEnd(t, conn)
}
