package browser

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/testenv"
)

// until polls an expression of the page until it is true.
func until(t *testing.T, tab *testenv.Tab, what, expression string) {
	t.Helper()
	if !testenv.Evaluate[bool](tab, `new Promise(done => {
		const end = Date.now() + 20000, look = async () => await (`+expression+`) ? done(true) : Date.now() > end ? done(false) : setTimeout(look, 100);
		look();
	})`) {
		t.Fatalf("waited in vain for %s", what)
	}
}

const refused = `fetch("/api").then(r => r.status === 401)`

// echo says in the page whether its WebSocket gets an answer.
const echo = `new Promise(done => {
	window.socket = new WebSocket(location.origin.replace("http", "ws") + "/ws");
	socket.onopen = () => socket.send("hello");
	socket.onmessage = m => done(m.data);
	socket.onerror = () => done("refused");
	socket.onclose = () => { window.over = true };
})`

// rewrite gives the gate's users file another content.
func rewrite(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A new password ends the session and the WebSocket that it opened. The page's scripts are told so without a dialog, and
// the next page is the one to sign in with.
func TestNewPasswordEndsTheSession(t *testing.T) {
	var users string
	gate := startGate(t, startUpstream(t), func(c *gateconf.Config) { withPage(newKey(t))(c); users = c.UsersFile })
	tab := newTab(t)
	visit(tab, gate+"/")
	signIn(tab)
	if got := testenv.Evaluate[string](tab, echo); got != "hello" {
		t.Fatalf("the WebSocket says %q", got)
	}
	rewrite(t, users, user+":{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n")
	until(t, tab, "the session to end", refused)
	until(t, tab, "the WebSocket to close", `window.over === true`)
	if got := testenv.Evaluate[string](tab, echo); got != "refused" {
		t.Errorf("a WebSocket without a session says %q", got)
	}
	if status := visit(tab, gate+"/"); status != 200 || heading(tab) != "Sign in" {
		t.Errorf("status %d, heading %q", status, heading(tab))
	}
}

// So does time.
func TestSessionExpires(t *testing.T) {
	gate := startGate(t, startUpstream(t), func(c *gateconf.Config) { withPage(newKey(t))(c); c.SessionTTL = 10 * time.Second })
	tab := newTab(t)
	setSize(tab, 1280, 800)
	visit(tab, gate+"/")
	signIn(tab)
	if got := testenv.Evaluate[string](tab, echo); got != "hello" {
		t.Fatalf("the WebSocket says %q", got)
	}
	until(t, tab, "the WebSocket to close", `window.over === true`)
	until(t, tab, "the session to end", refused)

	// A form of the application, sent now, is not quietly turned into the page to sign in with.
	testenv.Evaluate[any](tab, `{ const f = document.createElement("form"); f.method = "post"; document.body.append(f); f.submit() }`)
	if status := loaded(tab); status != 401 || heading(tab) != "Your session has ended" {
		t.Errorf("status %d, heading %q", status, heading(tab))
	}
	screenshot(t, tab, "ended", 1280, 800)
	if status := press(tab); status != 200 || heading(tab) != "Sign in" {
		t.Errorf("status %d, heading %q", status, heading(tab))
	}
}

// When a session is over, the scripts of a page that is still open go on asking. With Basic challenges, each would open the
// browser's dialog; the other gate shows that this test would see it.
func TestScriptsOpenNoDialog(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(*gateconf.Config)
		dialogs int
	}{{"page", withPage(newKey(t)), 0}, {"dialog", nil, 1}} {
		t.Run(tt.name, func(t *testing.T) {
			gate := startGate(t, startUpstream(t), tt.change)
			tab := newTab(t)
			tab.Send("Page.navigate", testenv.Params{"url": gate + "/_kauth/none"}) // a page of this origin, whose scripts may fetch
			loaded(tab)
			tab.Call("Page.setBypassCSP", testenv.Params{"enabled": true}, nil)
			tab.Send("Page.reload", nil)
			loaded(tab)
			tab.Call("Fetch.enable", testenv.Params{"handleAuthRequests": true, "patterns": []testenv.Params{{"urlPattern": "*/api"}}}, nil)
			testenv.Evaluate[any](tab, `void fetch("/api").then(r => window.result = r.status, e => window.result = e.name)`)
			proceed(tab)
			if tt.dialogs > 0 {
				cancel(tab, prompt(tab))
			}
			until(t, tab, "the answer", `window.result === 401`)
			if more := testenv.Seen[authRequired](tab, "Fetch.authRequired"); len(more) > 0 {
				t.Errorf("%d dialogs", len(more))
			}
		})
	}
}

// Another port of the same host is the same site, whose pages the browser sends the cookie for. They cannot use it.
func TestOtherOriginsCannotUseTheSession(t *testing.T) {
	gate := startGate(t, startUpstream(t), withPage(newKey(t)))
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><h1>Evil</h1><form method=post action="` + gate + `/"><button class=go></button></form>`))
	}))
	t.Cleanup(evil.Close)
	tab := newTab(t)
	visit(tab, gate+"/")
	signIn(tab)
	visit(tab, evil.URL)
	socket := `new Promise(done => {
		const s = new WebSocket("` + strings.Replace(gate, "http", "ws", 1) + `/ws");
		s.onopen = () => done("open");
		s.onerror = () => done("refused");
	})`
	if got := testenv.Evaluate[string](tab, socket); got != "refused" {
		t.Errorf("a WebSocket of another origin is %s", got)
	}
	if status := press(tab); status != 403 {
		t.Errorf("a form of another origin: status %d", status)
	}
	if status := visit(tab, gate+"/"); status != 200 || heading(tab) != "The application" {
		t.Errorf("the person's own visit: status %d, heading %q", status, heading(tab))
	}
}

// A person who signs in while wrong passwords flood the gate from the same address is told to try again.
func TestSignInInAFlood(t *testing.T) {
	gate := startGate(t, startUpstream(t), func(c *gateconf.Config) { withPage(newKey(t))(c); c.HashQueue = 1 })
	defer flood(t, gate)()
	tab := newTab(t)
	setSize(tab, 1280, 800)
	visit(tab, gate+"/")
	for end := time.Now().Add(20 * time.Second); ; {
		if status := enter(tab, user, "guessed"); status == 429 {
			break
		} else if status != 403 || time.Now().After(end) {
			t.Fatalf("status %d", status)
		}
	}
	if got := testenv.Evaluate[string](tab, `document.querySelector("[role=alert]").textContent`); !strings.Contains(got, "try again") {
		t.Errorf("the page says %q", got)
	}
	screenshot(t, tab, "sign-in-429", 1280, 800)
}

// flood sends wrong passwords to a gate until the function that it returns is called.
func flood(t *testing.T, gate string) (stop func()) {
	var all sync.WaitGroup
	over := make(chan struct{})
	for i := range 8 {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				default:
				}
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gate+"/", nil)
				if err != nil {
					return
				}
				r.SetBasicAuth(user, strings.Repeat("x", i+1)+strings.Repeat("y", n%50))
				if res, err := http.DefaultClient.Do(r); err == nil {
					_ = res.Body.Close()
				}
			}
		})
	}
	return func() { close(over); all.Wait() }
}

// Over HTTPS and HTTP/2, as the gate itself can speak it; the WebSocket comes over HTTP/1.1.
func TestSignInOverTLS(t *testing.T) {
	dir := t.TempDir()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	rewrite(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	rewrite(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	gate := startGate(t, startUpstream(t), func(c *gateconf.Config) {
		withPage(newKey(t))(c)
		c.TLSCertFile, c.TLSKeyFile = certFile, keyFile
	})
	gate = strings.Replace(gate, "http://", "https://", 1)
	tab := newTab(t)
	tab.Call("Security.setIgnoreCertificateErrors", testenv.Params{"ignore": true}, nil)
	visit(tab, gate+"/#there")
	if status := signIn(tab); status != 200 || place(tab) != "/#there" || heading(tab) != "The application" {
		t.Errorf("status %d at %s, heading %q", status, place(tab), heading(tab))
	}
	if got := testenv.Evaluate[string](tab, `performance.getEntriesByType("navigation")[0].nextHopProtocol`); got != "h2" {
		t.Errorf("it came over %s", got)
	}
	if got := testenv.Evaluate[string](tab, echo); got != "hello" {
		t.Errorf("the WebSocket says %q", got)
	}
	visit(tab, gate+"/_kauth/sign-out")
	if press(tab); heading(tab) != "You are signed out" {
		t.Errorf("heading %q", heading(tab))
	}
}
