package front

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// A request's context ends when its client leaves, however that looks.
func TestClientLeaves(t *testing.T) {
	begun := make(chan context.Context)
	address, _ := serve(t, true, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		begun <- r.Context()
		<-r.Context().Done()
	}), nil)
	for name, leave := range map[string]func(*net.TCPConn){
		"closes":        func(c *net.TCPConn) { c.Close() },
		"closes half":   func(c *net.TCPConn) { _ = c.CloseWrite() },
		"resets":        func(c *net.TCPConn) { _ = c.SetLinger(0); c.Close() },
		"comes by name": func(c *net.TCPConn) { _ = c.CloseRead(); c.Close() },
	} {
		conn := dial(t, address)
		write(t, conn, get)
		ctx := <-begun
		if ctx.Err() != nil {
			t.Errorf("%s: ended before", name)
		}
		leave(conn.(*net.TCPConn))
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second):
			t.Errorf("%s: not noticed", name)
		}
	}
}

// What the next request sends while an answer takes long is not lost, and does not end the context.
func TestNextComesEarly(t *testing.T) {
	var mu sync.Mutex
	goOn := make(chan struct{})
	address, _ := serve(t, true, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-goOn
		}
		mu.Lock()
		defer mu.Unlock()
		if r.Context().Err() != nil {
			t.Error("its context has ended")
		}
		who(w, r)
	}), nil)
	slow := strings.Replace(get, "/ ", "/slow ", 1)
	for name, next := range map[string]string{
		"whole":       get,
		"many":        strings.Repeat(get, 500), // more than could be kept
		"half":        get[:7],
		"not plain":   "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
		"half a head": "POST / HTTP/1.1\r\nHost: x\r\nContent-Le",
	} {
		conn := dial(t, address)
		write(t, conn, slow)
		// The watch reads: it has begun once the deadline is passed that it waits for, and takes what comes.
		timer := time.NewTimer(2 * grace)
		<-timer.C
		for i := 0; i < len(next); i += 1000 {
			write(t, conn, next[i:min(i+1000, len(next))])
		}
		goOn <- struct{}{}
		expect(t, conn, "[GET  by front]")
		switch name {
		case "half":
			write(t, conn, get[7:])
			expect(t, conn, "[GET  by front]")
		case "not plain":
			expect(t, conn, "[POST abc by net/http]")
		case "half a head":
			write(t, conn, "ngth: 3\r\n\r\nabc")
			expect(t, conn, "[POST abc by net/http]")
		default:
			for range strings.Count(next, "GET") {
				expect(t, conn, "[GET  by front]")
			}
		}
	}
}

// Answers that take about as long as the watch waits: nothing is mixed up, lost, or left behind.
func TestWatchInTime(t *testing.T) {
	before := runtime.NumGoroutine()
	address, l := serve(t, true, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		timer := time.NewTimer(grace - time.Millisecond + time.Duration(rand.IntN(2000))*time.Microsecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			t.Error("its context has ended")
		}
		say(w, "["+r.URL.Path[1:]+"]")
	}), func(srv *http.Server) { srv.IdleTimeout = time.Minute })
	var all sync.WaitGroup
	for client := range 20 {
		conn := dial(t, address)
		all.Go(func() {
			for i := range 40 {
				name := strings.Repeat("x", client+i+1)
				if _, err := io.WriteString(conn, "GET /"+name+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
					t.Error(err)
					return
				}
				expect(t, conn, "["+name+"]")
			}
			conn.Close()
		})
	}
	all.Wait()
	_ = l.Close()
	if err := l.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	waitFor(t, "the goroutines to end", func() bool { return runtime.NumGoroutine() <= before+1 }) // the server's own
}
