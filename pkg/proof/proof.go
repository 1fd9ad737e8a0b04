// Package proof owns the proof: it reads a topology as a stranger would, and says what stands before a workload, and which
// ways lead past it. It shares no code with the planning that it checks, but for what can be read of programs, ingress
// controllers and policies.
package proof

import (
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Ways looks at the output as a stranger would, knowing of the plan only which workloads are gated, which have a login
// of another kind, and which ways the user allows to stay open. It returns an Error for each other way on which nobody
// asks for a password, and for each gate or login that is not there as planned.
func Ways(after *topology.Model, gated []manifest.Ref, logins []Checked, opens []Allowed) []finding.Finding {
	p := &prover{after: after, left: map[string]bool{}, workloads: map[manifest.Ref]*topology.Workload{}, spaces: map[string]bool{}, gated: map[*topology.Workload]bool{}}
	for _, a := range opens {
		p.left[a.Ref.Short()+": "+a.Field] = true
	}
	for _, w := range after.Workloads {
		p.workloads[w.Object.Identity()] = w
	}
	for _, ref := range gated {
		if w := p.workload(ref); w != nil {
			p.gate(ref, w)
		}
	}
	for _, c := range logins {
		if w := p.workload(c.Ref); w != nil {
			p.login(c, w)
		}
	}
	for _, way := range after.Ways {
		if way.Problem != "" && way.Workload == nil && !way.OptedOut() && !p.isLeft(way) && topology.MayBeIn(p.spaces, way.Namespace) &&
			!after.Elsewhere(way, func(w *topology.Workload) bool { return p.gated[w] }) {
			p.report(way.Ref(), way.Field(), way.Problem)
		}
	}
	return p.open
}

// prover is a proof in the making.
type prover struct {
	after     *topology.Model
	left      map[string]bool // the ways that stay open, by object and field
	workloads map[manifest.Ref]*topology.Workload
	spaces    map[string]bool // the namespaces of what is gated
	gated     map[*topology.Workload]bool
	open      []finding.Finding
}

func (p *prover) report(ref manifest.Ref, field manifest.Path, message string) {
	p.open = append(p.open, finding.Finding{Severity: finding.Error, Ref: ref, Field: field, Message: message, Hint: "this is a fault of kauth; nothing was written"})
}

func (p *prover) isLeft(way *topology.Way) bool {
	return p.left[way.Ref().Short()+": "+way.Field().String()]
}

// workload finds one that must be there, nil where it is gone.
func (p *prover) workload(ref manifest.Ref) *topology.Workload {
	w := p.workloads[ref.Identity()]
	p.spaces[ref.Namespace] = true
	if w == nil {
		p.report(ref, nil, "is gone from the output")
		return nil
	}
	p.gated[w] = true
	return w
}

// gate looks at a workload with a sidecar.
func (p *prover) gate(ref manifest.Ref, w *topology.Workload) {
	if problem := gateProblem(w); problem != "" {
		p.report(ref, nil, problem)
	}
	if way := OnNode(w); way != nil && !p.isLeft(way) {
		p.report(ref, way.Field(), "port "+way.PortText()+" is open on the node, past the gate")
	}
	for _, way := range p.after.WaysTo(w) {
		if !throughGate(way) && !allowed(way) && !p.isLeft(way) {
			p.report(way.Ref(), way.Field(), "still leads to port "+way.PortText()+" of "+ref.Short()+", past the gate")
		}
	}
}

// login looks at a workload whose passwords somebody else checks.
func (p *prover) login(c Checked, w *topology.Workload) {
	if problem := loginProblem(w, c); problem != "" {
		p.report(c.Ref, nil, problem)
	}
	if way := program.OpenOnNode(w, c.Port); c.Mode == config.ModeIngress && way != nil && !p.isLeft(way) {
		p.report(c.Ref, way.Field(), "port "+way.PortText()+" is open on the node, where nobody asks for a password")
	}
	for _, way := range p.after.WaysTo(w) {
		if !checkedOn(p.after, way, c) && !p.isLeft(way) {
			p.report(way.Ref(), way.Field(), "leads to port "+way.PortText()+" of "+c.Ref.Short()+", where nobody asks for a password")
		}
	}
}

// allowed says whether a way that does not end at the gate may stay: it leads to another port than the one that the
// gate stands before, where somebody else asks for a login, or where the user was asked and said so.
func allowed(way *topology.Way) bool {
	if way.Problem != "" || way.Port == 0 {
		return false
	}
	if way.Service == nil && way.Workload.HostNetwork && program.OnLoopback(way.Workload, way.Port) {
		return true
	}
	gate := gateIn(way.Workload)
	config, err := gateconf.Parse(gate.Args)
	if err != nil || strings.HasSuffix(config.Upstream, ":"+strconv.Itoa(way.Port)) {
		return false
	}
	c := way.Workload.Container(way.Port)
	return program.IsAuthProxy(c) || program.IsReloader(c) || way.OptedOut()
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

// OnNode is the way to the port that the gate stands before, where the pod's ports are those of its node and the
// application listens on more than the loopback; nil otherwise.
func OnNode(w *topology.Workload) *topology.Way {
	config, err := gateconf.Parse(gateIn(w).Args)
	if !w.HostNetwork || err != nil {
		return nil
	}
	port := portOf(config.Upstream)
	if program.OnLoopback(w, port) {
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

// Allowed is a place of the output past which, or past whose rule, somebody comes in without a password, as the user allows.
type Allowed struct {
	Ref   manifest.Ref
	Field string // as manifest.Path prints it
	What  string // where it leads, for people; the proof does not look at it
}
