package proxy

import (
	"encoding/base64"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

// CVE-2026-34457: who a client says that it is opens nothing, and neither does the path that it names in a header
// (CVE-2025-54576, CVE-2026-41059).
func TestNoHeaderIsExempt(t *testing.T) {
	rec := &recorder{}
	g := startGate(t, startUpstream(t, rec.ServeHTTP), nil)
	for _, header := range []string{
		"User-Agent: kube-probe/1.34", "User-Agent: ELB-HealthChecker/2.0", "User-Agent: GoogleHC/1.0", "User-Agent: Amazon CloudFront", "User-Agent: Prometheus/3.0",
		"X-Forwarded-Uri: /health", "X-Original-Url: /health", "X-Original-Uri: /health", "X-Rewrite-Url: /health", "X-Forwarded-Path: /health", "X-Forwarded-Prefix: /health",
		"X-Forwarded-Method: OPTIONS", "X-Http-Method-Override: HEAD", "X-Forwarded-For: 127.0.0.1", "X-Real-Ip: 127.0.0.1", "Host: localhost", "Origin: http://localhost",
		"X-Kauth-User: alice", "X-Forwarded-User: alice", "Access-Control-Request-Method: GET", "Upgrade: websocket", "Accept: text/event-stream",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS"} {
			res := sendRaw(t, g, method+" /x HTTP/1.1\r\nHost: app\r\n"+strings.ReplaceAll(header, "Host: localhost", "X-Host: localhost")+"\r\nConnection: close\r\n\r\n")
			if res == nil || res.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with %s: %v", method, header, res)
			}
		}
	}
	if got, _ := rec.take(); len(got) > 0 {
		t.Errorf("%d requests reached the upstream", len(got))
	}
}

// CVE-2026-30851, CVE-2026-52845: the client's copies are taken out where the gate itself says nothing of the kind.
func TestIdentityIsStrippedWithoutUsers(t *testing.T) {
	rec := &recorder{}
	up := startUpstream(t, rec.ServeHTTP)
	origin := withOrigin(t, t.TempDir())
	open := startGate(t, up, func(c *gateconf.Config) { origin(c); c.Auth = gateconf.AuthNone })
	for name, g := range map[string]*runningGate{"basic": startGate(t, up, origin), "none": open} {
		for _, method := range []string{"GET", "POST"} {
			body := strings.NewReader("body")
			r := request(t, method, g.url+"/", body, "X-Origin-Verify: "+originValue, "X-Forwarded-Groups: admin", "X_Forwarded_User: mallory",
				"X-Forwarded-Email: mallory", "Remote-Groups: admin", "X-Auth-Request-Access-Token: x", "X-Webauth-Role: Admin", "Connection: X-Forwarded-Groups")
			if g == open {
				r.Header.Set("X-Forwarded-User", "mallory")
			}
			if res, _ := send(t, r); res.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s", name, res.Status)
			}
			got, _ := rec.take()
			for key, values := range got[0].Header {
				if said := strings.Join(values, ","); strings.Contains(said, "mallory") || strings.Contains(strings.ToLower(said), "admin") || said == "x" {
					t.Errorf("%s, %s: the upstream got %s: %s", name, method, key, said)
				}
			}
			if user := got[0].Header.Get("X-Forwarded-User"); (user == testUser) != (g != open) || user == "mallory" {
				t.Errorf("%s, %s: X-Forwarded-User is %q", name, method, user)
			}
		}
	}
}

// CVE-2022-23469, CVE-2026-41181: no credential is repeated, in whatever goes wrong.
func TestCredentialsAreNotRepeated(t *testing.T) {
	const secret, other = "hunter2 hunter2", "correct-battery"
	token := strings.TrimPrefix(basicOf(testUser, secret), "Basic ")
	broken := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			conn.Close()
		}
	})
	ok := startUpstream(t, (&recorder{}).ServeHTTP)
	for name, g := range map[string]*runningGate{
		"text": startGate(t, ok, func(c *gateconf.Config) { c.LogFormat = "text" }), "json": startGate(t, ok, nil), "502": startGate(t, broken, nil),
		"503": startGate(t, ok, func(c *gateconf.Config) { writeFile(t, c.UsersFile, "") }),
		"403": startGate(t, ok, func(c *gateconf.Config) {
			c.RequireHeader, c.HeaderValuesDir = "X-Verify", t.TempDir()
			writeFile(t, filepath.Join(c.HeaderValuesDir, "a"), "0123456789abcdef")
		}),
	} {
		var said strings.Builder
		for i, raw := range []string{
			"GET /a HTTP/1.1\r\nHost: app\r\nAuthorization: Basic " + token + "\r\n",
			"GET /a HTTP/1.1\r\nHost: app\r\nAuthorization: " + basicAuth + "\r\nCookie: a=" + other + "\r\n",
			"GET /a?password=" + other + " HTTP/1.1\r\nHost: app\r\nAuthorization: " + basicAuth + "\r\nReferer: http://x/?" + other + "\r\n",
			"GET /a HTTP/1.1\r\nHost: app\r\nAuthorization: Basic " + token + "!\r\n",
			"GET /a HTTP/1.1\r\nHost: app\r\nAuthorization: Basic " + token + "\r\nAuthorization: Bearer " + other + "\r\n",
			"GET /a HTTP/1.1\r\nHost: app\r\nAuthorization : Basic " + token + "\r\n",
			"GET /a HTTP/1.1\r\nHost: app\r\nAuthorization: Bearer " + other + "\r\n",
			"GET http://" + testUser + ":" + other + "@app/a HTTP/1.1\r\nHost: app\r\n",
			"GET /a HTTP/1.1\r\nHost: " + testUser + ":" + other + "@app\r\n",
			"TRACE /a HTTP/1.1\r\nHost: app\r\nAuthorization: Basic " + token + "\r\n",
			"POST /a HTTP/1.1\r\nHost: app\r\nAuthorization: " + basicAuth + "\r\nTransfer-Encoding: chunked\r\nX: " + other + "\r\n",
			"GET /_kauth/x HTTP/1.1\r\nHost: app\r\nAuthorization: Basic " + token + "\r\n",
		} {
			accept := []string{"text/html", "*/*"}[i%2]
			answer, _ := readAll(t, g, raw+"Accept: "+accept+"\r\nConnection: close\r\n\r\nno chunk\r\n", 4*refusedBodyTimeout)
			said.WriteString(answer)
		}
		g.stop()
		if err := <-g.ended; err != nil {
			t.Error(err)
		}
		for _, hidden := range []string{secret, other, token, token[:12], testPassword, strings.TrimPrefix(basicAuth, "Basic "), base64.StdEncoding.EncodeToString([]byte(secret))} {
			if strings.Contains(said.String(), hidden) {
				t.Errorf("%s: %q is in an answer", name, hidden)
			}
			if strings.Contains(g.logs.String(), hidden) {
				t.Errorf("%s: %q is in the log: %s", name, hidden, g.logs)
			}
		}
	}
}
