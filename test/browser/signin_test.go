package browser

import (
	"crypto/rand"
	"encoding/base64"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/testenv"
)

// withPage makes a gate ask for the password on a page. Gates with the same key file share their sessions.
func withPage(keyFile string) func(*gateconf.Config) {
	return func(c *gateconf.Config) { c.SignIn, c.SessionKeyFile = gateconf.SignInPage, keyFile }
}

func newKey(t *testing.T) string {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	name := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(name, []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// visit opens a page and returns its status.
func visit(tab *testenv.Tab, url string) int {
	tab.Send("Page.navigate", testenv.Params{"url": url})
	return loaded(tab)
}

// enter fills the form in and sends it as a person does, by keys, and returns the status of the page that comes of it.
func enter(tab *testenv.Tab, name, password string) int {
	send(tab, name, password)
	return loaded(tab)
}

// signIn is enter with what is right, until the page that the person wanted to see is there.
func signIn(tab *testenv.Tab) int {
	send(tab, user, password)
	return arrived(tab)
}

// arrived waits until a page of the application is there, and returns its status.
func arrived(tab *testenv.Tab) int {
	return loadedWhere(tab, func(url string) bool { return !strings.Contains(url, "/_kauth/") })
}

func send(tab *testenv.Tab, name, password string) {
	if name != "" {
		testenv.Evaluate[any](tab, `document.querySelector("#username").value = ""`)
		focus(tab, "#username")
		tab.Call("Input.insertText", testenv.Params{"text": name}, nil)
	}
	focus(tab, "#password")
	tab.Call("Input.insertText", testenv.Params{"text": password}, nil)
	key(tab, "Enter", 13)
}

// key presses a key and lets it go.
func key(tab *testenv.Tab, name string, code int) {
	press := testenv.Params{"type": "keyDown", "key": name, "code": name, "windowsVirtualKeyCode": code}
	if name == "Enter" {
		press["text"] = "\r"
	}
	tab.Send("Input.dispatchKeyEvent", press)
	tab.Send("Input.dispatchKeyEvent", testenv.Params{"type": "keyUp", "key": name, "code": name, "windowsVirtualKeyCode": code})
}

func focus(tab *testenv.Tab, selector string) {
	testenv.Evaluate[any](tab, `document.querySelector("`+selector+`").focus()`)
}

// focused waits until a field has the focus, which browsers give it when they paint, and returns its id.
func focused(tab *testenv.Tab) string {
	return testenv.Evaluate[string](tab, `new Promise(done => {
		const end = Date.now() + 10000, look = () =>
			document.activeElement !== document.body || Date.now() > end ? done(document.activeElement.id) : setTimeout(look, 10);
		look();
	})`)
}

// place is the address that the tab shows, without the host.
func place(tab *testenv.Tab) string {
	return testenv.Evaluate[string](tab, `location.pathname + location.search + location.hash`)
}

// A person is sent to the page, mistypes, gets it right, comes to the place they wanted, and is not asked again.
func TestSignIn(t *testing.T) {
	gate := startGate(t, startUpstream(t), withPage(newKey(t)))
	tab := newTab(t)
	setSize(tab, 1280, 800)
	if status := visit(tab, gate+"/?tab=alerts&q=a%26b#/silences/7"); status != 200 || heading(tab) != "Sign in" {
		t.Fatalf("status %d, heading %q, want the page", status, heading(tab))
	}
	if got := focused(tab); got != "username" {
		t.Errorf("the focus is on %q", got)
	}
	screenshot(t, tab, "sign-in", 1280, 800)

	if status := enter(tab, user, "guessed"); status != 403 || heading(tab) != "Not signed in" {
		t.Errorf("a wrong password: status %d, heading %q", status, heading(tab))
	}
	if got := testenv.Evaluate[string](tab, `["`+focused(tab)+`", document.querySelector("#username").value, document.querySelector("#password").value,
		document.getElementById(document.querySelector("#password").getAttribute("aria-describedby")).getAttribute("role")].join()`); got != "password,"+user+",,alert" {
		t.Errorf("after a wrong password the page is %q", got)
	}
	screenshot(t, tab, "sign-in-wrong", 1280, 800)

	if status := signIn(tab); status != 200 || heading(tab) != "The application" {
		t.Fatalf("after the right password: status %d, heading %q", status, heading(tab))
	}
	if got, want := place(tab), "/?tab=alerts&q=a%26b#/silences/7"; got != want {
		t.Errorf("the person came to %s, and wanted %s", got, want)
	}
	if got := testenv.Evaluate[string](tab, `document.cookie`); got != "" {
		t.Errorf("a script sees %q", got)
	}
	if got := testenv.Evaluate[string](tab, `document.querySelector("#cookies").textContent`); got != "[]" {
		t.Errorf("the application was given cookies of the gate")
	}
	if up := testenv.Evaluate[bool](tab, `fetch("/api").then(r => r.json()).then(o => o.up)`); !up {
		t.Error("a script of the page could not fetch")
	}
	if status := visit(tab, gate+"/_kauth/sign-in?return=/%3Fagain"); status != 200 || place(tab) != "/?again" {
		t.Errorf("the page for somebody who is signed in: status %d at %s", status, place(tab))
	}
	complaints(t, tab)
}

// complaints fails the test if the browser complains about a page's policy.
func complaints(t *testing.T, tab *testenv.Tab) {
	t.Helper()
	type entry struct {
		Entry struct{ Source, Text string }
	}
	for _, e := range testenv.Seen[entry](tab, "Log.entryAdded") {
		if e.Entry.Source == "security" || strings.Contains(e.Entry.Text, "Content Security Policy") {
			t.Errorf("the browser complains: %s", e.Entry.Text)
		}
	}
}

// press clicks the page's button and returns the status of the page that comes of it.
func press(tab *testenv.Tab) int {
	testenv.Evaluate[any](tab, `document.querySelector(".go").click()`)
	return loaded(tab)
}

func TestSignOut(t *testing.T) {
	gate := startGate(t, startUpstream(t), withPage(newKey(t)))
	tab := newTab(t)
	setSize(tab, 1280, 800)
	visit(tab, gate+"/")
	if status := signIn(tab); status != 200 {
		t.Fatalf("sign-in: status %d", status)
	}
	if status := visit(tab, gate+"/_kauth/sign-out"); status != 200 || heading(tab) != "Sign out?" {
		t.Errorf("status %d, heading %q", status, heading(tab))
	}
	screenshot(t, tab, "sign-out", 1280, 800)
	if status := visit(tab, gate+"/"); status != 200 || heading(tab) != "The application" {
		t.Errorf("the page alone, which any site may link to, has signed out: status %d, heading %q", status, heading(tab))
	}
	visit(tab, gate+"/_kauth/sign-out")
	if status := press(tab); status != 200 || heading(tab) != "You are signed out" {
		t.Errorf("status %d, heading %q", status, heading(tab))
	}
	screenshot(t, tab, "signed-out", 1280, 800)
	if status := press(tab); status != 200 || heading(tab) != "Sign in" {
		t.Errorf("after the sign-out: status %d, heading %q", status, heading(tab))
	}
	complaints(t, tab)
}

// Without scripts, with the keyboard alone.
func TestSignInWithoutJavaScript(t *testing.T) {
	gate := startGate(t, startUpstream(t), withPage(newKey(t)))
	tab := newTab(t)
	visit(tab, gate+"/")
	tab.Call("Emulation.setScriptExecutionDisabled", testenv.Params{"value": true}, nil)
	visit(tab, gate+"/?plain")
	tab.Call("Emulation.setScriptExecutionDisabled", testenv.Params{"value": false}, nil) // for the test's own look
	if got := focused(tab); got != "username" {
		t.Fatalf("the focus is on %q", got)
	}
	tab.Call("Emulation.setScriptExecutionDisabled", testenv.Params{"value": true}, nil)
	tab.Call("Input.insertText", testenv.Params{"text": user}, nil)
	key(tab, "Tab", 9)
	tab.Call("Input.insertText", testenv.Params{"text": password}, nil)
	key(tab, "Tab", 9)
	key(tab, "Enter", 13)
	status := arrived(tab)
	tab.Call("Emulation.setScriptExecutionDisabled", testenv.Params{"value": false}, nil)
	if status != 200 || place(tab) != "/?plain" || heading(tab) != "The application" {
		t.Errorf("status %d at %s, heading %q", status, place(tab), heading(tab))
	}
}

// A gate below a path: its cookie goes to the path itself as well, and to nothing else.
func TestSignInBelowAPath(t *testing.T) {
	gate := startGate(t, startUpstream(t), func(c *gateconf.Config) { withPage(newKey(t))(c); c.Prefix = "/shop" })
	tab := newTab(t)
	if status := visit(tab, gate+"/shop"); status != 200 || heading(tab) != "Sign in" {
		t.Fatalf("status %d, heading %q", status, heading(tab))
	}
	signIn(tab)
	for path, want := range map[string]string{"/shop": "/shop", "/shop/": "/shop/", "/shop/x?y": "/shop/x?y", "/": "/shop/", "/shopping": "/shop/", "/shop%2fx": "/shop/"} {
		visit(tab, gate+path)
		if got := place(tab); got != want {
			t.Errorf("%s led to %s, want %s", path, got, want)
		}
	}
}

// Whoever was signed in by one gate is by another with the same key, and by none with another key. (Cookies go to all
// ports of a host.)
func TestGatesShareSessions(t *testing.T) {
	key := newKey(t)
	hash, err := htpasswd.Generate(password, htpasswd.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	users := filepath.Join(t.TempDir(), "auth")
	if err := os.WriteFile(users, []byte(user+":"+hash.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	with := func(key string) func(c *gateconf.Config) {
		return func(c *gateconf.Config) { withPage(key)(c); c.UsersFile = users }
	}
	up := startUpstream(t)
	one, two, other := startGate(t, up, with(key)), startGate(t, up, with(key)), startGate(t, up, with(newKey(t)))
	tab := newTab(t)
	visit(tab, one+"/")
	signIn(tab)
	for gate, want := range map[string]string{one: "The application", two: "The application", other: "Sign in"} {
		if visit(tab, gate+"/"); heading(tab) != want {
			t.Errorf("heading %q, want %q", heading(tab), want)
		}
	}
}

// An application that sends its visitors on to another origin, say to sign in there as well.
func TestSignInThenElsewhere(t *testing.T) {
	gate, elsewhere := startGate(t, startUpstream(t), withPage(newKey(t))), startUpstream(t)
	tab := newTab(t)
	visit(tab, gate+"/elsewhere?to="+url.QueryEscape(elsewhere+"/"))
	if status := signIn(tab); status != 200 || heading(tab) != "The application" {
		t.Errorf("status %d, heading %q", status, heading(tab))
	}
	if got := testenv.Evaluate[string](tab, "location.origin"); got != elsewhere {
		t.Errorf("the person is at %s, want %s", got, elsewhere)
	}
	complaints(t, tab)
}
