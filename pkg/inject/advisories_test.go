package inject

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// CVE-2026-24512, CVE-2025-1097 and their kin: what a controller pastes into its configuration is code, and kauth writes none.
func TestNoSnippets(t *testing.T) {
	files := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		source := strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
		wanted := strings.HasSuffix(path, ".txtar") // what is wanted of whole programs
		if err != nil || d.IsDir() || !source && !wanted {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, kind := range []string{"-snippet", "lua-", "modsecurity"} {
			if strings.Contains(string(text), "ingress.kubernetes.io/") && strings.Contains(string(text), kind) || strings.Contains(string(text), "-snippet") {
				t.Errorf("%s: has %q", path, kind)
			}
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Errorf("%d files, %v", files, err)
	}
}
