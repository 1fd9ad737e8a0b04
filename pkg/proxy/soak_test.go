package proxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// How long TestSoak goes on; `make soak` says five minutes.
const soakVariable = "KAUTH_SOAK"

// TestSoak does everything at once, for a while: users come and go, passwords are right, wrong and forgotten, the application
// restarts, clients leave in the middle. What it has cost is given back, nobody gets in as somebody else, and nothing panics;
// with -race, nothing is read while it is written.
func TestSoak(t *testing.T) {
	log.SetOutput(io.Discard) // http.Transport's words about answers nobody asked for
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	length := 4 * time.Second
	if said := os.Getenv(soakVariable); said != "" {
		var err error
		if length, err = time.ParseDuration(said); err != nil {
			t.Fatalf("%s: %v", soakVariable, err)
		}
	}
	s := newSoak(t)
	s.round(length / 4)
	goroutines, heap := s.rest()
	s.round(length * 3 / 4)
	waitFor(t, "goroutines to end", func() bool { now, _ := s.rest(); return now <= goroutines })
	after, heapAfter := s.rest()
	t.Logf("%d requests, %d allowed, %d sockets; goroutines %d, then %d; heap %d KiB, then %d KiB", s.requests.Load(), s.allowed.Load(), s.sockets.Load(), goroutines, after, heap>>10, heapAfter>>10)
	if heapAfter > heap+2<<20 {
		t.Errorf("the heap grew from %d to %d KiB", heap>>10, heapAfter>>10)
	}
	if n := s.strangersOpen(); n != 0 {
		t.Errorf("%d connections are not forgotten", n)
	}
	if s.allowed.Load() == 0 || s.sockets.Load() == 0 || s.requests.Load() == 0 {
		t.Error("too little happened for the test to say anything")
	}
}

type soak struct {
	*runningGate
	t        *testing.T
	upstream string // its address, the same after each restart
	texts    []string
	client   *http.Transport

	requests, allowed, sockets atomic.Int64
}

func newSoak(t *testing.T) *soak {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &soak{t: t, upstream: ln.Addr().String()}
	ln.Close()
	alice, bob := line(t, testUser, testPassword), line(t, "bob", "b")
	s.texts = []string{alice + bob, alice + bob, line(t, testUser, testPassword) + bob, alice, bob, alice + "bad line\n", ""}
	s.runningGate = startGateWith(t, "http://"+s.upstream, nil, nil, func(srv *Server) {
		srv.lines.out = &soakLog{t: t}
		writeFile(t, srv.cfg.UsersFile, s.texts[0])
		s.client = &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true}
	})
	t.Cleanup(s.client.CloseIdleConnections)
	return s
}

// soakLog is where nobody should read of a panic, nor of a password.
type soakLog struct{ t *testing.T }

func (l *soakLog) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("panic")) || bytes.Contains(p, []byte("wrong-")) || bytes.Contains(p, []byte("$2")) {
		l.t.Errorf("in the log: %s", p)
	}
	return len(p), nil
}

// round lets all loose for a time, and waits for the end of it.
func (s *soak) round(length time.Duration) {
	ctx, cancel := context.WithTimeout(s.t.Context(), length)
	defer cancel()
	var all sync.WaitGroup
	for _, act := range []struct {
		n     int
		every time.Duration
		do    func(context.Context)
	}{
		{1, 0, s.restart},
		{1, 300 * time.Millisecond, s.reload},
		{4, time.Millisecond, func(ctx context.Context) { s.ask(ctx, testUser, testPassword, "GET", "/", nil) }},
		{2, 5 * time.Millisecond, func(ctx context.Context) {
			s.ask(ctx, "bob", "b", "POST", "/", strings.NewReader(strings.Repeat("x", 100<<10)))
		}},
		{4, time.Millisecond, func(ctx context.Context) { s.ask(ctx, testUser, fmt.Sprint("wrong-", rand.Int()), "GET", "/", nil) }},
		{1, 5 * time.Millisecond, func(ctx context.Context) {
			s.ask(ctx, fmt.Sprint("wrong-", rand.Int()), "x", "POST", "/", strings.NewReader("body"))
		}},
		{2, 20 * time.Millisecond, s.leave},
		{2, 20 * time.Millisecond, s.stranger},
		{2, 20 * time.Millisecond, s.socket},
		{1, 50 * time.Millisecond, func(ctx context.Context) { s.ask(ctx, "", "", "GET", "/health", nil) }},
		{1, 100 * time.Millisecond, s.scrape},
	} {
		for range act.n {
			all.Go(func() {
				for ctx.Err() == nil {
					act.do(ctx)
					select {
					case <-ctx.Done():
					case <-time.After(act.every):
					}
				}
			})
		}
	}
	all.Wait()
	s.client.CloseIdleConnections()
}

// rest waits until nothing is under way, and returns how much there still is of what should not be.
func (s *soak) rest() (goroutines int, heap uint64) {
	s.t.Helper()
	waitFor(s.t, "the end of all requests and connections", func() bool {
		s.Server.upstream.transport.CloseIdleConnections()
		s.gate.forward.(*forwarder).short.CloseIdleConnections()
		return s.gate.underWay.Load() == 0 && s.strangersOpen() == 0
	})
	for range 3 { // pools are emptied by the second collection
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return runtime.NumGoroutine(), m.HeapAlloc
}

func (s *soak) strangersOpen() (n int) {
	for i := range s.strangers {
		s.strangers[i].mu.Lock()
		n += len(s.strangers[i].open)
		s.strangers[i].mu.Unlock()
	}
	return n
}

// restart runs the application for a while, and ends it in the middle of everything.
func (s *soak) restart(ctx context.Context) {
	ln, err := net.Listen("tcp", s.upstream)
	if err != nil {
		return // somebody took the port for a moment
	}
	up := &http.Server{Handler: http.HandlerFunc(s.serve)}
	go func() { _ = up.Serve(ln) }()
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(200+rand.IntN(1500)) * time.Millisecond):
	}
	up.Close()
}

func (s *soak) serve(w http.ResponseWriter, r *http.Request) {
	if user := r.Header.Get("X-Forwarded-User"); user == "" || user != r.Header.Get("X-Am") || r.Header["Authorization"] != nil {
		s.t.Errorf("%q gets in as %q with %q", r.Header.Get("X-Am"), user, r.Header["Authorization"])
	}
	if r.Header["Upgrade"] == nil {
		w.Header().Set("X-Am", r.Header.Get("X-Am"))
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, strings.Repeat("y", rand.IntN(10_000)))
		return
	}
	echo(w, r)
}

func (s *soak) reload(context.Context) {
	if text := s.texts[rand.IntN(len(s.texts))]; text != "" {
		writeFile(s.t, s.usersFile, text)
		return
	}
	_ = os.Remove(s.usersFile)
}

// ask makes one request, which may fail in any way but by an answer that it should not get.
func (s *soak) ask(ctx context.Context, user, password, method, path string, body io.Reader) {
	r, _ := http.NewRequestWithContext(ctx, method, s.url+path, body)
	r.Header.Set("X-Am", user)
	r.Header.Set("X-Forwarded-User", "mallory")
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	s.requests.Add(1)
	res, err := s.client.RoundTrip(r)
	if err != nil {
		return
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	switch res.StatusCode {
	case http.StatusOK:
		s.allowed.Add(1)
		if right := password == testPassword || password == "b"; path == "/" && (!right || res.Header.Get("X-Am") != user) {
			s.t.Errorf("%s of %q, who said %q: %s", method, user, password, res.Status)
		}
	case http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable:
	default:
		s.t.Errorf("%s of %q: %s", method, user, res.Status)
	}
}

// leave asks and goes away at any moment.
func (s *soak) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(5000))*time.Microsecond)
	defer cancel()
	s.ask(ctx, testUser, testPassword, "GET", "/", nil)
}

// stranger connects and says little.
func (s *soak) stranger(ctx context.Context) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Addr())
	if err != nil {
		return
	}
	defer conn.Close()
	whole := "POST / HTTP/1.1\r\n" + wireAuth + "X-Am: alice\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nzz"
	_, _ = io.WriteString(conn, whole[:rand.IntN(len(whole)+1)])
	_ = conn.SetReadDeadline(time.Now().Add(time.Duration(rand.IntN(50)) * time.Millisecond))
	_, _ = io.Copy(io.Discard, conn)
}

// socket opens a WebSocket and uses it, until it or its user goes away.
func (s *soak) socket(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	h := http.Header{"Authorization": {basicOf("bob", "b")}, "X-Am": {"bob"}}
	c, _, err := websocket.Dial(ctx, s.url, &websocket.DialOptions{HTTPHeader: h, HTTPClient: &http.Client{Transport: s.client}})
	if err != nil {
		return
	}
	defer c.CloseNow()
	s.sockets.Add(1)
	for i := range rand.IntN(20) {
		said := fmt.Sprint("hello ", i)
		if c.Write(ctx, websocket.MessageText, []byte(said)) != nil {
			return
		}
		_, heard, err := c.Read(ctx)
		if err != nil {
			return
		}
		if string(heard) != said {
			s.t.Errorf("said %q, heard %q", said, heard)
		}
	}
}

func (s *soak) scrape(ctx context.Context) {
	for _, path := range []string{"/metrics", "/readyz", "/livez", "/status"} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.admin+path, nil)
		if err != nil {
			s.t.Error(err)
			return
		}
		res, err := s.client.RoundTrip(r)
		if err != nil {
			if ctx.Err() == nil {
				s.t.Error(err)
			}
			return
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
}
