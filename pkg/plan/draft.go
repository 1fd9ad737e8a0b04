package plan

import (
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Draft is a plan in the making: what is decided so far, and on what. Who decides more adds to it, and it sees to it that
// nothing is planned twice.
type Draft struct {
	*Plan
	Model *topology.Model

	kinds     map[string][]*manifest.Object // the objects of the stream by kind
	places    map[manifest.Ref]int          // of the first document with the object, from 0
	allowOpen []manifest.ObjectName
	allowed   map[manifest.ObjectName]bool // of allowOpen: those that something was left open by
	said      map[string]bool
	gates     map[*topology.Workload]*Gate
	logins    map[*topology.Workload]*Login
	ports     map[*topology.Service]*Port
	moves     map[*topology.ServicePort]bool
	rerouted  map[*topology.Route]map[*topology.Backend]bool // backends that lead to a gate
	set       map[place]bool                                 // fields that are planned to be set
}

// place is a field of an object.
type place struct {
	object *manifest.Object
	field  string
}

// NewDraft returns an empty plan for a stream and its model. The ways of the objects that allowOpen names may stay open
// where they cannot lead to a gate.
func NewDraft(m *topology.Model, s *manifest.Stream, allowOpen []manifest.ObjectName) *Draft {
	d := &Draft{
		Plan: &Plan{}, Model: m, kinds: map[string][]*manifest.Object{}, places: map[manifest.Ref]int{},
		allowOpen: allowOpen, allowed: map[manifest.ObjectName]bool{}, said: map[string]bool{},
		gates: map[*topology.Workload]*Gate{}, logins: map[*topology.Workload]*Login{},
		ports: map[*topology.Service]*Port{}, moves: map[*topology.ServicePort]bool{},
		rerouted: map[*topology.Route]map[*topology.Backend]bool{}, set: map[place]bool{},
	}
	for _, o := range s.Objects() {
		d.kinds[o.Kind] = append(d.kinds[o.Kind], o)
		d.placed(o)
	}
	return d
}

// Kinds returns the objects of the stream of a kind, in their order.
func (d *Draft) Kinds(kind string) []*manifest.Object { return d.kinds[kind] }

// FirstTime says whether it is asked for the first time about a key: for what is to be said once.
func (d *Draft) FirstTime(key string) bool {
	defer func() { d.said[key] = true }()
	return !d.said[key]
}

// AddGate plans a gate.
func (d *Draft) AddGate(g *Gate) { d.Gates, d.gates[g.Workload] = append(d.Gates, g), g }

// GateOf returns the gate of a workload, nil where it has none.
func (d *Draft) GateOf(w *topology.Workload) *Gate { return d.gates[w] }

// AddLogin plans a login.
func (d *Draft) AddLogin(l *Login) { d.Logins, d.logins[l.Workload] = append(d.Logins, l), l }

// LoginOf returns the login of a workload, nil where it has none.
func (d *Draft) LoginOf(w *topology.Workload) *Login { return d.logins[w] }

// KeepLogins drops all logins but some.
func (d *Draft) KeepLogins(kept []*Login) {
	clear(d.logins)
	for _, l := range kept {
		d.logins[l.Workload] = l
	}
	d.Logins = kept
}

// AddPort plans a port, the only one of its Service.
func (d *Draft) AddPort(port *Port) { d.Ports, d.ports[port.Service] = append(d.Ports, port), port }

// PortOf returns the port that a Service gets, nil where it gets none.
func (d *Draft) PortOf(svc *topology.Service) *Port { return d.ports[svc] }

// AddMove plans that a port of a Service leads to the gate.
func (d *Draft) AddMove(svc *topology.Service, port *topology.ServicePort) {
	d.Moves, d.moves[port] = append(d.Moves, &Move{Service: svc, Port: port}), true
}

// Moved says whether a port of a Service itself leads to the gate from now on.
func (d *Draft) Moved(port *topology.ServicePort) bool { return d.moves[port] }

// MovedServices are the Services of which a port moves to the gate, in the order of the moves.
func (d *Draft) MovedServices() []*topology.Service {
	var all []*topology.Service
	seen := map[*topology.Service]bool{}
	for _, mv := range d.Moves {
		if !seen[mv.Service] {
			seen[mv.Service] = true
			all = append(all, mv.Service)
		}
	}
	return all
}

// Lead notes that a backend leads to a gate from now on, by a Reroute or because its Service's port moves.
func (d *Draft) Lead(route *topology.Route, backend *topology.Backend) {
	if d.rerouted[route] == nil {
		d.rerouted[route] = map[*topology.Backend]bool{}
	}
	d.rerouted[route][backend] = true
}

// Rerouted are the backends of a route that lead to gates from now on.
func (d *Draft) Rerouted(route *topology.Route) map[*topology.Backend]bool { return d.rerouted[route] }

// MovedWays are the ways of a route that lead to gates from now on.
func (d *Draft) MovedWays(route *topology.Route) []*topology.Way {
	var all []*topology.Way
	for _, way := range d.Model.WaysOf(route) {
		if d.rerouted[route][way.Backend] && way.Workload != nil && d.GateOf(way.Workload) != nil {
			all = append(all, way)
		}
	}
	return all
}

// Behind returns the gate that a Service leads to: any of them, for gates behind one Service must be alike. It is never
// nil for a Service of a way that was moved.
func (d *Draft) Behind(svc *topology.Service) *Gate {
	for _, hit := range d.Model.Selected(svc) {
		if g := d.GateOf(hit.Workload); g != nil {
			return g
		}
	}
	for _, way := range d.Model.Ways { // one that leads there in another way than by a selector
		if g := d.GateOf(way.Workload); way.Service == svc && g != nil {
			return g
		}
	}
	return nil
}

// GateBehind returns the first gate behind a route, for what the route says once for all its backends. It is never nil for
// a route that was moved.
func (d *Draft) GateBehind(route *topology.Route) *Gate {
	for _, way := range d.MovedWays(route) {
		return d.GateOf(way.Workload)
	}
	return nil
}
