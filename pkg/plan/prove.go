package plan

import (
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Prove looks at the output as a stranger would, knowing of the plan only which workloads are gated, and
// returns an Error for each way that still leads past a gate, and for each gate that is not there as planned.
func Prove(after *topology.Model, gated []manifest.Ref) []Finding {
	var open []Finding
	report := func(ref manifest.Ref, field manifest.Path, message string) {
		open = append(open, Finding{Severity: Error, Ref: ref, Field: field, Message: message, Hint: "this is a fault of kauth; nothing was written"})
	}
	workloads := map[manifest.Ref]*topology.Workload{}
	for _, w := range after.Workloads {
		workloads[w.Object.Identity()] = w
	}
	spaces := map[string]bool{}
	for _, ref := range gated {
		spaces[ref.Namespace] = true
		w := workloads[ref.Identity()]
		if w == nil {
			report(ref, nil, "is gone from the output")
			continue
		}
		if problem := gateProblem(w); problem != "" {
			report(ref, nil, problem)
		}
		for _, way := range after.WaysTo(w) {
			if !throughGate(way) && !allowed(way) {
				report(way.Ref(), way.Field(), "still leads to port "+portText(way)+" of "+ref.Short()+", past the gate")
			}
		}
	}
	for _, way := range after.Ways {
		if way.Problem != "" && way.Workload == nil && !optedOut(way) && mayLive(spaces, way.Namespace) {
			report(way.Ref(), way.Field(), way.Problem)
		}
	}
	return open
}

// mayLive says whether a namespace may be one of those of the gates, as far as both are known.
func mayLive(spaces map[string]bool, namespace string) bool {
	return len(spaces) > 0 && (namespace == "" || spaces[namespace] || spaces[""])
}

// allowed says whether a way that does not end at the gate may stay: it leads to another port than the one that the
// gate stands before, where somebody else asks for a login, or where the user was asked and said so.
func allowed(way *topology.Way) bool {
	if way.Problem != "" || way.Service == nil || way.Port == 0 {
		return false
	}
	gate := gateIn(way.Workload)
	config, err := gateconf.Parse(gate.Args)
	if err != nil || strings.HasSuffix(config.Upstream, ":"+strconv.Itoa(way.Port)) {
		return false
	}
	c := way.Workload.Container(way.Port)
	return isAuthProxy(c) || isReloader(c) || optedOut(way)
}

// gateIn returns the container named kauth-proxy, an empty one where there is none.
func gateIn(w *topology.Workload) *topology.Container {
	for _, c := range w.Containers {
		if c.Name == gateconf.ContainerName && !c.Init {
			return c
		}
	}
	return &topology.Container{}
}

// throughGate says whether a way ends at the port that a container named kauth-proxy listens on.
func throughGate(way *topology.Way) bool {
	c := way.Workload.Container(way.Port)
	if way.Problem != "" || c == nil || c.Name != gateconf.ContainerName || way.Service == nil || way.Backend != nil && way.Backend.Protocol != "" {
		return false
	}
	config, err := gateconf.Parse(c.Args)
	return err == nil && strings.HasSuffix(config.Listen, ":"+strconv.Itoa(way.Port))
}

// gateProblem says what is wrong with the sidecar of a workload, "" where nothing is.
func gateProblem(w *topology.Workload) string {
	var found *topology.Container
	for _, c := range w.Containers {
		if c.Name == gateconf.ContainerName && !c.Init {
			if found != nil {
				return "has two containers " + gateconf.ContainerName
			}
			found = c
		}
	}
	if found == nil {
		return "has no container " + gateconf.ContainerName
	}
	config, err := gateconf.Parse(found.Args)
	if err == nil {
		err = config.Validate()
	}
	if err != nil {
		return "container " + gateconf.ContainerName + ": " + err.Error()
	}
	return ""
}
