package projection

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/testenv"
	"github.com/kauth-dev/kauth/pkg/testenv/process"
)

// What others would make of a user who stands twice, as after kubectl basicauth user rotate, is why a projection has each user
// once, with the new password; docs/projections.md says what becomes of the old one.

// rotated returns users of whom alice has a new password before the old one.
func rotated(t *testing.T) *htpasswd.File {
	t.Helper()
	users := htpasswd.Parse(nil)
	set(t, users, "alice", "old")
	hash, err := htpasswd.Generate("new", htpasswd.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	users.Put("alice", hash)
	return users
}

func TestRealHAProxyWithTwoPasswords(t *testing.T) {
	users := rotated(t)
	text, left := userlist(t, "kauth-users", users)
	b := begin(t, "kauth-users", false, text)
	b.want(200, "alice", "new")
	b.want(401, "alice", "old")
	if len(left) != 1 || !strings.Contains(left[0].Reason, "the first that is") {
		t.Error(left)
	}
	hashes := users.Lookup("alice")
	twice := fmt.Sprintf("userlist twice\n  user alice password '%s'\n  user alice password '%s'\n", hashes[0], hashes[1])
	b = begin(t, "twice", false, twice, "") // a second text: it warns
	b.want(200, "alice", "new")
	b.want(401, "alice", "old")
}

func TestRealPrometheusWithTwoPasswords(t *testing.T) {
	users := rotated(t)
	a := start(t, web(t, users, ""))
	a.want(http.StatusOK, "/-/healthy", "alice", "new")
	a.want(http.StatusUnauthorized, "/-/healthy", "alice", "old")
	hashes := users.Lookup("alice")
	a.put(fmt.Sprintf("basic_auth_users:\n  alice: %s\n  alice: %s\n", hashes[0], hashes[1]))
	for _, password := range []string{"new", "old", "other"} {
		a.want(http.StatusInternalServerError, "/-/healthy", "alice", password)
	}
}

// Traefik reads the users Secret itself, and takes the last line of a user: the old password, until it is taken away.
func TestRealTraefikWithTwoPasswords(t *testing.T) {
	program, dir := testenv.Tool(t, "traefik"), t.TempDir()
	file := filepath.Join(dir, "users")
	config := "http:\n  routers:\n    all: {rule: 'PathPrefix(`/`)', service: ping@internal, middlewares: [login]}\n  middlewares:\n    login: {basicAuth: {usersFile: " + file + "}}\n"
	if err := errors.Join(os.WriteFile(file, rotated(t).Bytes(), 0o600), os.WriteFile(filepath.Join(dir, "dynamic.yml"), []byte(config), 0o600)); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	p, err := process.Start(filepath.Join(dir, "log"), program, "--entrypoints.web.address="+address, "--ping", "--ping.manualrouting", "--providers.file.filename="+filepath.Join(dir, "dynamic.yml"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	a := &application{T: t, url: "http://" + address}
	for end := time.Now().Add(30 * time.Second); ; {
		if code, err := a.try("/", "", ""); err == nil && code == http.StatusUnauthorized {
			break
		} else if time.Now().After(end) || p.Exited() {
			t.Fatalf("%d, %v\n%s", code, err, p.Tail(20))
		}
		<-time.After(20 * time.Millisecond)
	}
	a.want(http.StatusOK, "/", "alice", "old")
	a.want(http.StatusUnauthorized, "/", "alice", "new")
}
