package lean

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What is sent is byte for byte what http.Transport sends, also where lean leaves it to one.
func TestRequestOnTheWire(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"plain":                  func(*http.Request) {},
		"HEAD":                   func(r *http.Request) { r.Method = http.MethodHead },
		"host":                   func(r *http.Request) { r.Host = "example.org:8080" },
		"IPv6":                   func(r *http.Request) { r.Host = "[::1]:80" },
		"zone":                   func(r *http.Request) { r.Host = "[fe80::1%25eth0]:80" },
		"IDN":                    func(r *http.Request) { r.Host = "bücher.example" },
		"host with a slash":      func(r *http.Request) { r.Host = "a/b" },
		"host with a line":       func(r *http.Request) { r.Host = "a\r\nX: y" },
		"no host":                func(r *http.Request) { r.URL.Host, r.Host = "", "" },
		"path and query":         func(r *http.Request) { r.URL.Path, r.URL.RawQuery = "/a b/%/ü", "x=y;z&&%zz" },
		"raw path":               func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/a/b", "/a%2Fb" },
		"opaque":                 func(r *http.Request) { r.URL.Opaque = "//other/x" },
		"query with a blank":     func(r *http.Request) { r.URL.RawQuery = "a b" },
		"query with a line":      func(r *http.Request) { r.URL.RawQuery = "a HTTP/1.1\r\nX: y" },
		"agent":                  func(r *http.Request) { r.Header["User-Agent"] = []string{" curl/8 ", "other"} },
		"no agent":               func(r *http.Request) { r.Header["User-Agent"] = nil },
		"empty agent":            func(r *http.Request) { r.Header["User-Agent"] = []string{""} },
		"agent with a line":      func(r *http.Request) { r.Header["User-Agent"] = []string{"a\r\nX: y"} },
		"values":                 func(r *http.Request) { r.Header["X"] = []string{"a", " b\t", "", "ü\xff"} },
		"value with a line":      func(r *http.Request) { r.Header["X"] = []string{"a\r\nY: z"} },
		"value with NUL":         func(r *http.Request) { r.Header["X-Forwarded-User"] = []string{"a\x00b"} },
		"name with a blank":      func(r *http.Request) { r.Header["X y"] = []string{"a"} },
		"name with a colon":      func(r *http.Request) { r.Header["X: y\r\nZ"] = []string{"a"} },
		"no name":                func(r *http.Request) { r.Header[""] = []string{"a"} },
		"odd spelling":           func(r *http.Request) { r.Header["x-y"] = []string{"a"} },
		"framing of its own":     func(r *http.Request) { r.Header["Content-Length"] = []string{"3"} },
		"chunked of its own":     func(r *http.Request) { r.Header["Transfer-Encoding"] = []string{"chunked"} },
		"another Host":           func(r *http.Request) { r.Header["Host"] = []string{"evil"} },
		"Trailer":                func(r *http.Request) { r.Header["Trailer"] = []string{"X"} },
		"Te":                     func(r *http.Request) { r.Header["Te"] = []string{"trailers"} },
		"Connection":             func(r *http.Request) { r.Header["Connection"] = []string{"close"} },
		"Upgrade":                func(r *http.Request) { r.Header["Upgrade"] = []string{"websocket"} },
		"Expect":                 func(r *http.Request) { r.Header["Expect"] = []string{"100-continue"} },
		"close":                  func(r *http.Request) { r.Close = true },
		"long":                   func(r *http.Request) { r.Header["Cookie"] = []string{strings.Repeat("x", 100<<10)} },
		"long path":              func(r *http.Request) { r.URL.Path = "/" + strings.Repeat("x", 100<<10) },
		"POST":                   func(r *http.Request) { r.Method = http.MethodPost },
		"no URL":                 func(r *http.Request) { r.URL = nil },
		"no header":              func(r *http.Request) { r.Header = nil },
		"a body, which is empty": func(r *http.Request) { r.Body = http.NoBody },
	} {
		t.Run(name, func(t *testing.T) {
			said := make(chan string, 1)
			u := newUpstream(t, func(p *peer) {
				var sent bytes.Buffer
				p.br.Reset(io.TeeReader(p.halfConn, &sent))
				if _, ok := p.request(); ok || sent.Len() > 0 {
					said <- sent.String()
					p.say("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
				}
				p.gone()
			})
			m := u.model()
			defer m.CloseIdleConnections()
			l := u.lean()
			l.Rest = m
			var sent [2]string
			for i, rt := range []http.RoundTripper{m, l} {
				r := request(t, http.MethodGet)
				change(r)
				if res, err := rt.RoundTrip(r); err == nil {
					_ = res.Body.Close()
					sent[i] = <-said
				}
			}
			if diff := cmp.Diff(sent[0], sent[1]); diff != "" {
				t.Errorf("(-http.Transport +lean)\n%s", diff)
			}
		})
	}
}

// A connection is used again exactly when the whole answer was read, nothing followed, and the upstream keeps it.
func TestConnectionIsUsedAgain(t *testing.T) {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
	read := func(res *http.Response) { _, _ = io.ReadAll(res.Body) }
	readAndClose := func(res *http.Response) { read(res); _ = res.Body.Close(); _ = res.Body.Close() }
	closeOnly := func(res *http.Response) { _ = res.Body.Close(); _ = res.Body.Close() }
	for name, tt := range map[string]struct {
		said   string
		method string
		use    func(*http.Response)
		again  bool
	}{
		"read":                    {ok, "GET", readAndClose, true},
		"read, not closed":        {ok, "GET", read, true},
		"not read":                {ok, "GET", closeOnly, false},
		"half read":               {ok, "GET", func(res *http.Response) { _, _ = res.Body.Read(make([]byte, 1)); closeOnly(res) }, false},
		"chunked":                 {chunked, "GET", readAndClose, true},
		"chunked, half read":      {chunked, "GET", func(res *http.Response) { _, _ = res.Body.Read(make([]byte, 1)); closeOnly(res) }, false},
		"HEAD":                    {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD", closeOnly, true},
		"HEAD with a body":        {ok, "HEAD", closeOnly, false},
		"204":                     {"HTTP/1.1 204 No Content\r\n\r\n", "GET", closeOnly, true},
		"304 with a body":         {"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok", "GET", readAndClose, false},
		"informational":           {"HTTP/1.1 103 Early Hints\r\n\r\n" + ok, "GET", readAndClose, true},
		"second answer":           {ok + ok, "GET", readAndClose, false},
		"Connection: close":       {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "GET", readAndClose, false},
		"HTTP/1.0":                {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "GET", readAndClose, false},
		"HTTP/1.0, keep-alive":    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", "GET", readAndClose, true},
		"status below 100":        {"HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok", "GET", readAndClose, false},
		"malformed trailer":       {"HTTP/1.1 200 OK\r\nTrailer: A\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA\r\n\r\n", "GET", readAndClose, false},
		"malformed chunk":         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n", "GET", readAndClose, false},
		"empty body, not touched": {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET", func(*http.Response) {}, true},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t, func(p *peer) {
				for {
					if _, ok := p.request(); !ok {
						return
					}
					p.say(tt.said)
				}
			})
			l := u.lean()
			for range 3 {
				res, err := l.RoundTrip(request(t, tt.method))
				if err != nil {
					t.Fatal(err)
				}
				tt.use(res)
			}
			if got, want := u.dialled(), map[bool]int{true: 1, false: 3}[tt.again]; got != want {
				t.Errorf("%d connections for 3 requests, want %d", got, want)
			}
			if got, want := l.idling(), map[bool]int{true: 1, false: 0}[tt.again]; got != want {
				t.Errorf("%d connections are idle, want %d", got, want)
			}
			if !tt.again {
				u.allGone()
			}
		})
	}
}

func TestReadAfterTheEnd(t *testing.T) {
	u := newUpstream(t, func(p *peer) {
		for _, ok2 := p.request(); ok2; _, ok2 = p.request() {
			p.say(ok)
		}
	})
	l := u.lean()
	res, err := l.RoundTrip(request(t, http.MethodGet))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	// The connection is another request's now, whose answer waits to be read.
	other, err := l.RoundTrip(request(t, http.MethodGet))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := res.Body.Read(make([]byte, 9)); n != 0 || err != io.EOF {
		t.Errorf("Read at the end: %d, %v", n, err)
	}
	_ = res.Body.Close()
	if n, err := res.Body.Read(make([]byte, 9)); n != 0 || err == nil || err == io.EOF {
		t.Errorf("Read after Close: %d, %v", n, err)
	}
	if got, err := io.ReadAll(other.Body); string(got) != "ok" || err != nil {
		t.Errorf("the next answer: %q, %v", got, err)
	}
}

// An upstream that answers and closes without reading must not be waited for with a request that does not fit into the
// socket: what is long goes the long way.
func TestLongRequestIsLeftToTheRest(t *testing.T) {
	answered := make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		_, _ = p.br.ReadByte()
		p.say("HTTP/1.1 431 Too Long\r\nContent-Length: 0\r\n\r\n")
		<-answered
	})
	m := u.model()
	defer m.CloseIdleConnections()
	l := u.lean()
	l.Rest = m
	r := request(t, http.MethodGet)
	r.Header.Set("Cookie", strings.Repeat("x", 8<<20))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got := ask(l, r.WithContext(ctx)).Status
	close(answered)
	if got != "431 Too Long" {
		t.Errorf("got %q", got)
	}
}

// open returns a connection that has one to nowhere in particular behind it.
func open(t *testing.T, l *Transport, ln net.Listener) *conn {
	t.Helper()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return newConn(nc, l)
}

func closed(c *conn) bool { return c.SetDeadline(time.Time{}) != nil }

func TestIdleConnectionsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		l := &Transport{MaxIdle: 3, IdleTimeout: 4 * time.Second}
		var cs []*conn
		for range 4 {
			cs = append(cs, open(t, l, ln))
			l.give(cs[len(cs)-1])
			time.Sleep(time.Second)
		}
		state := func() (open []bool) {
			synctest.Wait()
			for _, c := range cs {
				open = append(open, !closed(c))
			}
			return open
		}
		for _, want := range [][]bool{{false, true, true, false}, {false, false, true, false}, {false, false, false, false}} { // the fourth was one too many
			if diff := cmp.Diff(want, state()); diff != "" {
				t.Fatalf("open: (-want +got)\n%s", diff)
			}
			time.Sleep(time.Second)
		}
		// After a pause the timer starts anew, also after all were taken away.
		cs = []*conn{open(t, l, ln), open(t, l, ln)}
		l.give(cs[0])
		time.Sleep(2 * time.Second)
		if got := l.take(); got != cs[0] {
			t.Fatalf("took %p", got)
		}
		l.give(cs[1])
		l.give(cs[0])
		time.Sleep(3 * time.Second)
		if diff := cmp.Diff([]bool{true, true}, state()); diff != "" {
			t.Fatalf("open: (-want +got)\n%s", diff)
		}
		time.Sleep(time.Second)
		if diff := cmp.Diff([]bool{false, false}, state()); diff != "" {
			t.Fatalf("open: (-want +got)\n%s", diff)
		}
		if l.idling() != 0 || l.sweep.Stop() {
			t.Error("a timer runs though nothing is idle")
		}
		// Nor does anybody get an old one when the timer is late.
		cs = []*conn{open(t, l, ln)}
		l.give(cs[0])
		l.sweep.Stop()
		time.Sleep(4 * time.Second)
		if l.take() != nil || !closed(cs[0]) {
			t.Error("an old connection is used again")
		}
	})
}

// A caller that takes away the Transport's context before it asks gets no answer and dials nobody.
func TestNothingIsDialledForOneWhoLeft(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	u := newUpstream(t, func(*peer) {})
	if _, err := u.lean().RoundTrip(request(t, http.MethodGet).WithContext(ctx)); err != context.Canceled || u.dialled() != 0 { //nolint:errorlint // as http.Transport
		t.Errorf("%v after %d dials", err, u.dialled())
	}
}
