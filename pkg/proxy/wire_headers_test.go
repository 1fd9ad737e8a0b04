package proxy

import (
	"strings"
	"testing"
	"time"
)

// Lines that readers disagree about, and names that some application takes for the gate's word. Every identity is
// mallory's, and mine looks for it at the upstream.
func TestHeadersOnTheWire(t *testing.T) { runShapes(t, headerShapes()) }

func headerShapes() []shape {
	const (
		end  = "Connection: close\r\n\r\n"
		get  = "GET /a HTTP/1.1\r\n" + wireAuth
		once = "200"
	)
	a := []string{"GET /a"}
	return []shape{
		{"plain", get + end, once, a},
		{"blank in a name", get + "X Forwarded-User: mallory\r\n" + end, "400", nil},
		{"tab before the colon", get + "X-Forwarded-User\t: mallory\r\n" + end, "400", nil},
		{"blank before the name of the first", "GET /a HTTP/1.1\r\n X-Forwarded-User: mallory\r\n" + wireAuth + end, "400", nil},
		{"no name", get + ": mallory\r\n" + end, "400", nil},
		{"no colon", get + "X-Forwarded-User mallory\r\n" + end, "400", nil},
		{"a sign that is no token's", get + "X-Forwarded(User: mallory\r\n" + end, "400", nil},
		{"beyond ASCII", get + "X-Forwarded-\u016fser: mallory\r\n" + end, "400", nil},
		{"NUL in a name", get + "X-Forwarded-User\x00: mallory\r\n" + end, "400", nil},
		{"vertical tab in a name", get + "X-Forwarded-User\v: mallory\r\n" + end, "400", nil},
		{"CR in a name", get + "X: y\rX-Forwarded-User: mallory\r\n" + end, "400", nil},
		{"bare CR ends the line", get + "X: y\r\rX-Forwarded-User: mallory\r\n" + end, "400", nil},
		{"bare LF ends the line", get + "X: y\nX-Forwarded-User: mallory\n" + end, once, a},
		{"bare LF ends every line", strings.ReplaceAll(get+"X-Forwarded-User: mallory\r\n"+end, "\r\n", "\n"), once, a},
		{"bare LF ends the header", get + "X: y\n\n" + second, "200 401", a},
		{"CR CR LF", get + "X: y\r\r\nX-Forwarded-User: mallory\r\n" + end, "400", nil},
		{"folded forgery", get + "X-Forwarded-User:\r\n mallory\r\n" + end, once, a},
		{"folded by a tab", get + "X-Forwarded-User: alice\r\n\tmallory\r\n" + end, once, a},
		{"folded end", get + "X: y\r\n \r\nX-Forwarded-User: mallory\r\n" + end, once, a},
		{"folded credential", "GET /a HTTP/1.1\r\nHost: app\r\nAuthorization: Basic\r\n YWxpY2U6b3BlbiBzZXNhbWU=\r\n" + end, once, a},
		{"DEL in a value", get + "X: a\x7fb\r\n" + end, "400", nil},
		{"escape in a value", get + "X: a\x1bb\r\n" + end, "400", nil},
		{"Latin-1 in a value", get + "X: a\xe4b\r\n" + end, once, a},

		{"forged twice", get + "X-Forwarded-User: mallory\r\nx-forwarded-user: mallory, alice\r\n" + end, once, a},
		{"forged in capitals", get + "X-FORWARDED-USER: mallory\r\n" + end, once, a},
		{"forged with underscores", get + "X_FORWARDED_USER: mallory\r\nRemote_User: mallory\r\n" + end, once, a},
		{"forged with other signs", get + "X!Forwarded~User: mallory\r\nX.Remote'User: mallory\r\nX|Real*IP: mallory\r\n" + end, once, a},
		{"forged beyond 64 letters", get + "X-Auth-Request-" + strings.Repeat("x", 100) + ": mallory\r\n" + end, once, a},
		{"forged before the host", "GET /a HTTP/1.1\r\nX-Forwarded-User: mallory\r\n" + wireAuth + end, once, a},
		{"forged by a name in Connection", get + "Connection: X-Forwarded-User\r\nX-Forwarded-User: mallory\r\n" + end, once, a},

		{"Connection names ours", get + "Connection: X-Forwarded-User, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, close\r\n\r\n", once, a},
		{"Connection names ours in two lines", get + "Connection: keep-alive\r\nConnection: x-forwarded-user\r\n" + end, once, a},
		{"Connection names ours after close", get + "Connection: close, X-Forwarded-User\r\n\r\n", once, a},
		{"Connection names the credential", get + "Connection: Authorization, close\r\n\r\n", once, a},
		{"Connection names itself", get + "Connection: Connection, close\r\n\r\n", once, a},
		{"Connection of nothing", get + "Connection: \r\n" + end, once, a},
		{"Connection in capitals", get + "CONNECTION: CLOSE\r\n\r\n", once, a},
		{"Connection: keep-alive", get + "Connection: keep-alive\r\n\r\n" + second, "200 401", a},
		{"Connection names the client's", get + "Connection: X-Mine, close\r\nX-Mine: this hop only\r\n\r\n", once, a},
		{"Connection names the client's in a second line", get + "Connection: close\r\nConnection: x-mine\r\nX-Mine: this hop only\r\n\r\n", once, a},
		{"Proxy-Connection", get + "Proxy-Connection: this hop only\r\n" + end, once, a},
		{"Keep-Alive", get + "Keep-Alive: this hop only\r\n" + end, once, a},
		{"Proxy-Authenticate", get + "Proxy-Authenticate: this hop only\r\n" + end, once, a},
		{"Proxy-Authorization", get + "Proxy-Authorization: this hop only\r\n" + end, once, a},
		{"TE", get + "Te: this hop only\r\n" + end, once, a},
		{"Upgrade", get + "Upgrade: this hop only\r\n" + end, once, a},
		{"hop by hop without Connection", get + "Keep-Alive: timeout=5\r\nProxy-Connection: X-Forwarded-User\r\nProxy-Authorization: Basic eDp5\r\nTE: gzip\r\n" + end, once, a},
		{"a credential for a proxy is none", "GET /a HTTP/1.1\r\nHost: app\r\nProxy-Authorization: Basic YWxpY2U6b3BlbiBzZXNhbWU=\r\n" + end, "401", nil},
		{"a credential with an underscore is none", "GET /a HTTP/1.1\r\nHost: app\r\nX_Authorization: Basic YWxpY2U6b3BlbiBzZXNhbWU=\r\n" + end, "401", nil},
		{"two equal credentials", get + "authorization: Basic YWxpY2U6b3BlbiBzZXNhbWU=\r\n" + end, "401", nil},
		{"two credentials in one line", "GET /a HTTP/1.1\r\nHost: app\r\nAuthorization: Basic YWxpY2U6b3BlbiBzZXNhbWU=, Basic eDp5\r\n" + end, "401", nil},
		{"identity without a credential", "GET /a HTTP/1.1\r\nHost: app\r\nX-Forwarded-User: alice\r\nX-Kauth-User: alice\r\n" + end, "401", nil},
		{"a browser that is a probe", "GET /a HTTP/1.1\r\nHost: app\r\nUser-Agent: ELB-HealthChecker/2.0\r\nX-Original-URL: /health\r\nX-Forwarded-Uri: /health\r\n" + end, "401", nil},

		{"two equal hosts", "GET /a HTTP/1.1\r\nHost: app\r\n" + wireAuth + end, "400", nil},
		{"host with a path", strings.Replace(get, "app", "app/x", 1) + end, "400", nil},
		{"host with a user", strings.Replace(get, "app", "mallory@app", 1) + end, "400", nil},
		{"host with a blank", strings.Replace(get, "app", "app evil", 1) + end, "400", nil},
		{"host with NUL", strings.Replace(get, "app", "app\x00evil", 1) + end, "400", nil},
		{"host, blank before the colon", strings.Replace(get, "Host:", "Host :", 1) + end, "400", nil},
		{"hosts in a list", strings.Replace(get, "app", "app,evil", 1) + end, once, a},
		{"host of nothing", strings.Replace(get, "app", "", 1) + end, once, a},

		{"headers just small enough", get + strings.Repeat("X: y\r\n", 9000) + end, once, a},
		{"a flood of headers", get + strings.Repeat("X: y\r\n", 200_000) + end, "431", nil},
		{"a flood of headers, no password", "GET /a HTTP/1.1\r\nHost: app\r\n" + strings.Repeat("X: y\r\n", 200_000) + end, "431", nil},
		{"a header without end", get + "X: " + strings.Repeat("y", 10<<20), "431", nil},
		{"folds without end", get + "X: y" + strings.Repeat("\r\n y", 100_000) + "\r\n" + end, "431", nil},
		{"a target without end", "GET /" + strings.Repeat("a", 10<<20), "431", nil},
		{"Cookie longer than what goes the short way", get + "Cookie: " + strings.Repeat("c", 20<<10) + "\r\n" + end, once, a},
	}
}

// One connection, several requests: each is asked for its own password, whatever the one before it was.
func TestPipelinedOnTheWire(t *testing.T) { runShapes(t, pipelinedShapes()) }

func pipelinedShapes() []shape {
	const get = "GET /a HTTP/1.1\r\n" + wireAuth + "\r\n"
	again := []string{"GET /a", "GET /a"}
	return []shape{
		{"no password after one", get + second, "200 401", []string{"GET /a"}},
		{"two, and no password", get + get + second, "200 200 401", again},
		{"no password before one", "GET /b HTTP/1.1\r\nHost: app\r\n\r\n" + get + second, "401 200 401", []string{"GET /a"}},
		{"wrong password before one", "GET /b HTTP/1.1\r\nHost: app\r\nAuthorization: Basic !\r\n\r\n" + get + second, "401 200 401", []string{"GET /a"}},
		{"after a HEAD", "HEAD /a HTTP/1.1\r\n" + wireAuth + "Connection: close\r\n\r\n" + second, "200", []string{"HEAD /a"}},
		{"after a POST", "POST /a HTTP/1.1\r\n" + wireAuth + "Content-Length: 3\r\n\r\nabc" + second, "200 401", []string{"POST /a abc"}},
		{"after health", "GET /health HTTP/1.1\r\nHost: app\r\n\r\n" + second, "200 401", nil},
		{"after a refusal that has a body", "POST /a HTTP/1.1\r\nHost: app\r\nContent-Length: 3\r\n\r\nabc" + get, "401", nil},
		{"after a method that is refused", "TRACE /a HTTP/1.1\r\n" + wireAuth + "\r\n" + second, "405 401", nil},
		{"after an upgrade that was not made", "GET /a HTTP/1.1\r\n" + wireAuth + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + second, "200 401", []string{"GET /a"}},
		{"after h2c that was not made", "GET /a HTTP/1.1\r\n" + wireAuth + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "200 400", []string{"GET /a"}},
		{"after an empty line", get + "\r\n" + second, "200 400", []string{"GET /a"}},
		{"after HTTP/1.0", strings.Replace(get, "/1.1", "/1.0", 1) + second, "200", []string{"GET /a"}},
		{"after HTTP/1.0 that stays", "GET /a HTTP/1.0\r\n" + wireAuth + "Connection: keep-alive\r\n\r\n" + second, "200", []string{"GET /a"}},
		{"after a 100 that nobody waits for", "POST /a HTTP/1.1\r\n" + wireAuth + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc" + second, "100 200 401", []string{"POST /a abc"}},
		{"an expectation that is none", "GET /a HTTP/1.1\r\n" + wireAuth + "Expect: 200-ok\r\n\r\n" + second, "417", nil},
	}
}

// An informational answer of the upstream takes nothing back of what the gate said: after a doubtful framing the connection
// ends all the same. HTTP/1.0 knows no such answers: RFC 9110 section 15.2.
func TestInformationalKeepsTheConnectionClosed(t *testing.T) {
	for _, hint := range []string{"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"} {
		w := startWire(t, hint+wireAnswer)
		for _, way := range startWays(t, "http://"+w.ln.Addr().String(), nil) {
			for raw, want := range map[string]string{
				"POST /a HTTP/1.1\r\n" + wireAuth + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n":      hint[9:12] + " 200",
				"GET /a HTTP/1.0\r\n" + wireAuth + "Connection: keep-alive\r\n\r\n":                                         "200",
				"POST /a HTTP/1.0\r\n" + wireAuth + "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": "200",
			} {
				if got := talk(t, way.Addr(), raw+second); got != strings.TrimPrefix(want, "100 ") {
					t.Errorf("%s, %q: the client got %q, want %q", way.name, raw, got, want)
				}
				w.take(t, way.runningGate)
			}
		}
	}
}

// Who sends a request by the letter is given the time for a request, and no more.
func TestSlowHeaders(t *testing.T) {
	w := startWire(t, wireAnswer)
	g := startGateWith(t, "http://"+w.ln.Addr().String(), nil, nil, func(s *Server) {
		if s.servers[0].ReadHeaderTimeout != readHeaderTimeout || s.servers[1].ReadHeaderTimeout != readHeaderTimeout {
			t.Error("a listener waits for ever")
		}
		s.servers[0].ReadHeaderTimeout = 50 * time.Millisecond
	})
	for _, raw := range []string{"", "G", "GET /a HTTP/1.1\r\n", "GET /a HTTP/1.1\r\n" + wireAuth, "GET /a HTTP/1.1\r\n" + wireAuth + "X: y"} {
		if got := talk(t, g.Addr(), raw); got != "!" && got != "408" && got != "400" {
			t.Errorf("%q: got %q, want the end", raw, got)
		}
	}
	if got := w.take(t, g); got != nil {
		t.Errorf("the upstream got %v", got)
	}
}
