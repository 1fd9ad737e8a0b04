package planner_test

import (
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
