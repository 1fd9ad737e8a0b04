package choice

import (
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Wanted says why kauth would gate a workload that is not gated, "" where it would not, and which object's annotation
// leaves it out, nil where none does.
func Wanted(m *topology.Model, w *topology.Workload) (reason string, leftOut *manifest.Object) {
	p := &Choice{Draft: &plan.Draft{Model: m}, heard: map[*manifest.Object]bool{}}
	enabled, disabled := p.marks(w, topology.Port{})
	switch {
	case w.Hook:
		return "", nil
	case disabled != nil:
		if !defaultTarget(w) {
			disabled = nil
		}
		return "", disabled
	case enabled != nil:
		return "as the annotation of " + enabled.Short() + " asks", nil
	case defaultTarget(w) && !p.guardsItself(w):
		return "by default", nil
	default:
		return "", nil
	}
}
