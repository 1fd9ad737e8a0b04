package browser

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// A challenge is what the browser tells its user about a login that it was asked for.
type challenge struct{ Source, Origin, Scheme, Realm string }

type authRequired struct {
	RequestID     string
	AuthChallenge challenge
}

type requestPaused struct {
	RequestID string
	Request   struct{ URL string }
}

// answerLogins lets the test answer the browser's prompts, as a person would: headless, it shows none.
func answerLogins(tab *testenv.Tab) {
	tab.Call("Fetch.enable", testenv.Params{"handleAuthRequests": true, "patterns": []testenv.Params{{"resourceType": "Document"}}}, nil)
}

// open starts a navigation and lets its request through.
func open(tab *testenv.Tab, url string) {
	tab.Send("Page.navigate", testenv.Params{"url": url})
	proceed(tab)
}

// proceed lets the next navigation's request through.
func proceed(tab *testenv.Tab) {
	paused := testenv.Await[requestPaused](tab, "Fetch.requestPaused", nil)
	tab.Call("Fetch.continueRequest", testenv.Params{"requestId": paused.RequestID}, nil)
}

// prompt waits until the browser would ask for a user and a password.
func prompt(tab *testenv.Tab) authRequired {
	return testenv.Await[authRequired](tab, "Fetch.authRequired", nil)
}

func logIn(tab *testenv.Tab, asked authRequired, password string) {
	tab.Call("Fetch.continueWithAuth", testenv.Params{"requestId": asked.RequestID, "authChallengeResponse": testenv.Params{
		"response": "ProvideCredentials", "username": user, "password": password,
	}}, nil)
}

func cancel(tab *testenv.Tab, asked authRequired) {
	tab.Call("Fetch.continueWithAuth", testenv.Params{
		"requestId": asked.RequestID, "authChallengeResponse": testenv.Params{"response": "CancelAuth"},
	}, nil)
}

// loaded waits until a page is there and returns its status.
func loaded(tab *testenv.Tab) int { return loadedWhere(tab, func(string) bool { return true }) }

// loadedWhere waits until a page is there for whose address where says yes, and returns its status.
func loadedWhere(tab *testenv.Tab, where func(url string) bool) int {
	type received struct {
		Type, LoaderID string
		Response       struct {
			Status int
			URL    string
		}
	}
	type stage struct{ LoaderID, Name string }
	got := testenv.Await(tab, "Network.responseReceived", func(r received) bool { return r.Type == "Document" && where(r.Response.URL) })
	testenv.Await(tab, "Page.lifecycleEvent", func(s stage) bool { return s.LoaderID == got.LoaderID && s.Name == "load" })
	return got.Response.Status
}

func heading(tab *testenv.Tab) string {
	return testenv.Evaluate[string](tab, `document.querySelector("h1").textContent`)
}

// A person mistypes, then gets it right, and is not asked again: not for the next page, and not for what its scripts
// fetch.
func TestLogin(t *testing.T) {
	gate := startGate(t, startUpstream(t), nil)
	tab := newTab(t)
	answerLogins(tab)
	open(tab, gate+"/")
	want := challenge{Source: "Server", Origin: gate, Scheme: "basic", Realm: realm}
	first := prompt(tab)
	if diff := cmp.Diff(want, first.AuthChallenge); diff != "" {
		t.Errorf("the challenge as the browser understands it (-want +got):\n%s", diff)
	}
	logIn(tab, first, "guessed")
	second := prompt(tab)
	if diff := cmp.Diff(want, second.AuthChallenge); diff != "" {
		t.Errorf("the challenge after a wrong password (-want +got):\n%s", diff)
	}
	logIn(tab, second, password)
	if status := loaded(tab); status != 200 || heading(tab) != "The application" {
		t.Errorf("after the login: status %d, heading %q", status, heading(tab))
	}
	if got := testenv.Evaluate[string](tab, `document.querySelector("#credential").textContent`); got != "[]" {
		t.Errorf("the application was given the password: %.10s...", got)
	}

	open(tab, gate+"/?again")
	if status := loaded(tab); status != 200 {
		t.Errorf("the next page: status %d", status)
	}
	if up := testenv.Evaluate[bool](tab, `fetch("/api").then(r => r.json()).then(o => o.up)`); !up {
		t.Error("a script of the page could not fetch")
	}
	if more := testenv.Seen[authRequired](tab, "Fetch.authRequired"); len(more) > 0 {
		t.Errorf("asked again, %d times, after the login", len(more))
	}
}

// Who gives up sees the gate's page, and its button asks anew.
func TestCancelledLogin(t *testing.T) {
	gate := startGate(t, startUpstream(t), nil)
	tab := newTab(t)
	answerLogins(tab)
	setSize(tab, 1280, 800)
	open(tab, gate+"/")
	cancel(tab, prompt(tab))
	if status := loaded(tab); status != 401 || heading(tab) != "Sign in to continue" {
		t.Errorf("after the cancelled login: status %d, heading %q", status, heading(tab))
	}
	if got := testenv.Evaluate[string](tab, `document.querySelector(".realm").textContent`); got != realm {
		t.Errorf("the page names the realm %q, want %q", got, realm)
	}
	if body := testenv.Evaluate[string](tab, `document.body.textContent`); strings.Contains(body, "The application") {
		t.Error("the application's page shows without a login")
	}
	screenshot(t, tab, "401", 1280, 800)

	testenv.Evaluate[any](tab, `document.querySelector("a.go").click()`)
	proceed(tab)
	logIn(tab, prompt(tab), password)
	if status := loaded(tab); status != 200 || heading(tab) != "The application" {
		t.Errorf("after the button and the login: status %d, heading %q", status, heading(tab))
	}
}
