package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

// readAll writes bytes as they are and returns all that comes back until the gate closes the connection.
func readAll(t *testing.T, g *runningGate, raw string, within time.Duration) (string, error) {
	t.Helper()
	conn, err := net.Dial("tcp", g.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	return string(all), err
}

// Whoever has no password cannot hold a connection open by not sending the body that was announced, nor does the
// answer wait for it.
func TestHealthDoesNotWaitForABody(t *testing.T) {
	t.Parallel() // it waits more than it works
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), nil)
	for _, headers := range []string{"Content-Length: 9\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: 9\r\nExpect: 100-continue\r\n"} {
		t.Run(headers, func(t *testing.T) {
			t.Parallel()
			got, err := readAll(t, g, "GET /health HTTP/1.1\r\nHost: app\r\n"+headers+"\r\n", 4*refusedBodyTimeout)
			if err != nil || !strings.HasPrefix(got, "HTTP/1.1 200 ") {
				t.Errorf("got %q, %v, want the health and the end of the connection", got, err)
			}
		})
	}
}

// net/http shows one of the two framings only. Whatever a proxy in front went by, what follows is not taken for a
// request of somebody else.
func TestNothingFollowsADoubtfulFraming(t *testing.T) {
	rec := &recorder{}
	g := startGate(t, startUpstream(t, rec.ServeHTTP), nil)
	auth := "Host: app\r\nAuthorization: " + basicAuth + "\r\n"
	for name, raw := range map[string]string{
		"CL.TE":                 "POST /a HTTP/1.1\r\n" + auth + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"TE in HTTP/1.0":        "POST /a HTTP/1.0\r\n" + auth + "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
		"CL.TE, no password":    "POST /a HTTP/1.1\r\nHost: app\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"CL.TE, of health":      "GET /health HTTP/1.1\r\nHost: app\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"TE in 1.0, of health ": "GET /health HTTP/1.0\r\nHost: app\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		got, _ := readAll(t, g, raw+"GET /smuggled HTTP/1.1\r\n"+auth+"\r\n", 4*refusedBodyTimeout)
		if n := strings.Count(got, "HTTP/1."); n != 1 {
			t.Errorf("%s: %d answers: %q", name, n, got)
		}
		requests, _ := rec.take()
		for _, r := range requests {
			if r.URL.Path != "/a" {
				t.Errorf("%s: %s reached the upstream", name, r.URL.Path)
			}
		}
	}
}

// RFC 9112 section 3.2.2: the absolute form is accepted, and its host counts.
func TestAbsoluteForm(t *testing.T) {
	rec := &recorder{}
	g := startGate(t, startUpstream(t, rec.ServeHTTP), nil)
	for _, tt := range []struct {
		line    string
		status  int
		reached string // host and target at the upstream
	}{
		{"GET http://other/a?b=c", 200, "other /a?b=c"},
		{"GET HTTPS://other:8443/%2f//x", 200, "other:8443 /%2f//x"},
		{"GET http://other", 200, "other /"},
		{"GET http://other?b", 200, "other /?b"},
		{"GET http://other/health", 200, "other /health"},
		{"GET http://other/_kauth/x", 404, ""},
		{"OPTIONS http://other", 400, ""},
		{"GET http://user:pw@other/a", 400, ""},
		{"GET http:///a", 400, ""},
		{"GET ftp://other/a", 400, ""},
		{"GET http:a", 400, ""},
		{"GET ://other/a", 400, ""},
	} {
		res := sendRaw(t, g, tt.line+" HTTP/1.1\r\n"+authorized+"\r\n")
		if res == nil || res.StatusCode != tt.status {
			t.Errorf("%s: got %v, want %d", tt.line, res, tt.status)
		}
		var reached string
		if got, _ := rec.take(); len(got) > 0 {
			reached = got[0].Host + " " + got[0].RequestURI
		}
		if reached != tt.reached {
			t.Errorf("%s: upstream got %q, want %q", tt.line, reached, tt.reached)
		}
	}
	if res := sendRaw(t, g, "GET http://other/health HTTP/1.1\r\nHost: app\r\n\r\n"); res == nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("health in absolute form without a password: %v", res)
	}
}

// An upstream that speaks something else than HTTP is a 502, with a line of log that is no longer than others.
func TestUpstreamSpeaksNonsense(t *testing.T) {
	for name, answer := range map[string]string{
		"not HTTP":         strings.Repeat("x", 300_000) + "\r\n\r\n",
		"status below 100": "HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n",
		"unasked upgrade":  "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"two lengths":      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
		"header":           "HTTP/1.1 200 OK\r\nX: \x00\r\nContent-Length: 0\r\n\r\n",
		"nothing":          "",
	} {
		t.Run(name, func(t *testing.T) {
			g := startGate(t, startUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					return
				}
				_, _ = io.WriteString(conn, answer)
				conn.Close()
			}), nil)
			if res := sendRaw(t, g, "GET /a HTTP/1.1\r\n"+authorized+"\r\n"); res == nil || res.StatusCode != http.StatusBadGateway {
				t.Errorf("got %v, want 502", res)
			}
			waitFor(t, "the log line", func() bool { return strings.Contains(g.logs.String(), `"msg":"request"`) })
			logs := g.logs.String()
			if !strings.Contains(logs, `"status":502,"outcome":"upstream_error"`) || len(logs) > 4000 || strings.Contains(logs, "panic") {
				t.Errorf("log of %d bytes: %.4000s", len(logs), logs)
			}
		})
	}
}

// Where nobody reads the log, requests go on and the process ends; lines are lost, and counted.
func TestNobodyReadsTheLog(t *testing.T) {
	r, w, err := os.Pipe() // as standard error is one, full and then closed
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	g := startGateWith(t, startUpstream(t, (&recorder{}).ServeHTTP), w, nil, nil)
	conn, err := net.Dial("tcp", g.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	client := bufio.NewReader(conn)
	for range 3 * logBacklog / longestPath {
		fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: app\r\nAuthorization: %s\r\n\r\n", strings.Repeat("a", 2*longestPath), basicAuth)
		res, err := http.ReadResponse(client, nil)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("got %v, %v", res, err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
	}
	if _, m := send(t, request(t, "GET", g.admin+"/metrics", nil)); !strings.Contains(m, "\nkauth_proxy_log_lines_lost_total ") || strings.Contains(m, "\nkauth_proxy_log_lines_lost_total 0\n") {
		t.Error("no lines are counted as lost")
	}
	var read bytes.Buffer
	done := make(chan error)
	go func() { _, err := io.CopyN(&read, r, logBacklog); done <- err }()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	g.stop()
	r.Close()
	if err := <-g.ended; err != nil || time.Since(start) > 10*time.Second {
		t.Errorf("ended with %v after %s", err, time.Since(start))
	}
}

// Files that are none must not stop the start, nor fill the memory.
func TestPagesThatAreNoFiles(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(dir+"/401.html", 0o644); err != nil {
		t.Fatal(err)
	}
	cfg := gateconf.Defaults()
	cfg.Upstream, cfg.UsersFile, cfg.PagesDir = "https://127.0.0.1:1", "/none", dir
	if _, err := New(cfg, Options{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a FIFO as a page: %v", err)
	}
	cfg.PagesDir, cfg.UpstreamCAFile = "", dir+"/401.html"
	if _, err := New(cfg, Options{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a FIFO as certificates: %v", err)
	}
}
