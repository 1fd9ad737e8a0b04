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

// People see a page, programs a line; both see the challenge.
func TestUnauthorized(t *testing.T) {
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), func(c *gateconf.Config) { c.Realm = `<b>"ops" & co</b>` })
	for _, tt := range []struct {
		method, accept, kind string
	}{
		{"GET", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"},
		{"HEAD", "text/html", "text/html"},
		{"GET", "*/*", "text/plain"},
		{"GET", "", "text/plain"},
		{"GET", "application/json", "text/plain"},
		{"GET", "text/html;q=0, application/json", "text/plain"},
		{"POST", "text/html", "text/plain"},
	} {
		for _, credential := range []string{"", "Authorization: " + basicOf(testUser, "wrong"), "Authorization: Bearer abc", "Authorization: Basic !!"} {
			r := request(t, tt.method, g.url+"/", nil, "-Authorization")
			if tt.accept != "" {
				r.Header.Set("Accept", tt.accept)
			}
			if name, value, ok := strings.Cut(credential, ": "); ok {
				r.Header.Set(name, value)
			}
			res, body := send(t, r)
			if res.StatusCode == http.StatusTooManyRequests { // the rest after the failures before
				continue
			}
			if res.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(res.Header.Get("Content-Type"), tt.kind) {
				t.Errorf("%+v %q: got %s %s", tt, credential, res.Status, res.Header.Get("Content-Type"))
			}
			if got := res.Header.Get("WWW-Authenticate"); got != `Basic realm="<b>\"ops\" & co</b>", charset="UTF-8"` {
				t.Errorf("challenge is %s", got)
			}
			for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"} {
				if got := res.Header.Get(name); got != want {
					t.Errorf("%s is %q", name, got)
				}
			}
			if p := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(p, "default-src 'none'") || strings.Contains(p, "unsafe") {
				t.Errorf("policy is %q", p)
			}
			if strings.Contains(body, "<b>") || strings.Contains(body, "wrong") {
				t.Errorf("the realm is not escaped, or the reason shown: %s", body)
			}
		}
	}
}

func TestBuiltInPagesAreWhole(t *testing.T) {
	p, err := newPages(gateconf.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	for status, page := range p.byStatus {
		body := string(page.body)
		for _, banned := range []string{"{{", "<script", "http://", "https://", "src=", "@import", "url("} {
			if strings.Contains(body, banned) {
				t.Errorf("%d: %q in the page", status, banned)
			}
		}
	}
}

func TestPagesDir(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "401.html"), "<h1>ours</h1>")
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), func(c *gateconf.Config) { c.PagesDir = dir })
	if _, body := send(t, request(t, "GET", g.url+"/", nil, "-Authorization", "Accept: text/html")); body != "<h1>ours</h1>" {
		t.Errorf("got %q", body)
	}
	for name, prepare := range map[string]func(dir string){
		"missing":   func(dir string) { os.Remove(dir) },
		"empty":     func(dir string) { writeFile(t, filepath.Join(dir, "502.html"), "") },
		"not UTF-8": func(dir string) { writeFile(t, filepath.Join(dir, "502.html"), "\xff\xfe") },
		"too large": func(dir string) { writeFile(t, filepath.Join(dir, "502.html"), strings.Repeat("a", maxPage+1)) },
		"a folder":  func(dir string) { _ = os.Mkdir(filepath.Join(dir, "502.html"), 0o755) },
	} {
		dir := t.TempDir()
		prepare(dir)
		cfg := gateconf.Defaults()
		cfg.Upstream, cfg.UsersFile, cfg.PagesDir = "http://127.0.0.1:1", "/none", dir
		if _, err := New(cfg, Options{}); err == nil || !strings.Contains(err.Error(), "--pages-dir: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	cfg := gateconf.Defaults()
	cfg.Upstream, cfg.UsersFile = "http://127.0.0.1:9090", filepath.Join(dir, "auth")
	var out strings.Builder
	if err := Check(cfg, &out); err == nil || !strings.Contains(err.Error(), "kubectl basicauth user add") {
		t.Errorf("no file: %v", err)
	}
	const sha = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="
	writeFile(t, cfg.UsersFile, line(t, testUser, testPassword)+"bob:"+sha+"\n")
	out.Reset()
	if err := Check(cfg, &out); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"2 in " + cfg.UsersFile + " (1 bcrypt, 1 sha1)", `user "bob"`, "kubectl basicauth user passwd bob", "built in: 401, 429, 502, 503"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %s", want, out.String())
		}
	}
	writeFile(t, cfg.UsersFile, "bob:"+sha[:10]+"\n")
	cfg.PagesDir, cfg.Upstream, cfg.UpstreamCAFile = filepath.Join(dir, "none"), "https://127.0.0.1:1", filepath.Join(dir, "none.pem")
	err := Check(cfg, io.Discard)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"line 1", "no users", "--pages-dir", "--upstream-ca-file"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if strings.Contains(out.String()+err.Error(), sha[:10]) {
		t.Error("a hash is shown")
	}
}
