package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// programs holds the demo and the three that it runs, built once for all tests of the package.
var programs string

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, &programs, nil)) }

var build = sync.OnceValue(func() error { return testenv.Build(context.Background(), programs, "./cmd/...", "./test/demo") })

// command returns what `make demo` runs. Its temporary files go to a folder that must be empty afterwards.
func command(t *testing.T, args ...string) (cmd *exec.Cmd, temporary string) {
	t.Helper()
	args = append([]string{"-helm", testenv.Tool(t, "helm3"), "-prometheus", testenv.Tool(t, "prometheus"), "-bin", programs}, args...)
	root, err := testenv.Root()
	if err := errors.Join(err, build()); err != nil {
		t.Fatal(err)
	}
	temporary = t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, filepath.Join(programs, "demo"), args...)
	cmd.Dir, cmd.Env = root, append(os.Environ(), "TMPDIR="+temporary, "HOME="+t.TempDir())
	return cmd, temporary
}

func TestDemo(t *testing.T) {
	cmd, temporary := command(t)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"today      with kauth", "+        - name: kauth-proxy", "503 Service Unavailable", "401 Unauthorized", `page "`, "200 OK", "/health"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("the demo does not show %q", want)
		}
	}
	if lines := bytes.Count(out, []byte("\n")); lines > 160 {
		t.Errorf("%d lines; nobody reads so many", lines)
	}
	checkClean(t, temporary, string(out))
	if t.Failed() {
		t.Logf("%s", out)
	}
}

// Interrupted early or late, the demo leaves no process and no file.
func TestDemoInterrupted(t *testing.T) {
	for _, at := range []string{"2. The same chart", "kauth-proxy --upstream", "user alice, password"} {
		t.Run(at, func(t *testing.T) {
			cmd, temporary := command(t, "-keep")
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			for lines := bufio.NewScanner(stdout); lines.Scan(); {
				out.WriteString(lines.Text() + "\n")
				if strings.Contains(lines.Text(), at) {
					_ = cmd.Process.Signal(syscall.SIGINT) // should it be gone, Wait says so
				}
			}
			_ = cmd.Wait() // 130, or 0 when all was shown
			if !strings.Contains(out.String(), "everything is stopped") {
				t.Errorf("the demo did not say that it was interrupted:\n%s", out.String())
			}
			checkClean(t, temporary, out.String())
		})
	}
}

var address = regexp.MustCompile(`=(127\.0\.0\.1:\d+)`)

// checkClean says which file or port of the demo is still there.
func checkClean(t *testing.T, temporary, out string) {
	t.Helper()
	left, err := os.ReadDir(temporary)
	if err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
	for _, m := range address.FindAllStringSubmatch(out, -1) {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", m[1])
		if err == nil {
			_ = c.Close()
			t.Errorf("%s still listens", m[1])
		}
	}
}
