//go:build linux

package kit

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// The two versions that kauth is built as, so that one can be upgraded to the other.
const (
	Version     = "v0.9.1"
	NextVersion = "v0.9.2"
)

// A Product is kauth as a user gets it, built from this tree.
type Product struct {
	Version string
	Bin     string // folder with kauth and kubectl-basicauth; for PATH
	Plugins string // folder for HELM_PLUGINS, with the plugin of Helm 4
	Image   string // archive of the sidecar's image
}

// buildProduct builds one version below dir with the tree's own `make`.
func buildProduct(ctx context.Context, dir, version string) (Product, error) {
	root, err := testenv.Root()
	if err != nil {
		return Product{}, err
	}
	p := Product{
		Version: version,
		Bin:     filepath.Join(dir, version, "plugins", "kauth", "bin"),
		Plugins: filepath.Join(dir, version, "plugins"),
		Image:   filepath.Join(dir, version, "kauth-proxy.tar"),
	}
	for _, args := range [][]string{
		{"make", "-s", "-C", root, "build", "VERSION=" + version, "BIN=" + p.Bin},
		{"cp", filepath.Join(root, "plugin.yaml"), filepath.Dir(p.Bin)},
		{"go", "-C", filepath.Join(root, "image"), "run", "./kauth-proxy", "-version", version, "-arch", runtime.GOARCH, "-o", p.Image},
	} {
		if err := Run(ctx, args...); err != nil {
			return p, err
		}
	}
	return p, nil
}

// Run runs a program and returns what it said when it did not work.
func Run(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
