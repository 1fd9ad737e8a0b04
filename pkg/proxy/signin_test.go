package proxy

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"html"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

func newKeyText() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return base64.StdEncoding.EncodeToString(key) + "\n"
}

// withPage makes a gate with a sign-in page and a key of its own.
func withPage(t testing.TB) func(*gateconf.Config) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	writeFile(t, file, newKeyText())
	return func(c *gateconf.Config) { c.SignIn, c.SessionKeyFile = gateconf.SignInPage, file }
}

// person is a browser without its rules about cookies: it sends back what it was given.
type person struct {
	t       testing.TB
	url     string // of the gate, with its prefix
	cookies map[string]string
}

func newPerson(t testing.TB, g *runningGate, prefix string) *person {
	return &person{t: t, url: g.url + prefix, cookies: map[string]string{}}
}

// do sends a request as a navigation, but for the headers given.
func (v *person) do(method, path, body string, headers ...string) (*http.Response, string) {
	v.t.Helper()
	r := request(v.t, method, v.url+path, strings.NewReader(body), append([]string{"-Authorization", "Accept: text/html"}, headers...)...)
	if body == "" {
		r.Body, r.ContentLength = nil, 0
	} else if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, text := send(v.t, r)
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		} else {
			v.cookies[c.Name] = c.Value
		}
	}
	return res, text
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]*)"`)

// token opens one of the gate's pages and returns what its form carries.
func (v *person) token(page string) string {
	v.t.Helper()
	_, body := v.do("GET", "/_kauth/"+page, "")
	found := tokenField.FindStringSubmatch(body)
	if found == nil {
		v.t.Fatalf("no token in %s", body)
	}
	return html.UnescapeString(found[1])
}

func form(pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values.Encode()
}

func (v *person) signIn(user, password string, more ...string) (*http.Response, string) {
	v.t.Helper()
	return v.do("POST", "/_kauth/sign-in", form("token", v.token("sign-in"), "username", user, "password", password, "return", "/x"), more...)
}

func TestSignInAndOut(t *testing.T) {
	rec := &recorder{}
	g := startGate(t, startUpstream(t, rec.ServeHTTP), withPage(t))
	v := newPerson(t, g, "")
	res, _ := v.do("GET", "/graph?q=1&r=%26", "")
	if to := res.Header.Get("Location"); res.StatusCode != 303 || to != "/_kauth/sign-in?return=%2Fgraph%3Fq%3D1%26r%3D%2526" || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("a navigation: %s to %q", res.Status, to)
	}
	if res, body := v.do("GET", res.Header.Get("Location"), ""); res.StatusCode != 200 || !strings.Contains(body, `name="return" value="/graph?q=1&amp;r=%26"`) ||
		res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("WWW-Authenticate") != "" || !strings.Contains(res.Header.Get("Content-Security-Policy"), "form-action 'self'") {
		t.Errorf("the page: %s, %v", res.Status, res.Header)
	}
	res, body := v.signIn(testUser, `wrong"><b>`)
	if res.StatusCode != 403 || !strings.Contains(body, `value="`+testUser+`"`) || !strings.Contains(body, wrongPassword) || strings.Contains(body, "<b>") || v.cookies["__Host-kauth"] != "" {
		t.Errorf("a wrong password: %s %s", res.Status, body)
	}
	res, body = v.signIn(`"><script>`, "x")
	if res.StatusCode != 403 || strings.Contains(body, `"><script>`) {
		t.Errorf("a user name of HTML: %s %s", res.Status, body)
	}
	res, body = v.signIn(testUser, testPassword)
	if res.StatusCode != 200 || !strings.Contains(body, `href="/x"`) || !strings.Contains(res.Header.Get("Content-Security-Policy"), "form-action 'none'; frame-ancestors 'none'; script-src 'sha256-") {
		t.Fatalf("the right password: %s %s", res.Status, body)
	}
	if got := res.Header.Get("Set-Cookie"); !regexp.MustCompile(`^__Host-kauth=[\w-]+; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax$`).MatchString(got) {
		t.Errorf("the cookie is %s", got)
	}
	rec.take()
	if res, _ := v.do("GET", "/graph", ""); res.StatusCode != 200 {
		t.Errorf("with the session: %s", res.Status)
	}
	if got, _ := rec.take(); len(got) != 1 || got[0].Header.Get("X-Forwarded-User") != testUser || got[0].Header["Cookie"] != nil {
		t.Errorf("the upstream was given %v", got)
	}
	waitFor(t, "the log", func() bool { return strings.Contains(g.logs.String(), `"check":"session","user":"`+testUser+`"`) })

	if res, _ := v.do("GET", "/_kauth/sign-in?return=/y", ""); res.StatusCode != 303 || res.Header.Get("Location") != "/y" {
		t.Errorf("the page for who is signed in: %s to %q", res.Status, res.Header.Get("Location"))
	}
	// Browsers send Basic credentials along for some paths and not for others: whom they sign in here would come back.
	if res, _ := newPerson(t, g, "").do("GET", "/_kauth/sign-in?return=/y", "", "Authorization: "+basicAuth); res.StatusCode != 200 {
		t.Errorf("the page for who sends Basic credentials: %s", res.Status)
	}

	token := v.token("sign-out")
	for what, bad := range map[string]string{"no token": "", "a sign-in token": newPerson(t, g, "").token("sign-in"), "cut": token[1:]} {
		if res, _ := v.do("POST", "/_kauth/sign-out", form("token", bad)); res.StatusCode != 403 || v.cookies["__Host-kauth"] == "" {
			t.Errorf("sign-out with %s: %s", what, res.Status)
		}
	}
	if res, body := v.do("POST", "/_kauth/sign-out", form("token", token)); res.StatusCode != 200 || !strings.Contains(body, "signed out") || v.cookies["__Host-kauth"] != "" {
		t.Errorf("sign-out: %s %s", res.Status, body)
	}
	if res, _ := v.do("GET", "/graph", ""); res.StatusCode != 303 {
		t.Errorf("after the sign-out: %s", res.Status)
	}
	if logs := g.logs.String(); strings.Contains(logs, testPassword) || strings.Contains(logs, "wrong\\\"") || strings.Contains(logs, token) {
		t.Error("a password or a token is in the log")
	}
	// A program that follows no page gets the redirect.
	v.cookies["__Host-kauth-form"] = newPerson(t, g, "").cookies["__Host-kauth-form"]
	if res, _ := v.signIn(testUser, testPassword, "-Accept", "Accept: */*"); res.StatusCode != 303 || res.Header.Get("Location") != "/x" {
		t.Errorf("a program: %s to %q", res.Status, res.Header.Get("Location"))
	}
}

// Who gets what without credentials.
func TestWhoIsSentToThePage(t *testing.T) {
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), withPage(t))
	const basic, own = `Basic realm="Restricted", charset="UTF-8"`, `Kauth-Session realm="Restricted"`
	for _, tt := range []struct {
		method  string
		headers []string
		status  int
		want    string // the challenge, or the Location
	}{
		{"GET", nil, 303, "/_kauth/sign-in?return=%2Fx"},
		{"HEAD", nil, 303, "/_kauth/sign-in?return=%2Fx"},
		{"GET", []string{"Sec-Fetch-Mode: navigate"}, 303, "/_kauth/sign-in?return=%2Fx"},
		{"GET", []string{"Cookie: __Host-kauth=forged"}, 303, "/_kauth/sign-in?return=%2Fx"},
		{"GET", []string{"-Accept"}, 401, basic},
		{"GET", []string{"-Accept", "Accept: */*"}, 401, basic},
		{"POST", nil, 401, basic},
		{"GET", []string{"Authorization: " + basicOf(testUser, "wrong")}, 401, basic},
		{"GET", []string{"Authorization: Bearer x"}, 401, basic},
		{"GET", []string{"Sec-Fetch-Mode: cors"}, 401, own},
		{"GET", []string{"Sec-Fetch-Mode: no-cors", "-Accept"}, 401, own},
		{"POST", []string{"Sec-Fetch-Mode: same-origin"}, 401, own},
		{"POST", []string{"Sec-Fetch-Mode: navigate"}, 401, own},
		{"GET", []string{"X-Requested-With: XMLHttpRequest"}, 401, own},
		{"GET", []string{"Connection: Upgrade", "Upgrade: websocket", "Origin: http://" + g.Addr()}, 401, own},
		{"GET", []string{"Connection: Upgrade", "Upgrade: websocket", "-Accept"}, 401, basic},
	} {
		res, _ := newPerson(t, g, "").do(tt.method, "/x", "", tt.headers...)
		got := res.Header.Get("Location") + strings.Join(res.Header["Www-Authenticate"], "|")
		if res.StatusCode != tt.status || got != tt.want {
			t.Errorf("%s %q: %s, %q, want %d, %q", tt.method, tt.headers, res.Status, got, tt.status, tt.want)
		}
	}
	if got := statusFor(t, g, testUser, testPassword); got != http.StatusOK {
		waitFor(t, "the rest after the wrong one", func() bool { return statusFor(t, g, testUser, testPassword) == http.StatusOK })
	}
}

// Forms that nobody filled in here.
func TestForeignForms(t *testing.T) {
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), withPage(t))
	other := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), withPage(t))
	good := newPerson(t, g, "")
	token := good.token("sign-in")
	strangers, theirs := newPerson(t, g, ""), newPerson(t, other, "")
	strange, foreign := strangers.token("sign-in"), theirs.token("sign-in")
	right := func(token string) string {
		return form("token", token, "username", testUser, "password", testPassword, "return", "/")
	}
	for _, tt := range []struct {
		name    string
		cookie  string
		body    string
		headers []string
		status  int
		text    string
	}{
		{"no token", good.cookies["__Host-kauth-form"], right(""), nil, 403, staleForm},
		{"no cookie", "", right(token), nil, 403, "cookie back"},
		{"a stranger's token", good.cookies["__Host-kauth-form"], right(strange), nil, 403, staleForm},
		{"a stranger's cookie", strangers.cookies["__Host-kauth-form"], right(token), nil, 403, staleForm},
		{"a token of another gate", theirs.cookies["__Host-kauth-form"], right(foreign), nil, 403, staleForm},
		{"a cookie of the sender's choice", "AAAAAAAAAAAAAAAAAAAAAA", right(token), nil, 403, staleForm},
		{"from another site", good.cookies["__Host-kauth-form"], right(token), []string{"Sec-Fetch-Site: cross-site"}, 403, "403 forbidden"},
		{"from another host of the site", good.cookies["__Host-kauth-form"], right(token), []string{"Sec-Fetch-Site: same-site"}, 403, "403 forbidden"},
		{"from another origin, of an old browser", good.cookies["__Host-kauth-form"], right(token), []string{"Origin: https://evil.example"}, 403, "403 forbidden"},
		{"in the query", good.cookies["__Host-kauth-form"], "x=y", nil, 403, staleForm},
		{"as JSON", good.cookies["__Host-kauth-form"], `{}`, []string{"Content-Type: application/json"}, 415, ""},
		{"as text", good.cookies["__Host-kauth-form"], right(token), []string{"Content-Type: text/plain"}, 415, ""},
		{"too large", good.cookies["__Host-kauth-form"], right(token) + "&x=" + strings.Repeat("x", maxForm), nil, 413, ""},
		{"not a form", good.cookies["__Host-kauth-form"], "%zz", nil, 400, ""},
		{"the real one", good.cookies["__Host-kauth-form"], right(token), []string{"Sec-Fetch-Site: same-origin", "Origin: " + g.url}, 200, "You are signed in"},
	} {
		v := newPerson(t, g, "")
		if tt.cookie != "" {
			v.cookies["__Host-kauth-form"] = tt.cookie
		}
		path := "/_kauth/sign-in"
		if tt.name == "in the query" {
			path += "?" + right(token)
		}
		res, body := v.do("POST", path, tt.body, tt.headers...)
		if res.StatusCode != tt.status || !strings.Contains(html.UnescapeString(body), tt.text) {
			t.Errorf("%s: %s %s", tt.name, res.Status, body)
		}
		if (v.cookies["__Host-kauth"] != "") != (tt.status == 200) {
			t.Errorf("%s: a session %q", tt.name, v.cookies["__Host-kauth"])
		}
	}
	v := newPerson(t, g, "")
	if res, _ := v.do("PUT", "/_kauth/sign-in", "x"); res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("PUT: %s", res.Status)
	}
	if res, _ := v.do("GET", "/_kauth/other", ""); res.StatusCode != 404 {
		t.Errorf("another page: %s", res.Status)
	}
}

// Forms that never come to an end use up no more connections than requests that never do, and keep nobody out.
func TestSlowForms(t *testing.T) {
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), withPage(t))
	start := time.Now()
	var conns []net.Conn
	for range maxRush + 50 {
		conn, err := net.Dial("tcp", g.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
		_, _ = conn.Write([]byte("POST /_kauth/sign-in HTTP/1.1\r\nHost: app\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nx"))
	}
	var closed atomic.Int32
	for _, conn := range conns {
		go func() {
			_ = conn.SetReadDeadline(start.Add(formTimeout * 8 / 10))
			var timeout net.Error
			if _, err := conn.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
				closed.Add(1)
			}
		}()
	}
	waitFor(t, "those to be closed who are too many", func() bool { return closed.Load() >= 50 })
	if res, body := newPerson(t, g, "").signIn(testUser, testPassword); res.StatusCode != 200 {
		t.Errorf("a person: %s %s", res.Status, body)
	}
}
