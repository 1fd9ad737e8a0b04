package proxy

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

func basicOf(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func statusFor(t *testing.T, g *runningGate, user, password string) int {
	t.Helper()
	res, _ := send(t, request(t, "GET", g.url+"/", nil, "-Authorization", "Authorization: "+basicOf(user, password)))
	return res.StatusCode
}

// inForce waits until a file is put in force (within a second, as package reload's tests show in a time of their own;
// here a machine may have none), and then lets the user in at the first try. Trying meanwhile would be a flood of wrong passwords, and be held back as one.
func inForce(t *testing.T, g *runningGate, before uint64, user, password string) {
	t.Helper()
	waitFor(t, user+" to be loaded", func() bool { return g.users.watcher.State().Reloads > before })
	waitFor(t, "the users to be in force", func() bool { return g.users.snapshot().ready })
	waitFor(t, user+" to get in", func() bool { return statusFor(t, g, user, password) != http.StatusTooManyRequests })
	if got := statusFor(t, g, user, password); got != http.StatusOK {
		t.Errorf("%s: got %d", user, got)
	}
}

func TestPlainRewrite(t *testing.T) {
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), nil)
	if got := statusFor(t, g, testUser, testPassword); got != http.StatusOK {
		t.Fatalf("first user: %d", got)
	}
	writeFile(t, g.usersFile, line(t, "bob", "second"))
	inForce(t, g, 1, "bob", "second")
	if got := statusFor(t, g, testUser, testPassword); got != http.StatusUnauthorized {
		t.Errorf("a user who was removed, and was remembered: %d", got)
	}
}

// A kubelet renews a mounted Secret by swapping the symlink ..data.
func TestSymlinkSwap(t *testing.T) {
	t.Parallel() // it waits more than it works
	dir := t.TempDir()
	version := func(name, content string) {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, name, "auth"), content)
		if err := os.Symlink(name, filepath.Join(dir, "..data_tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	version("..1", line(t, testUser, testPassword))
	if err := os.Symlink("..data/auth", filepath.Join(dir, "auth")); err != nil {
		t.Fatal(err)
	}
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), func(c *gateconf.Config) { c.UsersFile = filepath.Join(dir, "auth") })
	if got := statusFor(t, g, testUser, testPassword); got != http.StatusOK {
		t.Fatalf("first user: %d", got)
	}
	version("..2", line(t, "bob", "second"))
	inForce(t, g, 1, "bob", "second")
}

// Bad from the start: everybody is refused. Bad later: the last good users stay. Gone: everybody is refused.
func TestUsersFileThroughItsLife(t *testing.T) {
	t.Parallel() // it waits more than it works
	up := startUpstream(t, (&recorder{}).ServeHTTP)
	const bad = "carol:secret-in-plain-text\n"
	g := startGate(t, up, func(c *gateconf.Config) { writeFile(t, c.UsersFile, bad) })
	refused := func(what string) {
		t.Helper()
		res, body := send(t, request(t, "GET", g.url+"/", nil, "Accept: text/html"))
		if res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "kubectl basicauth user add NAME --secret kauth-users") {
			t.Errorf("%s: got %s %q", what, res.Status, body)
		}
		if res, body := send(t, request(t, "GET", g.url+"/health", nil)); res.StatusCode != http.StatusOK || body != "ok\n" {
			t.Errorf("%s: health is %s %q", what, res.Status, body)
		}
		if res, body := send(t, request(t, "GET", g.admin+"/readyz", nil)); res.StatusCode != http.StatusOK || !strings.Contains(body, "no users") {
			t.Errorf("%s: readyz is %s %q", what, res.Status, body)
		}
	}
	refused("bad at the start")
	if got := statusFor(t, g, "carol", "secret-in-plain-text"); got != http.StatusServiceUnavailable {
		t.Errorf("a plain text line: %d", got)
	}
	writeFile(t, g.usersFile, line(t, testUser, testPassword))
	inForce(t, g, 0, testUser, testPassword)

	writeFile(t, g.usersFile, line(t, "bob", "second")+bad)
	waitFor(t, "the log line", func() bool { return strings.Contains(g.logs.String(), "the last good one stays in force") })
	if a, b := statusFor(t, g, testUser, testPassword), statusFor(t, g, "bob", "second"); a != 200 || b != 401 {
		t.Errorf("after a bad file: first user %d, want 200; user of the bad file %d, want 401", a, b)
	}
	status := readStatus(t, g)
	if status.Users.Loaded != 1 || status.Users.Error == "" || status.Users.LastGood == nil || len(status.Users.Fingerprint) != 64 {
		t.Errorf("status is %+v", status)
	}
	if _, m := send(t, request(t, "GET", g.admin+"/metrics", nil)); !strings.Contains(m, `kauth_proxy_reloads_total{result="failure"} 2`) ||
		!strings.Contains(m, `kauth_proxy_reloads_total{result="success"} 1`) || !strings.Contains(m, "kauth_proxy_users 1\n") {
		t.Errorf("metrics are %s", m)
	}

	if err := os.Remove(g.usersFile); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the users to be gone", func() bool { return statusFor(t, g, testUser, testPassword) == http.StatusServiceUnavailable })
	refused("gone")
	writeFile(t, g.usersFile, "# nobody\n")
	waitFor(t, "the log line", func() bool { return strings.Contains(g.logs.String(), "users file without users") })
	refused("empty")

	if logs := g.logs.String(); strings.Contains(logs, "$2") || strings.Contains(logs, "plain-text") {
		t.Errorf("a hash or a password is in the log: %s", logs)
	}
}

func readStatus(t *testing.T, g *runningGate) Status {
	t.Helper()
	var s Status
	_, body := send(t, request(t, "GET", g.admin+"/status", nil, "Kauth-Ask: fingerprint"))
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// The fingerprint of users without a salt is as good as their hashes to who guesses: a log has none, and /status tells it
// on loopback to who asks for it, and to nobody else.
func TestFingerprint(t *testing.T) {
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), nil)
	text, err := os.ReadFile(g.usersFile)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	want := hex.EncodeToString(sum[:])
	if got := readStatus(t, g).Users.Fingerprint; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, header := range []string{"Kauth-Ask: ", "Kauth-Ask: anything", "X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1"} {
		if _, body := send(t, request(t, "GET", g.admin+"/status", nil, header)); strings.Contains(body, "ingerprint") || !strings.Contains(body, `"loaded":1`) {
			t.Errorf("%s: %s", header, body)
		}
	}
	if strings.Contains(g.logs.String(), want) {
		t.Errorf("the log tells it: %s", g.logs.String())
	}
	for address, may := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true,
		"10.0.0.1:1": false, "[fe80::1%eth0]:1": false, "[::ffff:10.0.0.1]:1": false, "0.0.0.0:1": false, "[::]:1": false, "": false, "@": false, "localhost:1": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/status", nil)
		r.RemoteAddr = address
		r.Header.Set("Kauth-Ask", "fingerprint")
		if got := mayCompare(r); got != may {
			t.Errorf("from %q: %v", address, got)
		}
	}
}

func TestMetrics(t *testing.T) {
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), nil)
	for range 3 {
		statusFor(t, g, testUser, testPassword)
	}
	statusFor(t, g, testUser, "wrong")
	send(t, request(t, "GET", g.url+"/health", nil))
	_, m := send(t, request(t, "GET", g.admin+"/metrics", nil))
	for _, want := range []string{
		`kauth_proxy_requests_total{outcome="allowed"} 3`, `kauth_proxy_requests_total{outcome="denied"} 1`,
		`kauth_proxy_requests_total{outcome="health"} 1`, `kauth_proxy_requests_total{outcome="upstream_error"} 0`,
		"kauth_proxy_cache_hits_total 2\n", `kauth_proxy_hash_seconds_count{result="right"} 1`, `kauth_proxy_hash_seconds_count{result="wrong"} 1`,
		"kauth_proxy_queue_length 0\n", "kauth_proxy_users 1\n", `kauth_proxy_build_info{version="v0.0.0-test"} 1`, "go_goroutines", "process_resident_memory_bytes",
		"kauth_proxy_last_good_reload_timestamp_seconds 1.",
	} {
		if !strings.Contains(m, want) {
			t.Errorf("no %q in the metrics", want)
		}
	}
	if res, _ := send(t, request(t, "GET", g.admin+"/livez", nil)); res.StatusCode != http.StatusOK {
		t.Errorf("livez is %s", res.Status)
	}
}

// A file of lines without end, which fits into a Secret, must not cost more memory than the container has.
func TestUsersFileOfTooManyLines(t *testing.T) {
	text := []byte(line(t, testUser, testPassword) + strings.Repeat("\n", maxLines))
	if _, err := parseUsers(text); err == nil || !strings.Contains(err.Error(), "100001 lines") {
		t.Errorf("got %v", err)
	}
	if f, err := parseUsers(text[:len(text)-1]); err != nil || len(f.Users()) != 1 {
		t.Errorf("the most lines: %v", err)
	}
}
