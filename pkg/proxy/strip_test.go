package proxy

import (
	"bufio"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

// Whatever spelling a client chooses, an application must not read its headers as the gate's.
func TestClientHeadersAreStripped(t *testing.T) {
	rec := &recorder{}
	g := startGate(t, startUpstream(t, rec.ServeHTTP), nil)
	for _, name := range []string{
		"X-Forwarded-User", "x-forwarded-user", "X_Forwarded_User", "x-forwarded_USER", "X.Forwarded.User",
		"X-Forwarded-Groups", "X-Forwarded-Email", "X-Forwarded-Preferred-Username", "X-Forwarded-Access-Token",
		"X-Forwarded-Prefix", "X-Forwarded-Port", "X_Forwarded_For", "X-Forwarded-Client-Cert", "Forwarded", "X-Real-Ip", "X_Real_IP",
		"X-Remote-User", "X-Remote-Group", "X-Remote-Extra-Scopes", "Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email", "REMOTE_USER",
		"X-WEBAUTH-USER", "X-WEBAUTH-EMAIL", "X_WebAuth_User", "X-Auth-Request-User", "X-Auth-Request-Groups", "X-Auth-User", "X-Auth-Username",
		"X-Kauth-User", "X-Authentik-Username", "X-Pomerium-Claim-Email", "X-Goog-Authenticated-User-Email", "X-Amzn-Oidc-Identity",
		"Cf-Access-Authenticated-User-Email", "X-Ssl-Client-Cn", "SSL_CLIENT_S_DN", "X-Original-Url", "X-Rewrite-Url", "Proxy", "Gap-Auth", "True-Client-Ip",
	} {
		t.Run(name, func(t *testing.T) {
			res := sendRaw(t, g, "GET /x HTTP/1.1\r\nHost: app\r\nAuthorization: "+basicAuth+"\r\n"+name+": forged\r\nConnection: close\r\n\r\n")
			if res == nil || res.StatusCode != http.StatusOK {
				t.Fatalf("got %v, want 200", res)
			}
			got, _ := rec.take()
			if len(got) != 1 {
				t.Fatalf("%d requests reached the upstream, want 1", len(got))
			}
			for k, v := range got[0].Header {
				if strings.Contains(strings.Join(v, ""), "forged") {
					t.Errorf("the upstream got %s: %s", k, v)
				}
			}
			if u := got[0].Header["X-Forwarded-User"]; !slices.Equal(u, []string{testUser}) {
				t.Errorf("X-Forwarded-User is %q, want %q alone", u, testUser)
			}
		})
	}
}

// CVE-2024-45410: headers of the gate that the client's Connection names are set all the same.
func TestConnectionCannotRemoveOurHeaders(t *testing.T) {
	rec := &recorder{}
	g := startGate(t, startUpstream(t, rec.ServeHTTP), nil)
	res, _ := send(t, request(t, "GET", g.url+"/", nil,
		"Connection: X-Forwarded-User, X-Forwarded-For, x-forwarded-host, X-Forwarded-Proto, X-Mine", "X-Mine: hop", "X-Other: end"))
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	got, _ := rec.take()
	for name, want := range map[string]string{
		"X-Forwarded-User": testUser, "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": g.Addr(), "X-Forwarded-Proto": "http",
		"X-Mine": "", "X-Other": "end", "Authorization": "",
	} {
		if v := got[0].Header.Get(name); v != want {
			t.Errorf("%s is %q, want %q", name, v, want)
		}
	}
	if got[0].Host != g.Addr() {
		t.Errorf("Host is %q, want it unchanged, %q", got[0].Host, g.Addr())
	}
}

// What the gate does not use, and no application takes for a proxy's word, is none of its business.
func TestOtherHeadersPass(t *testing.T) {
	for _, name := range []string{
		"Accept", "Cookie", "Origin", "Referer", "X-Auth-Token", "X-Api-Key", "X-Csrf-Token", "X-Requested-With", "X-Scope-Orgid",
		"Impersonate-User", "X-User-Agent", "X-Grafana-Org-Id", "X-Prometheus-Remote-Write-Version", "Traceparent", "X-Request-Id", "Range", "If-None-Match",
	} {
		if isForged(name) {
			t.Errorf("%s is stripped", name)
		}
	}
}

func TestTrustedProxy(t *testing.T) {
	rec := &recorder{}
	up := startUpstream(t, rec.ServeHTTP)
	trusting := startGate(t, up, func(c *gateconf.Config) { c.TrustedProxies = []string{"127.0.0.0/8", "10.0.0.0/8"} })
	headers := []string{
		"X-Forwarded-For: 6.6.6.6, 203.0.113.9", "X-Forwarded-For: 10.1.2.3", "X-Forwarded-Proto: https", "X-Forwarded-Port: 443",
		"X-Forwarded-Host: shop.example", "X-Forwarded-User: mallory", "X-Real-Ip: 6.6.6.6", "X-Mark: 1",
	}
	for _, tt := range []struct {
		name string
		gate *runningGate
		want map[string]string
		log  string
	}{
		{"trusted", trusting, map[string]string{
			"X-Forwarded-For": "6.6.6.6, 203.0.113.9, 10.1.2.3, 127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443",
			"X-Forwarded-Host": "shop.example", "X-Forwarded-User": testUser, "X-Real-Ip": "",
		}, `"client":"203.0.113.9"`},
		{"not trusted", startGate(t, up, nil), map[string]string{
			"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "", "X-Forwarded-User": testUser, "X-Real-Ip": "",
		}, `"client":"127.0.0.1"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			send(t, request(t, "GET", tt.gate.url+"/", nil, headers...))
			got, _ := rec.take()
			for name, want := range tt.want {
				if v := got[0].Header.Get(name); v != want {
					t.Errorf("%s is %q, want %q", name, v, want)
				}
			}
			waitFor(t, tt.log, func() bool { return strings.Contains(tt.gate.logs.String(), tt.log) })
		})
	}
}

func TestClientAddress(t *testing.T) {
	c := newClients([]string{"10.0.0.0/8", "2001:db8:ffff::/48"})
	for _, tt := range []struct{ remote, forwarded, addr, source string }{
		{"192.0.2.1:5", "1.1.1.1", "192.0.2.1", "192.0.2.1"}, // not trusted: what it says is nothing
		{"10.0.0.1:5", "", "10.0.0.1", "10.0.0.1"},
		{"10.0.0.1:5", "1.1.1.1, 2.2.2.2", "2.2.2.2", "2.2.2.2"},
		{"10.0.0.1:5", "1.1.1.1, 10.9.9.9", "1.1.1.1", "1.1.1.1"},
		{"10.0.0.1:5", "1.1.1.1, garbage, 10.9.9.9", "10.9.9.9", "10.9.9.9"},
		{"10.0.0.1:5", "2.2.2.2:4711", "2.2.2.2", "2.2.2.2"},
		{"[::ffff:10.0.0.1]:5", "[2001:db8::1]:443", "2001:db8::1", "2001:db8::"},
		{"[2001:db8:ffff::1]:5", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
		{"pipe", "1.1.1.1", "", ""},
	} {
		r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{}}
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if got := c.of(r).String(); got != tt.addr {
			t.Errorf("%s with %q: client is %q, want %q", tt.remote, tt.forwarded, got, tt.addr)
		}
		if got := c.source(r); got != tt.source {
			t.Errorf("%s with %q: source is %q, want %q", tt.remote, tt.forwarded, got, tt.source)
		}
	}
}

// Whatever header the client sends, no identity header of its own reaches the upstream.
func FuzzHeaderStripping(f *testing.F) {
	for _, seed := range [][2]string{
		{"X-Forwarded-User", "X-Forwarded-User"},
		{"x_forwarded_user", "close"},
		{"X-Auth-Request-User", ""},
		{"REMOTE_USER", "x"},
		{"X-Forwarded-For", "x-forwarded-for"},
		{"X-WEBAUTH-USER", "Upgrade"},
		{"Accept", "keep-alive"},
		{"Trailer", "X-Forwarded-User"},
		{"X-Forwarded-User\r\n X", "a"},
		{"Transfer-Encoding", "chunked"},
	} {
		f.Add(seed[0], seed[1])
	}
	const forged = "forged-by-the-client"
	rec := &recorder{}
	g := startGate(f, startUpstream(f, rec.ServeHTTP), func(c *gateconf.Config) { c.AccessLog = false })
	f.Fuzz(func(t *testing.T, name, connection string) {
		conn, err := net.Dial("tcp", g.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(500 * time.Millisecond)) // some inputs promise a body that never comes
		_, _ = conn.Write([]byte("GET / HTTP/1.1\r\nHost: app\r\nAuthorization: " + basicAuth + "\r\n" + name + ": " + forged +
			"\r\nConnection: " + connection + "\r\nConnection: close\r\n\r\n"))
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil {
			res.Body.Close()
		}
		got, _ := rec.take()
		for _, r := range got {
			if u := r.Header["X-Forwarded-User"]; !slices.Equal(u, []string{testUser}) {
				t.Errorf("X-Forwarded-User is %q", u)
			}
			for key, values := range r.Header {
				folded := strings.Map(func(c rune) rune {
					if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
						return c
					}
					return '-'
				}, strings.ToLower(key))
				identity := strings.HasPrefix(folded, "x-forwarded-") || strings.HasPrefix(folded, "x-auth-request-") ||
					strings.HasPrefix(folded, "remote-") || strings.HasPrefix(folded, "x-remote-") || strings.HasPrefix(folded, "x-webauth-")
				if identity && strings.Contains(strings.Join(values, ","), forged) {
					t.Errorf("the upstream got %q: %q", key, values)
				}
			}
		}
	})
}
