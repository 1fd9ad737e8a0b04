package explain

import (
	"slices"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Drawing is a plan as a person would draw it: for each workload the ways in from outside, stop by stop, as they are
// today and as inject would make them, with each finding at what it concerns. It is what text, Mermaid and DOT show.
type Drawing struct {
	Groups   []*Group
	Changes  []Change
	Findings []finding.Finding // of what stands on no way in
}

// Group is what leads to one workload; the last one may be what leads to none of this stream.
type Group struct {
	Object   manifest.Ref // zero where the ways lead to no workload of this stream
	Gate     *Gate        // nil: none is planned
	Login    *Login       // nil: none is planned
	Lanes    []*Lane
	Findings []finding.Finding // of the workload
}

// Lane is the ways that one object opens through the same stops: the paths of one Ingress to one port, say.
type Lane struct {
	Opener    manifest.Ref
	Addresses []string // what the ways are asked for, host and path; none where any is
	Gated     bool     // it leads through the gate once inject has run
	Asker     string   // who else asks for a password on it then; "" for nobody
	Stops     []Stop
	Findings  []finding.Finding

	places []place // that the ways are written in
}

// Kind says what a stop is.
type Kind string

// The kinds of stops, in the order in which a request meets them.
const (
	Client      Kind = "client"
	Balancer    Kind = "load balancer" // or whatever takes the requests in, such as an ingress controller or a node
	Route       Kind = "route"
	Service     Kind = "Service"
	GateStop    Kind = "gate"
	Application Kind = "application"
	Unknown     Kind = "unknown" // what cannot be known, or is not in this stream
)

// Stop is one thing that a request passes.
type Stop struct {
	Kind  Kind
	Name  string
	Today string // the port that it is entered by today, such as ":9090"; "" where it has none
	After string // and once inject has run
	New   bool   // it is not on the way today
	Gone  bool   // it is no longer on the way once inject has run
	Asks  string // who asks for a password here once inject has run, where that is no gate

	whose string // tells Balancers of one name apart
}

// Draw makes the drawing of a plan.
func Draw(m *topology.Model, p *plan.Plan) *Drawing {
	d := &Drawing{Changes: changes(p)}
	out := outcomeOf(p)
	for _, w := range m.Workloads {
		g := &Group{Object: w.Object.Ref, Gate: gateOf(p, w), Login: loginOf(p, w), Lanes: out.lanes(m.WaysTo(w))}
		if g.Gate != nil || g.Login != nil || len(g.Lanes) > 0 && !w.Hook {
			d.Groups = append(d.Groups, g)
		}
	}
	var loose []*topology.Way
	for _, way := range m.Ways {
		if way.Workload == nil {
			loose = append(loose, way)
		}
	}
	if len(loose) > 0 {
		d.Groups = append(d.Groups, &Group{Lanes: out.lanes(loose)})
	}
	d.attach(p.Findings, settingsFor(m))
	return d
}

// outcome is what a plan makes of ways, by what it moves.
type outcome struct {
	gates    map[*topology.Workload]*plan.Gate
	logins   map[*topology.Workload]*plan.Login
	ports    map[*topology.Service]int // the gate's port of a Service
	reroutes map[*topology.Backend]bool
	moves    map[*topology.ServicePort]bool
}

func outcomeOf(p *plan.Plan) outcome {
	out := outcome{
		gates: map[*topology.Workload]*plan.Gate{}, logins: map[*topology.Workload]*plan.Login{}, ports: map[*topology.Service]int{},
		reroutes: map[*topology.Backend]bool{}, moves: map[*topology.ServicePort]bool{},
	}
	for _, g := range p.Gates {
		out.gates[g.Workload] = g
	}
	for _, l := range p.Logins {
		out.logins[l.Workload] = l
	}
	for _, port := range p.Ports {
		out.ports[port.Service] = port.Number
	}
	for _, mv := range p.Moves {
		out.moves[mv.Port] = true
	}
	for _, r := range p.Reroutes {
		out.reroutes[r.Backend] = true
	}
	return out
}

// gated says whether a way leads to a gate once inject has run.
func (out outcome) gated(way *topology.Way) bool {
	g := out.gates[way.Workload]
	return out.reroutes[way.Backend] || out.moves[way.ServicePort] ||
		g != nil && g.HostPort != 0 && way.Service == nil && g.HostField.String() == way.Field().String()
}

// asker is who else asks for a password on a way once inject has run, "" for nobody.
func (out outcome) asker(way *topology.Way) string {
	if l := out.logins[way.Workload]; l != nil {
		return l.Asker(way)
	}
	return ""
}

// guarded says whether a password is asked for on a lane once inject has run.
func (lane *Lane) guarded() bool { return lane.Gated || lane.Asker != "" }

// laneKey says which ways are drawn as one.
type laneKey struct {
	opener  manifest.Ref
	service *topology.Service
	port    *topology.ServicePort
	name    string // of a Service that is not in the stream
	target  int
	named   string
	gated   bool
	asker   string
	problem string
}

// lanes puts the ways together that differ in host and path alone, in the order of the first of each.
func (out outcome) lanes(ways []*topology.Way) []*Lane {
	var lanes []*Lane
	known := map[laneKey]*Lane{}
	for _, way := range ways {
		key := laneKey{
			opener: way.Ref(), service: way.Service, port: way.ServicePort, target: way.Port, named: way.PortName,
			gated: out.gated(way), asker: out.asker(way), problem: way.Problem + way.Nowhere,
		}
		if way.Backend != nil && way.Service == nil {
			key.name = way.Backend.Namespace + "/" + way.Backend.Service + ":" + way.Backend.Port.String()
		}
		lane := known[key]
		if lane == nil {
			lane = &Lane{Opener: key.opener, Gated: key.gated, Asker: key.asker, Stops: out.stops(way)}
			known[key], lanes = lane, append(lanes, lane)
		}
		lane.places = append(lane.places, places(way)...)
		if way.Backend == nil || way.Backend.Host+way.Backend.Path == "" {
			continue
		}
		lane.Addresses = append(lane.Addresses, way.Backend.Host+way.Backend.Path)
	}
	for _, lane := range lanes {
		lane.Addresses = distinct(lane.Addresses)
	}
	return lanes
}

// distinct drops what a list said before.
func distinct(list []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(item string) bool {
		defer func() { seen[item] = true }()
		return seen[item]
	})
}
