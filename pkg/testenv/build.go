package testenv

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Build builds programs of the module, such as "./cmd/kauth" or "./cmd/...", into a folder, which is made where it is missing.
func Build(ctx context.Context, dir string, packages ...string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-o", dir + string(filepath.Separator)}, packages...)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}
