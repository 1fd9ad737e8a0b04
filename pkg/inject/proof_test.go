package inject

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/planner"
)

// TestProofSeesEachEdit takes every story of the command line, leaves out one edit of those that move a way to the gate,
// and wants the proof to see that the way is open. So a kind of way that the proof did not know of could not pass.
func TestProofSeesEachEdit(t *testing.T) {
	files, err := filepath.Glob("../cli/kauth/testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range txtar.Parse(text).Files {
			if !strings.HasPrefix(f.Name, "in") || !strings.HasSuffix(f.Name, ".yaml") {
				continue
			}
			for i := 0; ; i++ {
				what, open, more := withoutEdit(t, f.Data, i)
				if !more {
					break
				}
				if what == "" {
					continue
				}
				left++
				if len(open) == 0 {
					t.Errorf("%s: %s: nothing is said of the way that stays open without the edit of %s", filepath.Base(file), f.Name, what)
				}
			}
		}
	}
	if left < 80 {
		t.Errorf("only %d edits were left out", left)
	}
}

// withoutEdit gates a stream but for the edit of number i, and returns what that is and what the proof says; more is
// false when there is no such edit, or the stream is one that is refused.
func withoutEdit(t *testing.T, in []byte, i int) (what string, open []finding.Finding, more bool) {
	t.Helper()
	s, _, p, err := prepare(slices.Clone(in), Options{Options: planner.Options{Version: "v1"}})
	if err != nil || len(finding.Errors(p.Findings)) > 0 {
		return "", nil, false
	}
	switch n := len(p.Reroutes); {
	case i < n:
		r := p.Reroutes[i]
		for _, other := range p.Reroutes { // one field may stand for several backends
			if other != r && other.Route == r.Route && other.Backend.PortField.String() == r.Backend.PortField.String() && other.Backend.Inner.String() == r.Backend.Inner.String() {
				return "", nil, true
			}
		}
		what = r.Route.Object.Short() + " " + r.Backend.PortField.String()
		p.Reroutes = slices.Delete(p.Reroutes, i, i+1)
	case i < n+len(p.Moves):
		what = p.Moves[i-n].Service.Object.Short() + " " + p.Moves[i-n].Port.Field.String()
		p.Moves = slices.Delete(p.Moves, i-n, i-n+1)
	case i < n+len(p.Moves)+len(p.Gates):
		g := p.Gates[i-n-len(p.Moves)]
		if g.HostPort == 0 {
			return "", nil, true
		}
		what, g.HostPort = g.Ref().Short()+" "+g.HostField.String(), 0
	default:
		return "", nil, false
	}
	report := newReport("v1", p)
	if err := apply(s, p, "v1"); err != nil {
		t.Fatal(err)
	}
	return what, prove(s, "", report), true
}
