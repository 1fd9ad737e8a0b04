package proxy

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

// Who signs in gets a session of the gate's making, whatever cookie was there before; and one user's form to sign out is
// none of another's.
func TestSessionFixation(t *testing.T) {
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), withPage(t))
	writeFile(t, g.usersFile, string(g.users.watcher.State().Value.Bytes())+line(t, "mallory", "pw"))
	waitFor(t, "mallory to be in force", func() bool { return g.users.snapshot().count == 2 })
	mallory, alice := newPerson(t, g, ""), newPerson(t, g, "")
	mallory.signIn("mallory", "pw")
	token := alice.token("sign-in")
	alice.cookies["__Host-kauth"] = mallory.cookies["__Host-kauth"]
	if res, body := alice.do("POST", "/_kauth/sign-in", form("token", token, "username", testUser, "password", testPassword)); res.StatusCode != 200 || alice.cookies["__Host-kauth"] == mallory.cookies["__Host-kauth"] {
		t.Fatalf("%s %s", res.Status, body)
	}
	if s, ok := g.users.sessions.check.Find(&http.Request{Header: http.Header{"Cookie": {"__Host-kauth=" + alice.cookies["__Host-kauth"]}}}); !ok || s.User != testUser {
		t.Errorf("the session is of %q", s.User)
	}
	theirs := mallory.token("sign-out")
	alice.cookies["__Host-kauth-form"] = mallory.cookies["__Host-kauth-form"]
	if res, _ := alice.do("POST", "/_kauth/sign-out", form("token", theirs)); res.StatusCode != 403 || alice.cookies["__Host-kauth"] == "" {
		t.Errorf("sign-out with another user's form: %s", res.Status)
	}
}

// Without a key, a gate asks by the browser's dialog, says so, and nobody is let in or sent in circles. With a key again, the
// page is there again.
func TestWithoutSessionKey(t *testing.T) {
	t.Parallel() // it waits more than it works
	file := filepath.Join(t.TempDir(), "key")
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), func(c *gateconf.Config) { c.SignIn, c.SessionKeyFile = gateconf.SignInPage, file })
	dialog := func(what string) {
		t.Helper()
		v := newPerson(t, g, "")
		for _, headers := range [][]string{nil, {"Sec-Fetch-Mode: cors"}, {"Cookie: __Host-kauth=x"}} {
			if res, _ := v.do("GET", "/x", "", headers...); res.StatusCode != 401 || !strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%s, %q: %s", what, headers, res.Status)
			}
		}
		for _, method := range []string{"GET", "POST"} {
			if res, _ := v.do(method, "/_kauth/sign-in?return=/x", ""); res.StatusCode != 303 || res.Header.Get("Location") != "/x" {
				t.Errorf("%s: the page: %s to %q", what, res.Status, res.Header.Get("Location"))
			}
		}
		if got := statusFor(t, g, testUser, testPassword); got != 200 {
			t.Errorf("%s: a right password: %d", what, got)
		}
		if _, m := send(t, request(t, "GET", g.admin+"/metrics", nil)); !strings.Contains(m, "kauth_proxy_session_keys 0\n") {
			t.Errorf("%s: the metric does not say so", what)
		}
	}
	dialog("no file")
	waitFor(t, "the log line", func() bool {
		return strings.Contains(g.logs.String(), "no session key: the browser's dialog asks for passwords")
	})
	const secret = "bm90IGxvbmcgZW5vdWdo"
	writeFile(t, file, secret)
	waitFor(t, "the log line", func() bool {
		return strings.Contains(g.logs.String(), "session key file cannot be used: the browser's dialog")
	})
	dialog("a bad file")

	keys := newKeyText()
	writeFile(t, file, keys)
	waitFor(t, "the keys", g.users.sessions.check.Ready)
	v := newPerson(t, g, "")
	if res, _ := v.signIn(testUser, testPassword); res.StatusCode != 200 {
		t.Fatal(res.Status)
	}
	writeFile(t, file, keys+secret)
	waitFor(t, "the log line", func() bool { return strings.Contains(g.logs.String(), "the last good keys stay in force") })
	if res, _ := v.do("GET", "/x", ""); res.StatusCode != 200 {
		t.Errorf("with the last good key: %s", res.Status)
	}
	writeFile(t, file, newKeyText()+keys)
	waitFor(t, "the rotation", func() bool { return g.users.sessions.watcher.State().Value.Len() == 2 })
	if res, _ := v.do("GET", "/x", ""); res.StatusCode != 200 {
		t.Errorf("after a rotation: %s", res.Status)
	}
	if _, m := send(t, request(t, "GET", g.admin+"/metrics", nil)); !strings.Contains(m, "kauth_proxy_session_keys 2\n") ||
		!strings.Contains(m, `kauth_proxy_session_key_reloads_total{result="failure"} 3`) {
		t.Errorf("metrics are %s", m)
	}
	writeFile(t, file, newKeyText())
	waitFor(t, "the end of the old key", func() bool { return g.users.sessions.watcher.State().Value.Len() == 1 })
	if res, _ := v.do("GET", "/x", ""); res.StatusCode != 303 {
		t.Errorf("after the old key went: %s", res.Status)
	}
	for _, secret := range append(strings.Fields(keys), secret) {
		if strings.Contains(g.logs.String(), secret) {
			t.Error("a key is in the log")
		}
	}
}

// A session is good at every gate with the key and the users, also after a restart, and ends with the user's lines.
func TestSessionsOfReplicas(t *testing.T) {
	dir := t.TempDir()
	key, users := filepath.Join(dir, "key"), filepath.Join(dir, "auth")
	writeFile(t, key, newKeyText())
	writeFile(t, users, line(t, testUser, testPassword))
	same := func(c *gateconf.Config) { c.SignIn, c.SessionKeyFile, c.UsersFile = gateconf.SignInPage, key, users }
	up := startUpstream(t, (&recorder{}).ServeHTTP)
	v := newPerson(t, startGate(t, up, same), "")
	v.signIn(testUser, testPassword)
	other := startGate(t, up, same)
	v.url = other.url
	if res, _ := v.do("GET", "/x", ""); res.StatusCode != 200 {
		t.Errorf("at the other: %s", res.Status)
	}
	writeFile(t, users, line(t, testUser, testPassword)) // the same password, but another hash
	waitFor(t, "the new line", func() bool { return other.users.watcher.State().Reloads == 2 })
	if res, _ := v.do("GET", "/x", ""); res.StatusCode != 303 {
		t.Errorf("after the user's line changed: %s", res.Status)
	}
}

func TestPrefix(t *testing.T) {
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), func(c *gateconf.Config) { withPage(t)(c); c.Prefix = "/p" })
	v := newPerson(t, g, "/p")
	if res, _ := v.do("GET", "/x", ""); res.Header.Get("Location") != "/p/_kauth/sign-in?return=%2Fp%2Fx" {
		t.Errorf("sent to %q", res.Header.Get("Location"))
	}
	res, _ := v.signIn(testUser, testPassword)
	if got := res.Header.Get("Set-Cookie"); !strings.HasPrefix(got, "__Secure-kauth=") || !strings.Contains(got, "; Path=/p; Max-Age=43200; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("the cookie is %s", got)
	}
	v.url = g.url
	if res, _ := v.do("GET", "/_kauth/sign-in", ""); res.StatusCode != 200 || res.Header.Get("Content-Type") == "text/html; charset=utf-8" {
		t.Errorf("the application's own: %s", res.Status)
	}
}

// A session's user is what the application is told, and the Basic credentials beside it are not.
func TestBasicBesideASession(t *testing.T) {
	rec := &recorder{}
	g := startGate(t, startUpstream(t, rec.ServeHTTP), withPage(t))
	v := newPerson(t, g, "")
	v.signIn(testUser, testPassword)
	for credential, want := range map[string]string{basicOf("eve", "x"): "", "Bearer abc": "Bearer abc"} {
		res, _ := v.do("GET", "/x", "", "Authorization: "+credential)
		got, _ := rec.take()
		if res.StatusCode != 200 || len(got) != 1 {
			t.Fatalf("%s: %s", credential, res.Status)
		}
		if diff := cmp.Diff([]string{want, testUser}, []string{got[0].Header.Get("Authorization"), got[0].Header.Get("X-Forwarded-User")}); diff != "" {
			t.Error(diff)
		}
	}
	for _, header := range []string{"Sec-Fetch-Site: cross-site", "Origin: http://evil.example"} {
		if res, _ := v.do("POST", "/x", "y", header); res.StatusCode != 403 {
			t.Errorf("POST with %s: %s", header, res.Status)
		}
	}
	if got, _ := rec.take(); len(got) != 0 {
		t.Errorf("%d of them got there", len(got))
	}
}

// A WebSocket that a session opened ends with the session, and a page of another origin opens none.
func TestWebSocketOfASession(t *testing.T) {
	t.Parallel() // it waits more than it works
	g := startGate(t, startUpstream(t, echo), func(c *gateconf.Config) { withPage(t)(c); c.SessionTTL = 5 * time.Second })
	v := newPerson(t, g, "")
	v.signIn(testUser, testPassword)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	dial := func(origin string) (*websocket.Conn, error) {
		c, _, err := websocket.Dial(ctx, g.url, &websocket.DialOptions{HTTPHeader: http.Header{
			"Cookie": {"__Host-kauth=" + v.cookies["__Host-kauth"]}, "Origin": {origin},
		}})
		return c, err
	}
	if _, err := dial("http://evil.example"); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("from another origin: %v", err)
	}
	c, err := dial(g.url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if err := c.Write(ctx, websocket.MessageText, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Read(ctx); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
	if _, _, err := c.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("after the session it stays open: %v", err)
	}
	if res, _ := v.do("GET", "/", ""); res.StatusCode != 303 {
		t.Errorf("and the session: %s", res.Status)
	}
}

func TestCheckSessionKeys(t *testing.T) {
	cfg := gateconf.Defaults()
	cfg.Upstream, cfg.UsersFile = "http://127.0.0.1:9090", filepath.Join(t.TempDir(), "auth")
	writeFile(t, cfg.UsersFile, line(t, testUser, testPassword))
	withPage(t)(&cfg)
	key := newKeyText()
	for content, want := range map[string]string{
		key + newKeyText(): "sign-in page: 2 session keys in " + cfg.SessionKeyFile + ", signed by ",
		key + "c2VjcmV0\n": "line 2: a key of 6 bytes, and it takes 32; make one with openssl rand -base64 32; the browser's dialog asks for passwords until it is mended",
	} {
		writeFile(t, cfg.SessionKeyFile, content)
		var out strings.Builder
		if err := Check(cfg, &out); err != nil || !strings.Contains(out.String(), want) || strings.Contains(out.String(), strings.TrimSpace(key)) {
			t.Errorf("%v: %s", err, out.String())
		}
	}
}
