package proxy

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

const originValue = "0123456789abcdef"

// withOrigin asks for the header X-Origin-Verify, with one accepted value that ends in a newline as editors write it.
func withOrigin(t *testing.T, dir string) func(*gateconf.Config) {
	writeFile(t, filepath.Join(dir, "a"), originValue+"\n")
	return func(c *gateconf.Config) { c.RequireHeader, c.HeaderValuesDir = "x-origin-verify", dir }
}

func TestRequiredHeader(t *testing.T) {
	rec := &recorder{}
	g := startGate(t, startUpstream(t, rec.ServeHTTP), withOrigin(t, t.TempDir()))
	right := "X-Origin-Verify: " + originValue
	for _, tc := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"none", nil, 403},
		{"none, and no password", []string{"-Authorization"}, 403},
		{"wrong", []string{"X-Origin-Verify: fedcba9876543210"}, 403},
		{"empty", []string{"X-Origin-Verify: "}, 403},
		{"part of it", []string{"X-Origin-Verify: " + originValue[:15]}, 403},
		{"more than it", []string{right + "0"}, 403},
		{"twice", []string{right, right}, 403},
		{"right and wrong", []string{right, "X-Origin-Verify: x"}, 403},
		{"a list", []string{right + ", " + originValue}, 403},
		{"another spelling", []string{"X_Origin_Verify: " + originValue}, 403},
		{"right", []string{right}, 200},
		{"right, in lower case", []string{"x-origin-verify: " + originValue}, 200},
		{"right, and no password", []string{right, "-Authorization"}, 401},
		{"right, named in Connection", []string{right, "Connection: X-Origin-Verify"}, 200},
	} {
		for _, method := range []string{"GET", "POST"} { // the short way and the long one
			var body io.Reader
			if method == "POST" {
				body = strings.NewReader("body")
			}
			res, _ := send(t, request(t, method, g.url+"/x", body, tc.headers...))
			if res.StatusCode != tc.want {
				t.Errorf("%s, %s: %d, want %d", tc.name, method, res.StatusCode, tc.want)
			}
			got, _ := rec.take()
			if reached := len(got) == 1; reached != (tc.want == 200) || len(got) > 1 {
				t.Errorf("%s, %s: %d requests reached the upstream", tc.name, method, len(got))
			}
			for _, r := range got {
				if r.Header["X-Origin-Verify"] != nil {
					t.Errorf("%s, %s: the upstream got the header", tc.name, method)
				}
			}
		}
	}
	if logs := g.logs.String(); strings.Contains(logs, originValue) {
		t.Errorf("the value is in the log:\n%s", logs)
	}
}

// A name that is stripped from what clients send, as one of those that only a proxy may say.
func TestRequiredHeaderOfAStrippedName(t *testing.T) {
	dir := t.TempDir()
	with := withOrigin(t, dir)
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), func(c *gateconf.Config) {
		with(c)
		c.RequireHeader = "X-Original-Secret"
	})
	for value, want := range map[string]int{originValue: 200, "x": 403} {
		if res, _ := send(t, request(t, "GET", g.url+"/", nil, "X-Original-Secret: "+value)); res.StatusCode != want {
			t.Errorf("%q: %d, want %d", value, res.StatusCode, want)
		}
	}
}

func TestRequiredHeaderNotForHealth(t *testing.T) {
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), withOrigin(t, t.TempDir()))
	if res, _ := send(t, request(t, "GET", g.url+"/health", nil, "-Authorization")); res.StatusCode != 200 {
		t.Errorf("/health: %d", res.StatusCode)
	}
}

// Without a password the header is all that counts, and a credential is the application's own business.
func TestRequiredHeaderAlone(t *testing.T) {
	rec := &recorder{}
	with := withOrigin(t, t.TempDir())
	g := startGate(t, startUpstream(t, rec.ServeHTTP), func(c *gateconf.Config) {
		with(c)
		c.Auth, c.UsersFile = gateconf.AuthNone, ""
	})
	for _, tc := range []struct {
		headers []string
		want    int
	}{
		{[]string{"-Authorization"}, 403},
		{nil, 403},
		{[]string{"X-Origin-Verify: " + originValue}, 200},
		{[]string{"X-Origin-Verify: " + originValue, "-Authorization", "Authorization: Bearer of-the-application"}, 200},
		{[]string{"X-Origin-Verify: " + originValue, "X-Forwarded-User: admin"}, 200},
	} {
		r := request(t, "GET", g.url+"/x", nil, tc.headers...)
		res, _ := send(t, r)
		got, _ := rec.take()
		if reached := len(got) == 1; res.StatusCode != tc.want || reached != (tc.want == 200) {
			t.Fatalf("%q: %d, and %d requests reached the upstream", tc.headers, res.StatusCode, len(got))
		}
		if len(got) == 1 && (got[0].Header.Get("Authorization") != r.Header.Get("Authorization") || got[0].Header["X-Forwarded-User"] != nil) {
			t.Errorf("%q: the upstream got %q", tc.headers, got[0].Header)
		}
	}
	if res, body := send(t, request(t, "GET", g.admin+"/readyz", nil)); res.StatusCode != 200 || body != "ok\n" {
		t.Errorf("/readyz: %d %q", res.StatusCode, body)
	}
	if logs := g.logs.String(); strings.Contains(logs, "users file") {
		t.Errorf("speaks of users that nobody asks for:\n%s", logs)
	}
}

func TestRequiredHeaderChanges(t *testing.T) {
	t.Parallel() // it waits more than it works
	dir := filepath.Join(t.TempDir(), "values")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), withOrigin(t, dir))
	status := func(value string) int {
		res, _ := send(t, request(t, "GET", g.url+"/x", nil, "X-Origin-Verify: "+value))
		return res.StatusCode
	}
	becomes := func(what, value string, want int) {
		t.Helper()
		waitFor(t, what, func() bool { return status(value) == want })
	}
	becomes("the first value", originValue, 200)
	writeFile(t, filepath.Join(dir, "b"), "the next one of them")
	becomes("the second value beside it", "the next one of them", 200)
	if got := status(originValue); got != 200 {
		t.Errorf("the first value beside the second: %d", got)
	}
	if err := os.Remove(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	becomes("the first value to be gone", originValue, 403)
	writeFile(t, filepath.Join(dir, "b"), "two\nlines")
	waitFor(t, "the fault to be told", func() bool { return strings.Contains(g.logs.String(), "the last good ones stay in force") })
	if got := status("the next one of them"); got != 200 {
		t.Errorf("the last good value: %d", got)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	becomes("everybody to be refused", "the next one of them", http.StatusForbidden)
	if got := status(""); got != 403 {
		t.Errorf("no values, and an empty one: %d", got)
	}
}

// What a value cannot be, so that neither a directory full of something else nor an empty key opens the gate.
func TestHeaderValues(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  int // values; -1: an error
	}{
		{"two", map[string]string{"a": "x", "b": " y \n"}, 2},
		{"hidden ones", map[string]string{"a": "x", "..data": "y"}, 1},
		{"empty", map[string]string{"a": "x", "b": "\n"}, -1},
		{"control character", map[string]string{"a": "x\x00y"}, -1},
		{"none", map[string]string{}, -1},
		{"looks like another file", map[string]string{"a": "x\n\"b\" 1\ny"}, -1},
		{"long", map[string]string{"a": strings.Repeat("x", 4<<10+1)}, -1},
	} {
		dir := t.TempDir()
		for name, text := range tc.files {
			writeFile(t, filepath.Join(dir, name), text)
		}
		text, err := readValues(dir)
		var values []digest
		if err == nil {
			values, err = parseValues(text)
		}
		if (err != nil) != (tc.want < 0) || err == nil && len(values) != tc.want {
			t.Errorf("%s: %d values, %v", tc.name, len(values), err)
		}
	}
}
