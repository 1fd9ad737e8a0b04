package planner

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// move makes the way lead to the gate. Where the Service itself is open to the outside, its port's target moves, for
// an added port would be published too; else the Service gets a port and the route uses that one.
func (p *planner) move(way *topology.Way) {
	if way.Service.Exposed() != "" {
		p.moveTarget(way)
	} else {
		port := p.servicePort(way.Service)
		to := topology.Port{Number: port.Number}
		if way.Backend.Port.Name != "" || way.Backend.ByTarget {
			to = topology.Port{Name: port.Name}
		}
		if !p.Rerouted(way.Route)[way.Backend] {
			p.Reroutes = append(p.Reroutes, &plan.Reroute{Route: way.Route, Backend: way.Backend, To: to})
		}
	}
	if way.Route != nil {
		p.Lead(way.Route, way.Backend)
	}
}

func (p *planner) moveTarget(way *topology.Way) {
	if p.Moved(way.ServicePort) {
		return
	}
	p.AddMove(way.Service, way.ServicePort)
	g, said := p.GateOf(way.Workload), way.ServicePort.Field.With("appProtocol")
	switch text := strings.ToLower(way.Service.Object.TextAt(said)); {
	case text == "":
	case g.TLS() && text == "http", !g.TLS() && text != "http" && !strings.HasSuffix(text, "/ws"):
		p.SetText(way.Service.Object, said, g.Scheme())
	}
	hint := "give them a user, or a ClusterIP Service of their own with --keep-internal"
	for _, i := range p.options.KeepInternal {
		if i.Service == "" || i.Service == way.Service.Object.Name {
			hint = "let them name the Service " + strconv.Quote(i.Name)
		}
	}
	p.Find(finding.Warning, way.Service.Object, way.ServicePort.Field, hint,
		"the Service is open to the outside (%s), so its port %d now leads to the gate: clients inside the cluster that use it need a password too",
		way.Service.Exposed(), way.ServicePort.Number)
}

// servicePort returns the gate's port of a Service, planned once.
func (p *planner) servicePort(svc *topology.Service) *plan.Port {
	if port := p.PortOf(svc); port != nil {
		return port
	}
	port := &plan.Port{Service: svc, Name: gateconf.PortName, Number: gateconf.Port}
	for _, hit := range p.Model.Selected(svc) {
		if g := p.GateOf(hit.Workload); g != nil {
			port.Number = g.Port
			break
		}
	}
	numbers, names := map[int]bool{}, map[string]bool{}
	for _, have := range svc.Ports {
		numbers[have.Number], names[have.Name] = true, true
	}
	for numbers[port.Number] {
		port.Number++
	}
	for i := 2; names[port.Name]; i++ {
		port.Name = gateconf.PortName + "-" + strconv.Itoa(i)
	}
	for i, have := range svc.Ports {
		if have.Name == "" {
			name := "web"
			for j := i; names[name]; j++ {
				name = "web-" + strconv.Itoa(j+1)
			}
			names[name] = true
			port.Unnamed = append(port.Unnamed, plan.NewName{Field: have.Field, Name: name})
		}
	}
	p.AddPort(port)
	return port
}

// clusterPorts gives the gate's port to every other ClusterIP Service of a gated workload too, so that a route that is
// not part of this stream can use it. Headless twins are for peers and get none.
func (p *planner) clusterPorts() {
	for _, svc := range p.Model.Services {
		if svc.Exposed() != "" || svc.Headless || svc.Type != "ClusterIP" {
			continue
		}
		hits := p.Model.Selected(svc)
		leads := len(hits) > 0
		for _, hit := range hits {
			g := p.GateOf(hit.Workload)
			leads = leads && g != nil && !hit.Maybe && leadsTo(svc, g)
		}
		if leads {
			p.servicePort(svc)
		}
	}
}

func leadsTo(svc *topology.Service, g *plan.Gate) bool {
	for _, port := range svc.Ports {
		if n, _ := port.TargetOf(g.Workload); n == g.Upstream {
			return true
		}
	}
	return false
}

// targetPorts gives the port field of each OpenShift Route, which is one for all its backends, a value that means the gate
// in every Service of them: the port's name where they agree on it, else the number that the gates listen on. Such a
// field also means the pods' port, which is another one now even where only the target of the Service's port moved.
func (p *planner) targetPorts() {
	for _, route := range p.Model.Routes {
		var (
			backends []*topology.Backend
			names    []string
			numbers  []int
		)
		for _, way := range p.MovedWays(route) {
			if way.Backend.ByTarget {
				backends, names, numbers = append(backends, way.Backend), append(names, p.gatePort(way)), append(numbers, p.GateOf(way.Workload).Port)
			}
		}
		names, numbers = slices.Compact(slices.Sorted(slices.Values(names))), slices.Compact(slices.Sorted(slices.Values(numbers)))
		planned := slices.ContainsFunc(p.Reroutes, func(r *plan.Reroute) bool { return r.Route == route })
		switch {
		case len(backends) == 0, backends[0].Port == (topology.Port{}) && !planned: // it says no port, and needs to say none
		case len(names) == 1 && names[0] != "":
			p.setTargetPort(route, backends, topology.Port{Name: names[0]})
		case len(numbers) == 1:
			p.setTargetPort(route, backends, topology.Port{Number: numbers[0]})
		default:
			p.Find(finding.Error, route.Object, backends[0].PortField, "give each backend a route of its own, or the gates one port with --port",
				"is one for all backends, but no name and no number means the gates behind all of them")
		}
	}
}

// gatePort is the name of the Service port by which a way leads to the gate from now on.
func (p *planner) gatePort(way *topology.Way) string {
	if port := p.PortOf(way.Service); port != nil && way.Service.Exposed() == "" {
		return port.Name
	}
	return way.ServicePort.Name
}

// setTargetPort makes to the new port of an OpenShift Route, unless it says so already, or only one port can be meant.
func (p *planner) setTargetPort(route *topology.Route, backends []*topology.Backend, to topology.Port) {
	planned := func(r *plan.Reroute) bool { return r.Route == route }
	was := backends[0].Port
	fits := was == to || was == (topology.Port{}) && !slices.ContainsFunc(p.Reroutes, planned)
	p.Reroutes = slices.DeleteFunc(p.Reroutes, planned)
	if fits {
		return
	}
	for _, b := range slices.Compact(backends) { // one may have several ways
		p.Reroutes = append(p.Reroutes, &plan.Reroute{Route: route, Backend: b, To: to})
	}
}

// sharedPortFields refuses a route whose one port field serves several backends of which only some move, such as an
// OpenShift Route with alternateBackends.
func (p *planner) sharedPortFields() {
	type portField struct{ field, inner string }
	fieldOf := func(b *topology.Backend) portField { return portField{b.PortField.String(), b.Inner.String()} }
	staying := map[*topology.Route]map[portField][]*topology.Backend{}
	for _, r := range p.Reroutes {
		others, known := staying[r.Route]
		if !known {
			others = map[portField][]*topology.Backend{}
			for _, b := range r.Route.Backends {
				if !p.Rerouted(r.Route)[b] {
					others[fieldOf(b)] = append(others[fieldOf(b)], b)
				}
			}
			staying[r.Route] = others
		}
		for _, other := range others[fieldOf(r.Backend)] {
			p.Find(finding.Error, r.Route.Object, other.Field, "gate that workload too, or give it a route of its own",
				"shares its port with %s, which moves to the gate, but leads to another workload", r.Backend.Field)
		}
	}
}
