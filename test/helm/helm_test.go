// Package helm owns the tests that run the real Helm 3 and Helm 4 with kauth as their post-renderer, against a real
// API server.
package helm

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// One API server serves all tests of the package.
var shared testenv.SharedServer

func TestMain(m *testing.M) { os.Exit(shared.Main(m)) }

// root is the module's root folder.
var root = sync.OnceValue(func() string {
	dir, err := testenv.Root()
	if err != nil {
		panic(err) // go test runs in the package's folder
	}
	return dir
})

// plugins builds kauth and lays it out as `make build` leaves the source folder: HELM_PLUGINS/kauth/plugin.yaml and
// HELM_PLUGINS/kauth/bin/kauth.
var plugins = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(shared.Dir(), "plugins", "kauth")
	if err := testenv.Build(context.Background(), filepath.Join(dir, "bin"), "./cmd/kauth"); err != nil {
		return "", err
	}
	manifest, err := os.ReadFile(filepath.Join(root(), "plugin.yaml"))
	if err != nil {
		return "", err
	}
	return filepath.Dir(dir), os.WriteFile(filepath.Join(dir, "plugin.yaml"), manifest, 0o600)
})

// A helm runs one major version of Helm, away from the user's own settings.
type helm struct {
	program string
	render  []string // the flags that put kauth behind the renderer
	env     []string
}

// eachHelm runs test with Helm 3 and with Helm 4, each with settings and caches of its own.
func eachHelm(t *testing.T, test func(t *testing.T, h helm)) {
	t.Helper()
	for major := 3; major <= 4; major++ {
		t.Run(fmt.Sprintf("helm%d", major), func(t *testing.T) { test(t, newHelm(t, major)) })
	}
}

func newHelm(t *testing.T, major int) helm {
	t.Helper()
	h := helm{program: testenv.Tool(t, fmt.Sprintf("helm%d", major))}
	dir, err := plugins()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	h.env = append(os.Environ(), "HOME="+home, "HELM_CACHE_HOME="+home+"/cache", "HELM_CONFIG_HOME="+home+"/config",
		"HELM_DATA_HOME="+home+"/data", "KUBECONFIG=/nonexistent", "KAUTH_REPORT=", "KAUTH_CONFIG=")
	if major == 3 { // which refuses plugin.yaml of Helm 4, so it gets the executable only
		h.env = append(h.env, "HELM_PLUGINS="+home)
		h.render = []string{"--post-renderer", filepath.Join(dir, "kauth", "bin", "kauth")}
	} else {
		h.env = append(h.env, "HELM_PLUGINS="+dir)
		h.render = []string{"--post-renderer", "kauth"}
	}
	return h
}

// on returns h with s as its cluster.
func (h helm) on(s *testenv.Server) helm {
	h.env = append(slices.Clip(h.env), "KUBECONFIG="+s.Kubeconfig)
	return h
}

// rendered runs a Helm command that renders, with kauth behind it.
func (h helm) rendered(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return h.run(t, append(args, h.render...)...)
}

// run runs Helm as in CI: without a terminal.
func (h helm) run(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := h.command(t.Context(), args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	detach(cmd)
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func (h helm) must(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, err := h.run(t, args...)
	if err != nil {
		t.Fatalf("helm %s: %v\n%s%s", strings.Join(args, " "), err, out, errs)
	}
	return out
}

func (h helm) mustRender(t *testing.T, args ...string) string {
	t.Helper()
	return h.must(t, append(args, h.render...)...)
}

func (h helm) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, h.program, args...)
	cmd.Dir, cmd.Env = root(), h.env
	return cmd
}
