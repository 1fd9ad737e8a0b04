package basicauth

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// unwatched returns a folder with the two programs without the race detector, which makes a start cost three times as much. The
// scripts and the commands that are cut off start a thousand. They share no memory, and every command, each of the prompts, the
// completion and --wait also run with it: in TestRoles, TestPrompt, TestComplete..., TestProgress, and below this package.
func unwatched(tb testing.TB) (dir string) {
	tb.Helper()
	dir, err := withoutDetector()
	if err != nil {
		tb.Fatal(err)
	}
	return dir
}

var withoutDetector = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(shared.dir, "unwatched")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if watched {
		self = filepath.Join(shared.dir, "unwatched.test")
		if out, err := exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-o", self, ".").CombinedOutput(); err != nil {
			return "", fmt.Errorf("go test -c: %w\n%s", err, out)
		}
	}
	return dir, errors.Join(os.Symlink(self, filepath.Join(dir, program)), os.Symlink(self, filepath.Join(dir, completer)))
})
