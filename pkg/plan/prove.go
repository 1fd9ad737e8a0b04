package plan

import (
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Prove looks at the output as a stranger would, knowing of the plan only which workloads are gated, which have a login
// of another kind, and which ways the user allows to stay open, and returns an Error for each other way that still leads
// past a gate or to where nobody asks, and for each gate that is not there as planned.
func Prove(after *topology.Model, gated []manifest.Ref, logins []Checked, opens []Allowed) []Finding {
	var open []Finding
	report := func(ref manifest.Ref, field manifest.Path, message string) {
		open = append(open, Finding{Severity: Error, Ref: ref, Field: field, Message: message, Hint: "this is a fault of kauth; nothing was written"})
	}
	left := map[string]bool{}
	for _, a := range opens {
		left[a.Ref.Short()+": "+a.Field] = true
	}
	isLeft := func(way *topology.Way) bool { return left[way.Ref().Short()+": "+way.Field().String()] }
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
		if way := onNode(w); way != nil && !isLeft(way) {
			report(ref, way.Field(), "port "+portText(way)+" is open on the node, past the gate")
		}
		for _, way := range after.WaysTo(w) {
			if !throughGate(way) && !allowed(way) && !isLeft(way) {
				report(way.Ref(), way.Field(), "still leads to port "+portText(way)+" of "+ref.Short()+", past the gate")
			}
		}
	}
	for _, c := range logins {
		spaces[c.Ref.Namespace] = true
		w := workloads[c.Ref.Identity()]
		if w == nil {
			report(c.Ref, nil, "is gone from the output")
			continue
		}
		if problem := loginProblem(w, c); problem != "" {
			report(c.Ref, nil, problem)
		}
		if way := openOnNode(w, c.Port); c.Mode == config.ModeIngress && way != nil && !isLeft(way) {
			report(c.Ref, way.Field(), "port "+portText(way)+" is open on the node, where nobody asks for a password")
		}
		for _, way := range after.WaysTo(w) {
			if !checkedOn(after, way, c) && !isLeft(way) {
				report(way.Ref(), way.Field(), "leads to port "+portText(way)+" of "+c.Ref.Short()+", where nobody asks for a password")
			}
		}
	}
	for _, way := range after.Ways {
		if way.Problem != "" && way.Workload == nil && !optedOut(way) && !isLeft(way) && mayLive(spaces, way.Namespace) {
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
	if way.Problem != "" || way.Port == 0 {
		return false
	}
	if way.Service == nil && way.Workload.HostNetwork && onLoopback(way.Workload, way.Port) {
		return true
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

// onNode is the way to the port that the gate stands before, where the pod's ports are those of its node and the
// application listens on more than the loopback; nil otherwise.
func onNode(w *topology.Workload) *topology.Way {
	config, err := gateconf.Parse(gateIn(w).Args)
	if !w.HostNetwork || err != nil {
		return nil
	}
	port, _ := strconv.Atoi(config.Upstream[strings.LastIndexByte(config.Upstream, ':')+1:])
	if onLoopback(w, port) {
		return nil
	}
	return &topology.Way{Workload: w, Port: port}
}

// throughGate says whether a way ends at the port that a container named kauth-proxy listens on. In the network of the
// node the port of its metrics is open too, as planned.
func throughGate(way *topology.Way) bool {
	c := way.Workload.Container(way.Port)
	if way.Problem != "" || c == nil || c.Name != gateconf.ContainerName || way.Backend != nil && way.Backend.Protocol != "" {
		return false
	}
	config, err := gateconf.Parse(c.Args)
	ends := func(listen string) bool { return strings.HasSuffix(listen, ":"+strconv.Itoa(way.Port)) }
	return err == nil && (ends(config.Listen) || way.Service == nil && way.Workload.HostNetwork && ends(config.AdminListen))
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
