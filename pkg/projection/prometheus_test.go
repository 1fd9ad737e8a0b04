package projection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/testenv"
	"github.com/kauth-dev/kauth/pkg/testenv/process"
)

// application is a real Prometheus that reads a web configuration.
type application struct {
	*testing.T
	url, dir, file string
	process        *process.Process
}

// start runs it with the web configuration text.
func start(t *testing.T, text string) *application {
	t.Helper()
	program, dir := testenv.Tool(t, "prometheus3"), t.TempDir()
	a := &application{T: t, dir: dir, file: filepath.Join(dir, "web.yml")}
	a.put(text)
	if err := os.WriteFile(filepath.Join(dir, "config.yml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 5 { // another program may be quicker to take the port
		a.run(program)
		if a.wait() {
			return a
		}
	}
	t.Fatal(a.process.Failure())
	return nil
}

func (a *application) run(program string) {
	a.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		a.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	if a.process, err = process.Start(filepath.Join(a.dir, "log"), program, "--config.file="+filepath.Join(a.dir, "config.yml"),
		"--web.config.file="+a.file, "--web.listen-address="+address, "--storage.tsdb.path="+filepath.Join(a.dir, "data")); err != nil {
		a.Fatal(err)
	}
	a.Cleanup(a.process.Kill)
	a.url = "http://" + address
}

// wait returns true when the program answers at all, and false when its port was taken.
func (a *application) wait() bool {
	a.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		if _, err := a.try("/-/healthy", "", ""); err == nil {
			return true
		} else if time.Now().After(deadline) {
			a.Fatalf("%v\n%s", err, a.process.Tail(20))
		}
		select {
		case <-a.process.Done():
			if err := a.process.Failure(); !errors.Is(err, process.ErrPortTaken) {
				a.Fatal(err)
			}
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// put replaces the file at once, as the kubelet does.
func (a *application) put(text string) {
	a.Helper()
	if err := errors.Join(os.WriteFile(a.file+".new", []byte(text), 0o600), os.Rename(a.file+".new", a.file)); err != nil {
		a.Fatal(err)
	}
}

func (a *application) try(path, user, password string) (int, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, a.url+path, nil)
	if err != nil {
		return 0, err
	}
	if user != "" {
		request.SetBasicAuth(user, password)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, errors.Join(err, response.Body.Close())
}

func (a *application) want(code int, path, user, password string) {
	a.Helper()
	if got, err := a.try(path, user, password); err != nil || got != code {
		a.Errorf("%s as %q: %d, %v; want %d", path, user, got, err, code)
	}
}

// web is what the projection of some users is.
func web(t *testing.T, file *htpasswd.File, previous string) string {
	t.Helper()
	kind, err := Find("prometheus-web")
	if err != nil {
		t.Fatal(err)
	}
	text, _, _, err := kind.Render("kauth-users", file, []byte(previous))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func set(t *testing.T, file *htpasswd.File, user, password string) {
	t.Helper()
	hash, err := htpasswd.Generate(password, htpasswd.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	file.Set(user, hash)
}

// The real Prometheus asks for passwords by our file, and reads it anew for each request: who is added gets in, who is
// removed does not, without a restart; and without users, or with a file that is none, nobody does.
func TestRealPrometheus(t *testing.T) {
	const path = "/-/healthy"
	users := htpasswd.Parse(nil)
	closed := web(t, users, "")
	a := start(t, closed)
	refused := func(who ...string) {
		t.Helper()
		for _, path := range []string{path, "/", "/-/ready", "/metrics", "/api/v1/status/buildinfo", "/debug/pprof/"} {
			a.want(http.StatusUnauthorized, path, "", "")
		}
		for _, user := range append(who, nobody, "kauth", "kauth:nobody") {
			a.want(http.StatusUnauthorized, path, user, "right")
			a.want(http.StatusUnauthorized, path, user, "")
		}
	}
	refused("alice")
	set(t, users, "alice", "right")
	set(t, users, "bob", "right")
	text := web(t, users, closed)
	a.put(text)
	a.want(http.StatusOK, path, "alice", "right")
	a.want(http.StatusOK, path, "bob", "right")
	a.want(http.StatusUnauthorized, path, "alice", "wrong")
	refused("carol")

	users.Remove("alice")
	a.put(web(t, users, text))
	a.want(http.StatusUnauthorized, path, "alice", "right")
	a.want(http.StatusOK, path, "bob", "right")
	set(t, users, "bob", "changed")
	a.put(web(t, users, text))
	a.want(http.StatusUnauthorized, path, "bob", "right")
	a.want(http.StatusOK, path, "bob", "changed")

	users.Remove("bob")
	a.put(web(t, users, text))
	refused("alice", "bob")
	for _, bad := range []string{"garbage: [", "basic_auth_users: [a]\n", "\x00"} {
		a.put(bad)
		for _, user := range []string{"", "alice", "bob"} {
			a.want(http.StatusInternalServerError, path, user, "right")
		}
	}
	if err := os.Remove(a.file); err != nil {
		t.Fatal(err)
	}
	a.want(http.StatusInternalServerError, path, "bob", "changed")
}

// Without the file it does not even start.
func TestRealPrometheusWithoutFile(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := process.Start(filepath.Join(dir, "log"), testenv.Tool(t, "prometheus3"), "--config.file="+config, "--web.config.file="+dir+"/none", "--web.listen-address=127.0.0.1:0", "--storage.tsdb.path="+dir+"/data")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	select {
	case <-p.Done():
		t.Logf("%v", p.Failure())
	case <-time.After(30 * time.Second):
		t.Errorf("it runs:\n%s", p.Tail(10))
	}
}

// What this guards against: Prometheus takes a file without users for an open door.
func TestRealPrometheusWithoutUsersIsOpen(t *testing.T) {
	a := start(t, "basic_auth_users: {}\n")
	a.want(http.StatusOK, "/-/healthy", "", "")
}

// Every name that a user can have is read by Prometheus as it is meant, however much it looks like YAML.
func TestRealPrometheusReadsOddNames(t *testing.T) {
	users := htpasswd.Parse(nil)
	names := []string{
		"yes", "null", "~", "1", "1e3", "0x1f", "<<", "=", "2026-11-22", "a b", "- a", "? a", "{a}", "[a]", "&a", "*a", "!a", "!!str", "%a", "@a", "`a",
		`"a"`, "'a'", `a\n`, "a #b", "a,b", "é", "e\u0301", "日本", "🔑", "a\u2028b", "a\ufeffb", "\u00a0a", "true", ".inf", "|", ">", "basic_auth_users", "\u200b", "a\ufffeb", "\U0001ffff", "a\\", `a"b`,
	}
	for len(names[len(names)-1]) < 200 {
		names = append(names, names[len(names)-1]+"0123456789-abcdefghijklmnopqrstuvwxyz")
	}
	for i, name := range names {
		if err := htpasswd.ValidUser(name); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		set(t, users, name, fmt.Sprint("password-", i))
	}
	a := start(t, web(t, users, ""))
	a.want(http.StatusUnauthorized, "/-/healthy", "", "")
	for i, name := range names {
		a.want(http.StatusOK, "/-/healthy", name, fmt.Sprint("password-", i))
		a.want(http.StatusUnauthorized, "/-/healthy", name, fmt.Sprint("password-", i+1))
	}
}
