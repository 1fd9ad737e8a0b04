package proxy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

const (
	testUser     = "alice"
	testPassword = "open sesame"
)

var basicAuth = "Basic " + base64.StdEncoding.EncodeToString([]byte(testUser+":"+testPassword))

// line returns an htpasswd line of the lowest cost.
func line(t testing.TB, user, password string) string {
	t.Helper()
	hash, err := htpasswd.Generate(password, htpasswd.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return user + ":" + hash.String() + "\n"
}

// runningGate is a gate in front of a real upstream, both on real sockets.
type runningGate struct {
	*Server
	url, admin string
	usersFile  string
	logs       *lockedBuffer
	stop       context.CancelFunc
	ended      chan error
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// startGate runs a gate with one user in front of upstream until the test ends.
func startGate(t testing.TB, upstream string, change func(*gateconf.Config)) *runningGate {
	t.Helper()
	return startGateWith(t, upstream, nil, change, nil)
}

// startGateWith is startGate with another log than runningGate.logs, and a change to what New made. All of them may be nil.
func startGateWith(t testing.TB, upstream string, log io.Writer, configure func(*gateconf.Config), change func(*Server)) *runningGate {
	t.Helper()
	dir := t.TempDir()
	cfg := gateconf.Defaults()
	cfg.Listen, cfg.AdminListen = "127.0.0.1:0", "127.0.0.1:00"
	cfg.Upstream = upstream
	cfg.UsersFile = filepath.Join(dir, "auth")
	cfg.ShutdownDelay, cfg.ShutdownTimeout = 0, 5*time.Second
	writeFile(t, cfg.UsersFile, line(t, testUser, testPassword))
	if configure != nil {
		configure(&cfg)
	}
	g := &runningGate{usersFile: cfg.UsersFile, logs: &lockedBuffer{}, ended: make(chan error, 1)}
	if log == nil {
		log = g.logs
	}
	s, err := New(cfg, Options{Log: log, Version: "v0.0.0-test"})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	g.Server, g.stop, g.url, g.admin = s, stop, "http://"+s.Addr(), "http://"+s.AdminAddr()
	go func() { g.ended <- s.Serve(ctx); close(g.ended) }()
	t.Cleanup(func() {
		stop()
		for range g.ended {
		}
	})
	waitFor(t, "the gate to serve", s.gate.serving.Load)
	return g
}

func startUpstream(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

func writeFile(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// waitFor polls until ok, for at most ten seconds.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// request makes an authorized request; headers are "Name: value", and "-Name" removes one.
func request(t testing.TB, method, url string, body io.Reader, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", basicAuth)
	for _, h := range headers {
		if name, ok := strings.CutPrefix(h, "-"); ok {
			r.Header.Del(name)
			continue
		}
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return r
}

// send returns the answer and its whole body.
func send(t testing.TB, r *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// sendRaw writes bytes as they are and reads one answer, or returns nil when the gate just hangs up.
func sendRaw(t testing.TB, g *runningGate, raw string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", g.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil
	}
	body, _ := io.ReadAll(res.Body)
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res
}

// recorder is an upstream that keeps what reached it.
type recorder struct {
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

func (rec *recorder) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.requests = append(rec.requests, r)
	rec.bodies = append(rec.bodies, string(body))
}

// take returns what reached the upstream since the last call.
func (rec *recorder) take() ([]*http.Request, []string) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	r, b := rec.requests, rec.bodies
	rec.requests, rec.bodies = nil, nil
	return r, b
}

// echo is an upstream that says again what it hears on a WebSocket.
func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // who may open one is the gate's business
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		kind, message, err := c.Read(context.Background())
		if err != nil || c.Write(context.Background(), kind, message) != nil {
			return
		}
	}
}
