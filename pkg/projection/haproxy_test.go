package projection

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/testenv"
	"github.com/kauth-dev/kauth/pkg/testenv/process"
)

// balancer is a real HAProxy that asks for passwords by a list and answers by itself.
type balancer struct {
	*testing.T
	client *http.Client
}

// begin starts one with these files beside its own, which the arguments of http_auth name a list of. It does not start where
// refused.
func begin(t *testing.T, list string, refused bool, texts ...string) *balancer {
	t.Helper()
	program, dir := testenv.Tool(t, "haproxy"), t.TempDir()
	t.Setenv("LD_LIBRARY_PATH", filepath.Join(filepath.Dir(program), "lib"))
	socket := filepath.Join(dir, "s")
	args := []string{"-db"}
	for i, text := range append([]string{"defaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s\nfrontend gate\n  bind unix@" + socket +
		"\n  http-request auth realm x unless { http_auth(" + list + ") }\n  http-request return status 200\n"}, texts...) {
		file := filepath.Join(dir, string(rune('a'+i)))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-f", file)
	}
	p, err := process.Start(filepath.Join(dir, "log"), program, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	b := &balancer{t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}}
	for end := time.Now().Add(30 * time.Second); b.ask("", "") == 0 && time.Now().Before(end); {
		select {
		case <-p.Done():
			if !refused {
				t.Fatalf("%v\n%s", p.Failure(), p.Tail(20))
			}
			return nil
		case <-time.After(20 * time.Millisecond):
		}
	}
	if said := p.Tail(20); refused || strings.Contains(said, "WARNING") && len(texts) == 1 {
		t.Errorf("it runs, and says:\n%s", said)
	}
	return b
}

// ask returns the status of the answer, 0 for none.
func (b *balancer) ask(user, password string) int {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://haproxy/", nil)
	if err != nil {
		b.Fatal(err)
	}
	if user != "" {
		request.SetBasicAuth(user, password)
	}
	response, err := b.client.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func (b *balancer) want(status int, user, password string) {
	b.Helper()
	if got := b.ask(user, password); got != status {
		b.Errorf("%q with %q: %d, want %d", user, password, got, status)
	}
}

func userlist(t *testing.T, secret string, file *htpasswd.File) (text string, left []Left) {
	t.Helper()
	kind, err := Find("haproxy")
	if err != nil {
		t.Fatal(err)
	}
	raw, _, left, err := kind.Render(secret, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw), left
}

// The real HAProxy lets in who has a hash that it can read, under any name, and nobody else.
func TestRealHAProxy(t *testing.T) {
	const (
		hello  = "Hello world!" // of the two that follow, from the specification of SHA-crypt
		sha256 = "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"
		sha512 = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
		sha1   = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=" // of "secret"
		apr1   = "$apr1$2cmdo4bM$yUIiDF1R0VfcNlcA3oxlf."
	)
	users := htpasswd.Parse([]byte("five:" + sha256 + "\nsix:" + sha512 + "\none:" + sha1 + "\nold:" + apr1 + "\nboth:" + sha512 + "\nboth:" + sha1 + "\n"))
	names := []string{
		"alice", "it's", "''", `a"b`, `a\`, `a\'b`, "a b", "$HOME", "${HOME}", `"$HOME"`, "a#b", "a,b", "password", "user", "userlist x", "é", "日本", "🔑", `a\nb`, "groups", "insecure-password", "%[x]", "{a}",
		strings.Repeat("'", 200), strings.Repeat("x", 200),
	}
	for _, name := range names {
		set(t, users, name, first(name))
	}
	for _, minor := range []string{"a", "b"} {
		hash, err := htpasswd.ParseHash(strings.Replace(users.Lookup("alice")[0].String(), "2y", "2"+minor, 1))
		if err != nil {
			t.Fatal(err)
		}
		users.Set("2"+minor, hash)
	}
	text, left := userlist(t, "kauth-users", users)
	want := []Left{
		{"one", "the hash is sha1, and HAProxy reads bcrypt, sha256-crypt and sha512-crypt only; set the password again with kubectl basicauth user passwd one"},
		{"old", "the hash is apr1, and HAProxy reads bcrypt, sha256-crypt and sha512-crypt only; set the password again with kubectl basicauth user passwd old"},
		{"both", "has several passwords, and HAProxy takes one; the first that is one of these counts there"},
	}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Error(diff)
	}
	b := begin(t, "kauth-users", false, text)
	for _, name := range names {
		b.want(200, name, first(name))
		b.want(401, name, "other")
		b.want(401, name, "")
	}
	for user, password := range map[string]string{"five": hello, "six": hello, "both": hello, "2a": "of a", "2b": "of a"} {
		b.want(200, user, password)
		b.want(401, user, password+"!")
		b.want(401, user, users.Lookup(user)[0].String())
	}
	for user, hash := range map[string]string{"one": sha1, "old": apr1, "both": sha1, "": "", "nobody": "x", "x": "'"} {
		for _, password := range []string{hash, "secret", hello, ""} {
			if user != "both" || password != hello {
				b.want(401, user, password)
			}
		}
	}
}

// Without a user that it can read, it starts, and lets nobody in.
func TestRealHAProxyWithoutUsers(t *testing.T) {
	for _, file := range []string{"", "one:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"} {
		text, _ := userlist(t, "kauth-users", htpasswd.Parse([]byte(file)))
		if diff := cmp.Diff("userlist kauth-users\n", text); diff != "" {
			t.Error(diff)
		}
		b := begin(t, "kauth-users", false, text)
		for _, user := range []string{"", "one", "alice"} {
			b.want(401, user, "secret")
			b.want(401, user, "")
		}
	}
	begin(t, "kauth-users", true) // without the file it does not start
}

// The list is called like the Secret: two of one name would be one.
func TestRealHAProxyWithTwoLists(t *testing.T) {
	a, b := htpasswd.Parse(nil), htpasswd.Parse(nil)
	set(t, a, "alice", "a")
	set(t, b, "bob", "b")
	ours, _ := userlist(t, "ours", a)
	theirs, _ := userlist(t, "theirs.x-1", b)
	apart := begin(t, "ours", false, ours, theirs)
	apart.want(200, "alice", "a")
	apart.want(401, "bob", "b")
	other := begin(t, "theirs.x-1", false, ours, theirs)
	other.want(401, "alice", "a")
	other.want(200, "bob", "b")
	same, _ := userlist(t, "ours", b)
	begin(t, "ours", false, ours, same).want(200, "bob", "b") // what this guards against
}

// first makes a password of a name.
func first(name string) string { return "of " + string([]rune(name)[:1]) }
