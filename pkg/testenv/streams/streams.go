// Package streams owns what tests of manifests begin with: a stream that is read and resolved, and one that is spoilt.
package streams

import (
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Resolve reads a stream of manifests, and finds the ways in it. Objects without a namespace have none.
func Resolve(tb testing.TB, text string) (*manifest.Stream, *topology.Model) {
	tb.Helper()
	s, err := manifest.Read([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	m, err := topology.Resolve(s, "")
	if err != nil {
		tb.Fatal(err)
	}
	return s, m
}

// Spoil returns text with one place of it changed, or with more at its end where old is "". A text that has no such place, or
// would stay as it is, fails the test.
func Spoil(tb testing.TB, text, old, changed string) string {
	tb.Helper()
	if old == "" {
		return text + changed
	}
	if !strings.Contains(text, old) || old == changed {
		tb.Fatalf("no %q in:\n%s", old, text)
	}
	return strings.Replace(text, old, changed, 1)
}
