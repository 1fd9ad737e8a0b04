package inject

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// CVE-2026-24512, CVE-2025-1097 and their kin: what a controller pastes into its configuration is code, and kauth writes none.
func TestNoSnippets(t *testing.T) {
	files := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		source := strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
		script := strings.HasSuffix(path, ".txtar")
		if err != nil || d.IsDir() || !source && !script {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		written := string(text)
		if script {
			written = added(txtar.Parse(text))
		}
		for _, kind := range []string{"-snippet", "lua-", "modsecurity"} {
			if strings.Contains(written, "ingress.kubernetes.io/") && strings.Contains(written, kind) || strings.Contains(written, "-snippet") {
				t.Errorf("%s: has %q", path, kind)
			}
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Errorf("%d files, %v", files, err)
	}
}

// added are the lines of the manifests that a script wants which are in none of those that it has as input.
func added(script *txtar.Archive) string {
	var given, wanted []string
	for _, f := range script.Files {
		lines := strings.Split(string(f.Data), "\n")
		switch {
		case strings.HasPrefix(f.Name, "in") && strings.HasSuffix(f.Name, ".yaml"):
			given = append(given, lines...)
		case !strings.HasSuffix(f.Name, ".txt"): // what people are told
			wanted = append(wanted, lines...)
		}
	}
	return strings.Join(slices.DeleteFunc(wanted, func(line string) bool { return slices.Contains(given, line) }), "\n")
}
