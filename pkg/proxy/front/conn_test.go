package front

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// dial returns a connection that gives up after ten seconds.
func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}

func write(t testing.TB, conn net.Conn, raw string) {
	t.Helper()
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
}

// expect reads until what came ends with want.
func expect(t testing.TB, conn net.Conn, want string) {
	t.Helper()
	var got []byte
	for b := make([]byte, 1); !strings.HasSuffix(string(got), want); {
		n, err := conn.Read(b)
		if err != nil {
			t.Fatalf("waiting for %q: %q, %v", want, got, err)
		}
		got = append(got, b[:n]...)
	}
}

// expectEnd reads to the end of a connection, of which nothing more may come.
func expectEnd(t testing.TB, conn net.Conn) {
	t.Helper()
	if got, err := io.ReadAll(conn); err != nil || len(got) > 0 {
		t.Errorf("%q, %v, want the end", got, err)
	}
}

// A life is what a server is told of one connection.
type life struct {
	mu     sync.Mutex
	came   map[net.Conn]int
	states map[net.Conn][]http.ConnState
}

func (l *life) watch(srv *http.Server) {
	l.came, l.states = map[net.Conn]int{}, map[net.Conn][]http.ConnState{}
	srv.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.came[conn]++
		return ctx
	}
	srv.ConnState = func(conn net.Conn, state http.ConnState) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.states[conn] = append(l.states[conn], state)
	}
}

// ended returns how many connections came, and how many of them ended.
func (l *life) ended() (came, ended int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for conn := range l.came {
		for _, s := range l.states[conn] {
			if s == http.StateClosed {
				ended++
			}
		}
	}
	return len(l.came), ended
}

func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// who says which of the two served a request.
func who(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	served := "net/http"
	if _, ok := w.(*response); ok {
		served = "front"
	}
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprintf(w, "[%s %s by %s]", r.Method, body, served)
}

// A connection goes to net/http with the first request that is not plain, whole, and stays.
func TestHandOver(t *testing.T) {
	var l life
	address, _ := serve(t, true, http.HandlerFunc(who), l.watch)
	post := "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
	for name, pieces := range map[string][]string{
		"all at once":         {get + get + post + get},
		"one after the other": {get, get, post, get},
		"in the middle":       {get[:5], get[5:] + get[:20], get[20:] + post[:30], post[30:], get},
		"byte by byte":        strings.Split(get+get+post+get, ""),
	} {
		conn := dial(t, address)
		go func() {
			for _, p := range pieces {
				_, _ = io.WriteString(conn, p)
			}
		}()
		for _, want := range []string{"[GET  by front]", "[GET  by front]", "[POST abc by net/http]", "[GET  by net/http]"} {
			expect(t, conn, want)
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Error(name, err)
		}
		expectEnd(t, conn)
	}
	waitFor(t, "the ends", func() bool { came, ended := l.ended(); return came == 4 && ended == 4 })
}

// What comes before a request is whole, and does not go on, is told as net/http does it, or just cut.
func TestHalfARequest(t *testing.T) {
	var l life
	address, _ := serve(t, true, http.HandlerFunc(who), l.watch)
	for raw, want := range map[string]string{
		"": "", "GET / HT": "HTTP/1.1 400 Bad Request", "GET / HTTP/1.1\r\nHost: x\r\n": "HTTP/1.1 400 Bad Request", "GE\r\n\r\n": "HTTP/1.1 400 Bad Request",
		"GET / HTTP/1.1\nHost: x\n\n": "by net/http]", "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 2*maxHead) + "\r\n\r\n": "by net/http]",
	} {
		conn := dial(t, address)
		write(t, conn, raw)
		_ = conn.(*net.TCPConn).CloseWrite()
		if got, err := io.ReadAll(conn); err != nil || !strings.Contains(string(got), want) || (want == "") != (len(got) == 0) {
			t.Errorf("%.40q: %q, %v, want %q", raw, got, err, want)
		}
	}
	waitFor(t, "the ends", func() bool { came, ended := l.ended(); return came == 6 && ended == 6 })
}

// The time for a head is counted from its first byte, and for the first head from the connection's beginning, however many
// bytes come.
func TestTimeouts(t *testing.T) {
	const wait = 300 * time.Millisecond
	address, _ := serve(t, true, http.HandlerFunc(who), func(srv *http.Server) {
		srv.ReadHeaderTimeout, srv.IdleTimeout = wait, 2*wait
	})
	for name, tt := range map[string]struct {
		before string // is answered
		slowly bool   // then comes a head, byte by byte
		want   time.Duration
	}{
		"nothing comes":    {"", false, wait},
		"a slow head":      {"", true, wait},
		"nothing more":     {get, false, 2 * wait},
		"a slow next head": {get, true, wait},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, address)
			if tt.before != "" {
				write(t, conn, tt.before)
				expect(t, conn, "]")
			}
			start := time.Now()
			if tt.slowly {
				go func() {
					tick := time.NewTicker(wait / 10)
					defer tick.Stop()
					write, err := io.WriteString(conn, "GET / HTTP/1.1\r\nX: ")
					for ; err == nil; <-tick.C {
						write, err = io.WriteString(conn, "x")
					}
					_ = write
				}()
			}
			_, _ = io.ReadAll(conn) // a reset is an end too: some bytes were not read
			if took := time.Since(start); took < tt.want*3/4 || took > tt.want+5*time.Second {
				t.Errorf("closed after %s, want %s", took, tt.want)
			}
		})
	}
}

// At the end, connections without a request are closed and the others end with their answers.
func TestClose(t *testing.T) {
	var l life
	begun, goOn := make(chan struct{}), make(chan struct{})
	address, listener := serve(t, true, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(begun)
			<-goOn
		}
		who(w, r)
	}), l.watch)
	idle, fresh, busy := dial(t, address), dial(t, address), dial(t, address)
	write(t, idle, get)
	expect(t, idle, "]")
	write(t, busy, strings.Replace(get, "/ ", "/slow ", 1)+get)
	<-begun
	waitFor(t, "the third", func() bool { came, _ := l.ended(); return came == 3 })
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_ = listener.Close() // once more does no harm
	expectEnd(t, idle)
	expectEnd(t, fresh)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := listener.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waited with a request under way: %v", err)
	}
	close(goOn)
	expect(t, busy, "[GET  by front]")
	expectEnd(t, busy)
	if err := listener.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if came, ended := l.ended(); ended != came {
		t.Errorf("%d of %d connections ended", ended, came)
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		expectEnd(t, conn)
	}
}

// Cut ends what does not end by itself.
func TestCut(t *testing.T) {
	begun := make(chan context.Context, 1)
	address, listener := serve(t, true, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		begun <- r.Context()
		<-r.Context().Done()
	}), nil)
	conn := dial(t, address)
	write(t, conn, get)
	ctx := <-begun
	listener.Cut()
	<-ctx.Done()
	_, _ = io.ReadAll(conn)
	_ = listener.Close()
	if err := listener.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}
