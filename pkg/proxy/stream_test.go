package proxy

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

func TestWebSocket(t *testing.T) {
	up := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			kind, msg, err := c.Read(context.Background())
			if err != nil || c.Write(context.Background(), kind, append([]byte(r.Header.Get("X-Forwarded-User")+": "), msg...)) != nil {
				return
			}
		}
	})
	g := startGate(t, up, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, res, err := websocket.Dial(ctx, g.url, nil); err == nil || res.StatusCode != http.StatusUnauthorized {
		t.Fatalf("without a password: %v, %v", res, err)
	}
	c, _, err := websocket.Dial(ctx, g.url, &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {basicAuth}}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	for i := range 3 {
		want := fmt.Sprint("hello ", i)
		if err := c.Write(ctx, websocket.MessageText, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(ctx); err != nil || string(got) != testUser+": "+want {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	g.stop() // an open WebSocket does not hold up the end, and is closed by it
	if _, _, err := c.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("the WebSocket outlived the gate: %v", err)
	}
	if err := <-g.ended; err != nil {
		t.Error(err)
	}
	if !strings.Contains(g.logs.String(), `"status":101`) {
		t.Errorf("no log line of the WebSocket in %s", g.logs)
	}
}

// Each event arrives when it is sent, not when a buffer is full.
func TestServerSentEvents(t *testing.T) {
	next := make(chan string)
	up := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		for e := range next {
			fmt.Fprintf(w, "data: %s\n\n", e)
			w.(http.Flusher).Flush()
		}
	})
	g := startGate(t, up, nil)
	res, err := http.DefaultTransport.RoundTrip(request(t, "GET", g.url+"/events", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for _, e := range []string{"one", "two", "three"} {
		next <- e
		got, err := lines.ReadString('\n')
		if err != nil || got != "data: "+e+"\n" {
			t.Fatalf("got %q, %v", got, err)
		}
		_, _ = lines.ReadString('\n')
	}
	close(next)
}

func TestTrailersBothWays(t *testing.T) {
	trailers := make(chan http.Header, 1)
	up := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.Copy(w, r.Body)
		trailers <- r.Trailer
		w.Header().Set("X-Sum", "abc")
		w.Header().Set(http.TrailerPrefix+"X-Late", "def")
	})
	g := startGate(t, up, nil)
	r := request(t, "POST", g.url+"/", struct{ io.Reader }{strings.NewReader("body")})
	r.Trailer = http.Header{"X-Count": {"4"}, "X-Forwarded-User": {"mallory"}, "X_remote_user": {"mallory"}}
	res, body := send(t, r)
	if body != "body" || res.Trailer.Get("X-Sum") != "abc" || res.Trailer.Get("X-Late") != "def" {
		t.Errorf("client got %q with trailers %v", body, res.Trailer)
	}
	got := <-trailers
	if got.Get("X-Count") != "4" || len(got) != 1 {
		t.Errorf("upstream got trailers %v, want X-Count alone", got)
	}
}

func TestExpectContinue(t *testing.T) {
	up := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		_, _ = io.Copy(w, r.Body)
	})
	g := startGate(t, up, nil)
	for _, tt := range []struct {
		name, path, headers string
		continued           bool
		status              int
	}{
		{"right password", "/", "Authorization: " + basicAuth + "\r\n", true, 200},
		{"upstream refuses", "/refuse", "Authorization: " + basicAuth + "\r\n", false, 413},
		{"no password", "/", "", false, 401},
		{"wrong password", "/", "Authorization: Basic eDp5\r\n", false, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", g.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: app\r\n%sContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", tt.path, tt.headers)
			in := bufio.NewReader(conn)
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if (res.StatusCode == http.StatusContinue) != tt.continued {
				t.Fatalf("first answer is %s", res.Status)
			}
			if tt.continued {
				fmt.Fprint(conn, "hello")
				if res, err = http.ReadResponse(in, nil); err != nil {
					t.Fatal(err)
				}
			}
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != tt.status || tt.status == 200 && string(body) != "hello" {
				t.Errorf("got %s %q, want %d", res.Status, body, tt.status)
			}
			if !tt.continued {
				if _, err := in.ReadByte(); err != io.EOF {
					t.Errorf("the connection stays open with the body unread: %v", err)
				}
			}
		})
	}
}

func TestHeadAndEarlyHints(t *testing.T) {
	up := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Content-Length", "1234")
	})
	g := startGate(t, up, nil)
	res, body := send(t, request(t, "HEAD", g.url+"/", nil))
	if res.ContentLength != 1234 || body != "" || res.StatusCode != 200 {
		t.Errorf("got %s, length %d, body %q", res.Status, res.ContentLength, body)
	}
	raw := sendRaw(t, g, "HEAD / HTTP/1.1\r\nHost: app\r\nAuthorization: "+basicAuth+"\r\n\r\n")
	if raw == nil || raw.StatusCode != http.StatusEarlyHints || raw.Header.Get("Link") == "" {
		t.Errorf("first answer is %v, want the early hints", raw)
	}
}

// Fifty megabytes each way at once, of known and unknown length, byte for byte.
func TestLargeBodies(t *testing.T) {
	up := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 0 {
			w.Header().Set("Content-Length", fmt.Sprint(r.ContentLength))
		}
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.Copy(w, r.Body)
	})
	g := startGate(t, up, nil)
	const size = 50 << 20
	for _, known := range []bool{true, false} {
		sent, got := sha256.New(), sha256.New()
		src := io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{1}), size), sent)
		r := request(t, "POST", g.url+"/", struct{ io.Reader }{src})
		if known {
			r.ContentLength = size
		}
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(got, res.Body)
		res.Body.Close()
		if err != nil || n != size || string(got.Sum(nil)) != string(sent.Sum(nil)) {
			t.Errorf("known length %t: got %d bytes, %v", known, n, err)
		}
	}
}

func TestClientDisconnectCancelsUpstream(t *testing.T) {
	began, cancelled := make(chan bool), make(chan bool)
	up := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		began <- true
		<-r.Context().Done()
		close(cancelled)
	})
	g := startGate(t, up, nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-began
		cancel()
	}()
	if _, err := http.DefaultTransport.RoundTrip(request(t, "GET", g.url+"/", nil).WithContext(ctx)); err == nil {
		t.Fatal("no error")
	}
	select {
	case <-cancelled:
	case <-time.After(10 * time.Second):
		t.Fatal("the upstream still works for a client that went away")
	}
	waitFor(t, "the log line", func() bool { return strings.Contains(g.logs.String(), "client went away") })
}

func TestUpstreamFailures(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + ln.Addr().String()
	ln.Close()
	g := startGate(t, closed, nil)
	for accept, kind := range map[string]string{"text/html,*/*": "text/html", "*/*": "text/plain"} {
		res, body := send(t, request(t, "GET", g.url+"/?token=secret", nil, "Accept: "+accept))
		if res.StatusCode != http.StatusBadGateway || !strings.HasPrefix(res.Header.Get("Content-Type"), kind) || body == "" {
			t.Errorf("upstream down: got %s, %s", res.Status, res.Header.Get("Content-Type"))
		}
	}
	waitFor(t, "the log line", func() bool { return strings.Contains(g.logs.String(), `"outcome":"upstream_error"`) })
	if strings.Contains(g.logs.String(), "secret") {
		t.Error("the query is in the log")
	}

	for _, framing := range []string{"Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"} {
		broken := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
			conn, buf, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			fmt.Fprintf(buf, "HTTP/1.1 200 OK\r\n%s\r\n5\r\nhello\r\n", framing)
			buf.Flush()
			conn.Close()
		})
		g := startGate(t, broken, func(c *gateconf.Config) { c.LogFormat = "text" })
		res, err := http.DefaultTransport.RoundTrip(request(t, "GET", g.url+"/", nil))
		if err != nil { // cut before the headers were flushed: no silent end either
			continue
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err == nil {
			t.Errorf("%q: half a body looks whole: %q", framing, body)
		}
		waitFor(t, "the log line", func() bool { return strings.Contains(g.logs.String(), "upstream broke off") })
	}
}
