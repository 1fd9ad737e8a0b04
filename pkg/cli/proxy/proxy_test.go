package proxy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	users := filepath.Join(dir, "auth")
	writeUsers(t, users)
	for _, tt := range []struct {
		name     string
		args     []string
		code     int
		out, err string
	}{
		{"help", []string{"-h"}, 0, "--upstream URL", ""},
		{"version", []string{"--version"}, 0, "kauth-proxy ", ""},
		{"nothing", nil, 2, "", "kauth-proxy: error: --upstream: missing"},
		{"unknown flag", []string{"--colour=red"}, 2, "", "kauth-proxy: error: flag provided but not defined: -colour"},
		{"argument", []string{"serve"}, 2, "", `unexpected argument "serve"`},
		{"check", []string{"--check", "--upstream=http://127.0.0.1:9", "--users-file=" + users}, 0, "1 in " + users, ""},
		{"check fails", []string{"--check", "--upstream=http://127.0.0.1:9", "--users-file=" + dir + "/none"}, 1, "", "kauth-proxy: error: --users-file: "},
		{"port", []string{"--listen=256.0.0.1:1", "--upstream=http://127.0.0.1:9", "--users-file=" + users}, 1, "", "kauth-proxy: error: --listen: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := Main(t.Context(), tt.args, &out, &errs)
			if code != tt.code || !strings.Contains(out.String(), tt.out) || !strings.Contains(errs.String(), tt.err) {
				t.Errorf("code %d, want %d\nout %q, want %q\nerr %q, want %q", code, tt.code, &out, tt.out, &errs, tt.err)
			}
		})
	}
}

func writeUsers(t *testing.T, file string) {
	t.Helper()
	hash, err := htpasswd.Generate("open sesame", htpasswd.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("alice:"+hash.String()+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// buildProgram builds kauth-proxy into a directory that everybody may read and nobody write, with a users file.
func buildProgram(t *testing.T) (bin, users string) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "kauth-proxy") //nolint:usetesting // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	bin = filepath.Join(dir, "kauth-proxy")
	build := exec.Command("go", "build", "-trimpath", "-o", bin, "../../../cmd/kauth-proxy")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	users = filepath.Join(dir, "auth")
	writeUsers(t, users)
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	return bin, users
}

// startProgram runs bin as a pod does, any uid and no environment, and returns the gate's address and the log that follows.
func startProgram(ctx context.Context, t *testing.T, bin string, args ...string) (*exec.Cmd, string, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(ctx, bin, append(args, "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:00", "--shutdown-delay=10ms")...)
	cmd.Env, cmd.Dir = []string{}, "/"
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	address := ""
	for address == "" && lines.Scan() {
		var event struct{ Msg, Listen string }
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			t.Fatalf("not a JSON line: %s", lines.Text())
		}
		address = event.Listen
	}
	return cmd, address, lines
}

// The real program, with nothing that it may write to, and SIGTERM at the end.
func TestProgram(t *testing.T) {
	bin, users := buildProgram(t)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("X-Forwarded-User"))
	}))
	defer up.Close()

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd, address, lines := startProgram(ctx, t, bin, "--upstream="+up.URL, "--users-file="+users)
	for password, want := range map[string]int{"open sesame": 200, "": 401} {
		req, err := http.NewRequestWithContext(ctx, "GET", "http://"+address+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			req.SetBasicAuth("alice", password)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("got %s, want %d", res.Status, want)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var rest strings.Builder
	for lines.Scan() {
		fmt.Fprintln(&rest, lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
	for _, want := range []string{`"status":200`, `"status":401`, `"msg":"stopped"`} { // the last lines are out too
		if !strings.Contains(rest.String(), want) {
			t.Errorf("no %s in %s", want, rest.String())
		}
	}
}

// Whoever reads the log may go away: the gate stays.
func TestProgramOutlivesItsLog(t *testing.T) {
	bin, users := buildProgram(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, bin, "--upstream=http://127.0.0.1:9", "--users-file="+users, "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:00", "--shutdown-delay=0s")
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	address := ""
	for lines := bufio.NewScanner(r); address == "" && lines.Scan(); {
		var event struct{ Listen string }
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			t.Fatalf("not a JSON line: %s", lines.Text())
		}
		address = event.Listen
	}
	r.Close()
	for range 6 { // each is logged within 200 ms
		res, err := http.Get("http://" + address + "/")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		<-time.After(100 * time.Millisecond)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
}
