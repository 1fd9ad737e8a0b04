package proxy

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

const (
	authorized = "Host: app\r\nAuthorization: Basic YWxpY2U6b3BlbiBzZXNhbWU=\r\nConnection: close\r\n" // basicAuth
	smuggled   = "GET /smuggled HTTP/1.1\r\nHost: app\r\nX-Smuggled: 1\r\n\r\n"
)

var ambiguousRequests = []struct {
	name, raw string
	status    int    // 0: any 4xx or 5xx, or hung up
	reached   string // "METHOD target" at the upstream; empty: nothing
	body      string
}{
	{"plain", "GET /a?b=c;d=%zz HTTP/1.1\r\n" + authorized + "\r\n", 200, "GET /a?b=c;d=%zz", ""},
	{"escaped path as it came", "GET /a%2fb//c/../%41 HTTP/1.1\r\n" + authorized + "\r\n", 200, "GET /a%2fb//c/../%41", ""},
	{"CL.TE", "POST /a HTTP/1.1\r\n" + authorized + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 200, "POST /a", ""},
	{"TE.CL", "POST /a HTTP/1.1\r\n" + authorized + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + smuggled, 200, "POST /a", "abc"},
	{"TE.TE", "POST /a HTTP/1.1\r\n" + authorized + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled, 0, "", ""},
	{"TE list", "POST /a HTTP/1.1\r\n" + authorized + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + smuggled, 0, "", ""},
	{"TE disguised", "POST /a HTTP/1.1\r\n" + authorized + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled, 0, "", ""},
	{"TE with vertical tab", "POST /a HTTP/1.1\r\n" + authorized + "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n" + smuggled, 0, "", ""},
	{"two lengths", "POST /a HTTP/1.1\r\n" + authorized + "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", 0, "", ""},
	{"negative length", "POST /a HTTP/1.1\r\n" + authorized + "Content-Length: -3\r\n\r\nabc", 0, "", ""},
	{"signed length", "POST /a HTTP/1.1\r\n" + authorized + "Content-Length: +3\r\n\r\nabc", 0, "", ""},
	{"length list", "POST /a HTTP/1.1\r\n" + authorized + "Content-Length: 3, 3\r\n\r\nabc", 0, "", ""},
	{"blank before colon", "GET /a HTTP/1.1\r\n" + authorized + "X-Forwarded-User : mallory\r\n\r\n", 400, "", ""},
	{"folded line", "GET /a HTTP/1.1\r\n" + authorized + "X-A: b\r\n X-Forwarded-User: mallory\r\n\r\n", 200, "GET /a", ""},
	{"bare CR", "GET /a HTTP/1.1\r\n" + authorized + "X-A: b\rX-Forwarded-User: mallory\r\n\r\n", 0, "", ""},
	{"NUL", "GET /a HTTP/1.1\r\n" + authorized + "X-A: b\x00c\r\n\r\n", 0, "", ""},
	{"chunk extension", "POST /a HTTP/1.1\r\n" + authorized + "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n", 200, "POST /a", "abc"},
	{"two hosts", "GET /a HTTP/1.1\r\nHost: evil\r\n" + authorized + "\r\n", 400, "", ""},
	{"no host", "GET /a HTTP/1.1\r\nAuthorization: " + basicAuth + "\r\n\r\n", 400, "", ""},
	{"other scheme", "GET file:///etc/passwd HTTP/1.1\r\n" + authorized + "\r\n", 400, "", ""},
	{"opaque", "GET mailto:x HTTP/1.1\r\n" + authorized + "\r\n", 400, "", ""},
	{"CONNECT", "CONNECT app:443 HTTP/1.1\r\n" + authorized + "\r\n", 405, "", ""},
	{"CONNECT with a path", "CONNECT /a HTTP/1.1\r\n" + authorized + "\r\n", 405, "", ""},
	{"TRACE", "TRACE /a HTTP/1.1\r\n" + authorized + "\r\n", 405, "", ""},
	{"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" + authorized + "\r\n", 400, "", ""},
	{"OPTIONS path", "OPTIONS /a HTTP/1.1\r\n" + authorized + "\r\n", 200, "OPTIONS /a", ""},
	{"HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, "", ""},
	{"HTTP/0.9", "GET /a\r\n\r\n", 400, "", ""},
	{"two credentials", "GET /a HTTP/1.1\r\nAuthorization: Basic eDp5\r\n" + authorized + "\r\n", 401, "", ""},
	{"own pages", "GET /_kauth/x HTTP/1.1\r\n" + authorized + "\r\n", 404, "", ""},
	{"own pages escaped", "GET /%5fkauth/x HTTP/1.1\r\n" + authorized + "\r\n", 404, "", ""},
	{"headers too large", "GET /a HTTP/1.1\r\n" + authorized + "X-A: " + strings.Repeat("a", 80<<10) + "\r\n\r\n", 431, "", ""},
}

// Requests of which two readers might see different things: refused, or made unambiguous before the upstream sees
// them. Never does the upstream see a second request, or one without a password.
func TestAmbiguousRequests(t *testing.T) {
	rec := &recorder{}
	g := startGate(t, startUpstream(t, rec.ServeHTTP), nil)
	for _, tt := range ambiguousRequests {
		t.Run(tt.name, func(t *testing.T) {
			res := sendRaw(t, g, tt.raw)
			switch {
			case tt.status != 0 && (res == nil || res.StatusCode != tt.status):
				t.Errorf("got %v, want %d", res, tt.status)
			case tt.status == 0 && res != nil && res.StatusCode < 400:
				t.Errorf("got %s, want a refusal", res.Status)
			}
			requests, bodies := rec.take()
			if len(requests) > 1 || (len(requests) == 1) != (tt.reached != "") {
				t.Fatalf("%d requests reached the upstream", len(requests))
			}
			if len(requests) == 1 {
				if got := requests[0].Method + " " + requests[0].RequestURI; got != tt.reached || bodies[0] != tt.body {
					t.Errorf("upstream got %q %q, want %q %q", got, bodies[0], tt.reached, tt.body)
				}
				if u := requests[0].Header.Get("X-Forwarded-User"); u != testUser {
					t.Errorf("X-Forwarded-User is %q", u)
				}
			}
		})
	}
}

// The upstream has begun to read such a body when the gate finds out: the request is cut off on both sides.
func TestBrokenBodies(t *testing.T) {
	var begun, ended, whole atomic.Int64
	g := startGate(t, startUpstream(t, func(_ http.ResponseWriter, r *http.Request) {
		begun.Add(1)
		defer ended.Add(1)
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			whole.Add(1)
		}
	}), nil)
	for name, body := range map[string]string{
		"chunk ended by bare LF":  "3\nabc\r\n0\r\n\r\n",
		"chunk size of nonsense":  "zz\r\nabc\r\n0\r\n\r\n",
		"chunk longer than said":  "3\r\nabcdef\r\n0\r\n\r\n",
		"chunk size out of range": "ffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
	} {
		res := sendRaw(t, g, "POST /a HTTP/1.1\r\nHost: app\r\nAuthorization: "+basicAuth+"\r\nTransfer-Encoding: chunked\r\n\r\n"+body)
		if res == nil || res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got %v, want 400", name, res)
		}
		waitFor(t, "the upstream to end", func() bool { return ended.Load() == begun.Load() })
		if whole.Swap(0) > 0 {
			t.Errorf("%s: the upstream saw a whole body", name)
		}
	}
}

// Only the health path itself, letter by letter, and only GET and HEAD, are free.
func TestExemptPathIsExact(t *testing.T) {
	rec := &recorder{}
	g := startGate(t, startUpstream(t, rec.ServeHTTP), nil)
	for _, tt := range []struct {
		line   string
		status int
	}{
		{"GET /health", 200},
		{"HEAD /health", 200},
		{"GET /health?x=/../secret", 200},
		{"POST /health", 401},
		{"DELETE /health", 401},
		{"GET //health", 401},
		{"GET /health/", 401},
		{"GET /%68ealth", 401},
		{"GET /x/../health", 401},
		{"GET /health/../x", 401},
		{"GET /./health", 401},
		{"GET /health;x", 401},
		{"GET /health%00", 401},
		{"GET /Health", 401},
		{"GET /health%2f..%2fx", 401},
		{"GET /healthz", 401},
		{"GET /", 401},
	} {
		res := sendRaw(t, g, tt.line+" HTTP/1.1\r\nHost: app\r\nX-Original-Url: /health\r\nConnection: close\r\n\r\n")
		if res == nil || res.StatusCode != tt.status {
			t.Errorf("%s: got %v, want %d", tt.line, res, tt.status)
		}
		if got, _ := rec.take(); len(got) != 0 {
			t.Errorf("%s reached the upstream", tt.line)
		}
	}
}

// golang/go#80416: after an upgrade to h2c, requests would pass that no check sees.
func TestOnlyWebSocketUpgrades(t *testing.T) {
	rec := &recorder{}
	g := startGate(t, startUpstream(t, rec.ServeHTTP), nil)
	for _, tt := range []struct{ headers, want string }{
		{"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n", ""},
		{"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n", ""},
		{"Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n", ""},
		{"Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n", ""},
		{"Connection: Upgrade\r\nUpgrade: WebSocket\r\n", "WebSocket"},
		{"Connection: keep-alive\r\nUpgrade: websocket\r\n", ""},
	} {
		res := sendRaw(t, g, "GET / HTTP/1.1\r\nHost: app\r\nAuthorization: "+basicAuth+"\r\n"+tt.headers+"\r\n")
		if res == nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%q: got %v", tt.headers, res)
		}
		got, _ := rec.take()
		if u := got[0].Header.Get("Upgrade"); u != tt.want || got[0].Header.Get("Http2-Settings") != "" {
			t.Errorf("%q: the upstream got Upgrade %q, want %q", tt.headers, u, tt.want)
		}
	}
}
