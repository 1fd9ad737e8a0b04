// Package nginx owns the test of what mode ingress promises of ingress-nginx: that nginx takes the same passwords of the
// same users Secret as the sidecar does, and refuses the same.
package nginx

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/testenv"
	"github.com/kauth-dev/kauth/pkg/testenv/process"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// imported are users of other programs, each with the password "open sesame", one for each kind of hash that kubectl
// basicauth user import takes.
var imported = map[string]string{
	"apr1":   "$apr1$KtUkBFOE$/bNx9d7M/E6LAuWgZbF4l1",
	"sha":    "{SHA}W8r/fyL/UzygmbNAjq2HbA67qac=",
	"ssha":   "{SSHA}3h9xs3NvbTo4NpTUJ1lZlpDlHmdzYWx0MTIzNA==",
	"sha256": "$5$saltsalt$yrhPKxCqiWcCE9h0g86j6Ugz7SDFdFm.BjU.d8RaQnC",
	"sha512": "$6$saltsalt$e/5XKibXPLqVcfjpD.ouauaJrAOL5V0uo80Lt7n7EbRdRiCx3HbQ90yjOHr.G0T.mx79PEMRy8nmtr0qSYhQp1",
	"bcrypt": "$2b$05$qqAeWj6fZrkpOdwlzOcTzuVdnLAR5nzyRgYH00TZUo6RW/mYi.rsq",
}

// TestSameUsers makes the users as kubectl basicauth does, in a Secret of a real API server, and asks a real nginx, with the
// text that ingress-nginx would write to its file.
func TestSameUsers(t *testing.T) {
	program, ctx := testenv.Tool(t, "nginx"), context.Background()
	server := testenv.APIServer(t)
	client, err := kubernetes.NewForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	store := userstore.Store{Client: client.CoreV1(), Namespace: server.CreateNamespace(t), Name: "kauth-users", FieldManager: "test"}
	result, err := store.EditOrCreate(ctx, func(file *htpasswd.File) error {
		for user, password := range map[string]string{"alice": "correct horse", "büro": "pässwort €", "colon": "a:b", "long": strings.Repeat("x", 72)} {
			hash, err := htpasswd.Generate(password, htpasswd.MinCost)
			if err != nil {
				return err
			}
			file.Set(user, hash)
		}
		_, err := userstore.Merge(file, htpasswd.Parse(lines(t)), false)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	address := serve(t, program, result.Text)
	file := htpasswd.Parse(result.Text)
	for _, c := range []struct {
		user, password string
		in             bool
	}{
		{"alice", "correct horse", true},
		{"alice", "correct horse ", false},
		{"alice", "Correct horse", false},
		{"alice", "", false},
		{"", "", false},
		{"nobody", "correct horse", false},
		{"büro", "pässwort €", true},
		{"büro", "passwort", false},
		{"colon", "a:b", true},
		{"colon", "a", false},
		{"long", strings.Repeat("x", 72), true},
		{"long", strings.Repeat("x", 71), false},
		{"apr1", "open sesame", true},
		{"apr1", "open", false},
		{"sha", "open sesame", true},
		{"sha", "open", false},
		{"ssha", "open sesame", true},
		{"ssha", "open", false},
		{"sha256", "open sesame", true},
		{"sha256", "open", false},
		{"sha512", "open sesame", true},
		{"sha512", "open", false},
		{"bcrypt", "open sesame", true}, // $2b$, as other programs write it
		{"bcrypt", "open", false},
	} {
		t.Run(c.user, func(t *testing.T) {
			kauth := false
			for _, hash := range file.Lookup(c.user) {
				kauth = kauth || hash.Match(c.password)
			}
			if nginx := ask(t, address, c.user, c.password) == http.StatusOK; nginx != c.in || kauth != c.in {
				t.Errorf("%q: nginx lets in: %t, kauth: %t, want %t", c.password, nginx, kauth, c.in)
			}
		})
	}
	if status := ask(t, address, "", ""); status != http.StatusUnauthorized {
		t.Errorf("without a password: %d", status)
	}
}

func lines(t *testing.T) []byte {
	t.Helper()
	var text strings.Builder
	for user, hash := range imported {
		if _, err := htpasswd.ParseHash(hash); err != nil {
			t.Fatalf("%s: %v", user, err)
		}
		fmt.Fprintf(&text, "%s:%s\n", user, hash)
	}
	return []byte(text.String())
}

// serve starts nginx with the directives that ingress-nginx writes for its annotations, and returns its address.
func serve(t *testing.T, program string, users []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil { // whoever it is then reads the file of users
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	passwd := write("users", string(users))
	write("index.html", "in\n")
	socket := filepath.Join(dir, "nginx.sock") // no port to fight for
	temp := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temp += kind + "_temp_path " + dir + "/" + kind + ";\n"
	}
	// Without a master there is no worker that would outlive it.
	conf := write("nginx.conf", `daemon off; master_process off; pid `+dir+`/pid; user root;
events {}
http { access_log off; `+temp+`
server {
	listen unix:`+socket+`;
	root `+dir+`;
	location / { auth_basic "Restricted"; auth_basic_user_file `+passwd+`; }
} }
`)
	p, err := process.Start(filepath.Join(dir, "nginx.log"), program, "-e", "stderr", "-p", dir, "-c", conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	for start := time.Now(); ; {
		c, err := net.Dial("unix", socket)
		if err == nil {
			_ = c.Close()
			return socket
		}
		if p.Exited() || time.Since(start) > time.Minute {
			t.Fatalf("%v\n%s", err, p.Tail(10))
		}
	}
}

func ask(t *testing.T, socket, user, password string) int {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://nginx/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// TestTwoPasswords: nginx takes the first line of a user and no other, so that after kubectl basicauth user rotate it is the new
// password that counts there, and the old one no more. A gate takes both.
func TestTwoPasswords(t *testing.T) {
	program := testenv.Tool(t, "nginx")
	server := testenv.APIServer(t)
	client, err := kubernetes.NewForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	store := userstore.Store{Client: client.CoreV1(), Namespace: server.CreateNamespace(t), Name: "kauth-users", FieldManager: "test"}
	hash := func(password string) htpasswd.Hash {
		hash, err := htpasswd.Generate(password, htpasswd.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return hash
	}
	if _, err := store.EditOrCreate(t.Context(), func(file *htpasswd.File) error { file.Set("alice", hash("old")); return nil }); err != nil {
		t.Fatal(err)
	}
	alice := func(*htpasswd.File) (string, error) { return "alice", nil }
	result, err := store.Rotate(t.Context(), alice, hash("new"), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	address := serve(t, program, result.Text)
	for password, want := range map[string]int{"new": http.StatusOK, "old": http.StatusUnauthorized, "other": http.StatusUnauthorized} {
		if status := ask(t, address, "alice", password); status != want {
			t.Errorf("%q: %d, want %d", password, status, want)
		}
	}
}
