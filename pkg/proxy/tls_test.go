package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/testenv/pki"
)

// tlsGate is a gate with a certificate of an authority of its own, in a directory as cert-manager fills it.
type tlsGate struct {
	*runningGate
	authority *pki.Authority
	dir       string
	client    *http.Transport
}

func startTLSGate(t *testing.T, h http.HandlerFunc, first string) *tlsGate {
	t.Helper()
	authority, err := pki.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	g := &tlsGate{authority: authority, dir: t.TempDir()}
	if first != "" {
		g.issue(t, first)
	}
	g.runningGate = startGate(t, startUpstream(t, h), func(c *gateconf.Config) {
		c.TLSCertFile, c.TLSKeyFile = filepath.Join(g.dir, "tls.crt"), filepath.Join(g.dir, "tls.key")
	})
	g.url = "https://" + g.Addr()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM)
	g.client = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "gate.test"}, ForceAttemptHTTP2: true}
	t.Cleanup(g.client.CloseIdleConnections)
	return g
}

// issue writes a new certificate, whose organization tells it from others.
func (g *tlsGate) issue(t *testing.T, organization string) {
	t.Helper()
	pair, err := g.authority.Issue(pkix.Name{Organization: []string{organization}}, "gate.test")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(g.dir, "tls.crt"), string(pair.Cert))
	writeFile(t, filepath.Join(g.dir, "tls.key"), string(pair.Key))
}

// shown is the organization of the certificate that a new connection sees; empty when there is no connection.
func (g *tlsGate) shown(t *testing.T) string {
	t.Helper()
	conn, err := tls.Dial("tcp", g.Addr(), g.client.TLSClientConfig)
	if err != nil {
		return ""
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Subject.Organization[0]
}

func TestTLS(t *testing.T) {
	rec := &recorder{}
	g := startTLSGate(t, rec.ServeHTTP, "first")
	for _, tc := range []struct {
		method string
		header string
		want   int
	}{
		{"GET", "-nothing", 200},
		{"POST", "-nothing", 200},
		{"GET", "-Authorization", 401},
		{"GET", "X-Forwarded-Proto: http", 200},
	} {
		r := request(t, tc.method, g.url+"/x?y=1", strings.NewReader(""), tc.header, "Cookie: a=1", "Cookie: b=2")
		res, err := g.client.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != tc.want || res.ProtoMajor != 2 {
			t.Errorf("%s %s: %s %d", tc.method, tc.header, res.Proto, res.StatusCode)
		}
		if tc.want != 200 {
			continue
		}
		got, _ := rec.take()
		if len(got) != 1 || got[0].Header.Get("X-Forwarded-Proto") != "https" || got[0].Header.Get("Cookie") != "a=1; b=2" ||
			got[0].Header.Get("X-Forwarded-User") != testUser || got[0].Header.Get("Authorization") != "" || got[0].Host != g.Addr() {
			t.Errorf("%s %s: the upstream got %+v", tc.method, tc.header, got)
		}
	}
}

// Nothing older than TLS 1.2, and nothing in plain text, not even the health.
func TestTLSRefuses(t *testing.T) {
	g := startTLSGate(t, (&recorder{}).ServeHTTP, "first")
	old := g.client.TLSClientConfig.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if conn, err := tls.Dial("tcp", g.Addr(), old); err == nil {
		conn.Close()
		t.Error("TLS 1.1 was accepted")
	}
	res := sendRaw(t, g.runningGate, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
	if res == nil || res.StatusCode != http.StatusBadRequest {
		t.Errorf("plain text: %v", res)
	}
}

func TestCertificateChanges(t *testing.T) {
	t.Parallel() // it waits more than it works
	g := startTLSGate(t, (&recorder{}).ServeHTTP, "")
	if got := g.shown(t); got != "" {
		t.Fatalf("without a certificate: %q", got)
	}
	g.issue(t, "first")
	waitFor(t, "the first certificate", func() bool { return g.shown(t) == "first" })
	g.issue(t, "second")
	waitFor(t, "the second certificate", func() bool { return g.shown(t) == "second" })

	other, err := g.authority.Issue(pkix.Name{Organization: []string{"third"}}, "gate.test")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(g.dir, "tls.crt"), string(other.Cert)) // without its key
	waitFor(t, "the fault to be told", func() bool { return strings.Contains(g.logs.String(), "the last good one stays in force") })
	if got := g.shown(t); got != "second" {
		t.Errorf("a certificate without its key: %q", got)
	}
	if err := os.RemoveAll(g.dir); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the loss to be told", func() bool { return strings.Count(g.logs.String(), "the last good one stays in force") > 1 })
	if got := g.shown(t); got != "second" {
		t.Errorf("no files: %q", got)
	}
}

func TestWebSocketOverTLS(t *testing.T) {
	g := startTLSGate(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		kind, message, err := c.Read(r.Context())
		if err == nil {
			_ = c.Write(r.Context(), kind, append([]byte("heard "), message...))
		}
	}, "first")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	transport := &http.Transport{TLSClientConfig: g.client.TLSClientConfig.Clone()} // WebSockets want HTTP/1.1
	c, _, err := websocket.Dial(ctx, "wss"+strings.TrimPrefix(g.url, "https"), &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, HTTPHeader: http.Header{"Authorization": {basicAuth}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if err := c.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, message, err := c.Read(ctx); err != nil || string(message) != "heard hello" {
		t.Errorf("%q, %v", message, err)
	}
}

// A request under way on HTTP/2 is finished before the gate ends.
func TestDrainOverTLS(t *testing.T) {
	reached, let := make(chan struct{}), make(chan struct{})
	g := startTLSGate(t, func(w http.ResponseWriter, _ *http.Request) {
		close(reached)
		<-let
		_, _ = io.WriteString(w, "done")
	}, "first")
	answer := make(chan string, 1)
	r := request(t, "GET", g.url+"/", nil)
	go func() {
		res, err := g.client.RoundTrip(r)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answer <- string(body)
	}()
	<-reached
	g.stop()
	waitFor(t, "the listener to close", func() bool {
		c, err := net.Dial("tcp", g.Addr())
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	close(let)
	if got := <-answer; got != "done" {
		t.Errorf("got %q", got)
	}
}
