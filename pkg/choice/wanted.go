package choice

import (
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// ByDefault is the reason of those that nobody asks for by an annotation.
const ByDefault = "by default"

// Wanted says why kauth would gate a workload that is not gated, "" where it would not, and which object's annotation
// leaves it out, nil where none does.
func Wanted(m *topology.Model, w *topology.Workload) (reason string, leftOut *manifest.Object) {
	return wanted(m, w, defaultTarget(w))
}

// WantedOf is Wanted for a pod whose workload cannot be read; kind is all that is known of that.
func WantedOf(m *topology.Model, pod *topology.Workload, kind string) (reason string, leftOut *manifest.Object) {
	switch kind {
	case "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Prometheus", "PrometheusAgent", "Alertmanager", "ThanosRuler":
		return wanted(m, pod, pod.App != "")
	default:
		return wanted(m, pod, false)
	}
}

func wanted(m *topology.Model, w *topology.Workload, byDefault bool) (reason string, leftOut *manifest.Object) {
	p := &Choice{Draft: &plan.Draft{Model: m}, heard: map[*manifest.Object]bool{}}
	enabled, disabled := p.marks(w, topology.Port{})
	switch {
	case w.Hook:
		return "", nil
	case disabled != nil:
		if !byDefault {
			disabled = nil
		}
		return "", disabled
	case enabled != nil:
		return "as the annotation of " + enabled.Short() + " asks", nil
	case byDefault && !p.guardsItself(w):
		return ByDefault, nil
	default:
		return "", nil
	}
}
