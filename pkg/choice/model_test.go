package choice_test

import (
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// modelOf reads a stream.
func modelOf(t *testing.T, text string) (*manifest.Stream, *topology.Model) {
	t.Helper()
	s, err := manifest.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m, err := topology.Resolve(s, "")
	if err != nil {
		t.Fatal(err)
	}
	return s, m
}

// spoilt is text with one place of it changed, or with more at its end where old is "".
func spoilt(t *testing.T, text, old, changed string) string {
	t.Helper()
	if old == "" {
		return text + changed
	}
	if !strings.Contains(text, old) || old == changed {
		t.Fatalf("no %q in:\n%s", old, text)
	}
	return strings.Replace(text, old, changed, 1)
}
