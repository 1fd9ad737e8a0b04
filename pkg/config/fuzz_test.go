package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzParse states that a settings file is either refused, with errors that name the file, or resolves to settings
// whose every value has an origin in it; and that what resolves once does so again.
func FuzzParse(f *testing.F) {
	names, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Parse("kauth.yaml", text)
		if err == nil {
			var all Resolved
			if all, err = Resolve(Flags{}, file); err == nil {
				for _, r := range all.Rules {
					for setting, from := range r.Settings.From {
						if !strings.HasPrefix(from.Place, "kauth.yaml:") || !strings.HasSuffix(from.Field, "."+setting) {
							t.Errorf("%s comes from %+v", setting, from)
						}
					}
				}
				return
			}
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if !strings.HasPrefix(line, "kauth.yaml") {
				t.Errorf("error %q", line)
			}
		}
	})
}
