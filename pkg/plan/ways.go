package plan

import (
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

const optOutHint = "set the annotation " + gateconf.AnnotationGate + ": " + gateconf.GateDisabled

// ways decides about every way in: moved to the gate, none of ours, or in the way.
func (p *planner) ways() {
	spaces := map[string]bool{} // the namespaces of the gates
	for _, g := range p.Gates {
		spaces[g.Ref().Namespace] = true
	}
	for _, way := range p.model.Ways {
		switch {
		case way.Problem != "" && way.Workload != nil && p.gateOf(way.Workload) == nil:
		case way.Problem != "":
			p.unresolved(way, spaces)
		case way.Workload != nil && p.gateOf(way.Workload) != nil:
			p.way(way, p.gateOf(way.Workload))
		}
	}
	p.sharedPortFields()
}

// unresolved refuses a way that leads, or may lead, to a gated workload: one in the same namespace, as far as that is
// known.
func (p *planner) unresolved(way *topology.Way, spaces map[string]bool) {
	o := p.objectOf(way)
	if way.Workload == nil && optedOut(way) {
		p.find(Info, o, way.Field(), "", "left as it is, as the annotation %s asks", gateconf.AnnotationGate)
		return
	}
	severity := Warning
	if way.Workload != nil || mayLive(spaces, way.Namespace) {
		severity = Error
	}
	p.find(severity, o, way.Field(), way.Hint, "%s", way.Problem)
}

// optedOut says whether the object that opens the way carries the annotation that leaves it out.
func optedOut(way *topology.Way) bool {
	return way.Annotations()[gateconf.AnnotationGate] == gateconf.GateDisabled
}

// way moves one way that leads to a gated workload.
func (p *planner) way(way *topology.Way, g *Gate) {
	o, field := p.objectOf(way), way.Field()
	c := g.Workload.Container(way.Port)
	switch {
	case way.Service == nil:
		p.find(Error, o, field, "remove the hostPort", "port %d of %s is open on its node, past the gate", way.Port, g.Ref().Short())
		return
	case p.mixed(way):
		return
	case way.Backend != nil && way.Backend.Protocol != "":
		p.find(Error, o, field, "remove the route, or "+optOutHint+" on it to leave the workload without a gate",
			"leads to %s with %s, which the gate cannot guard", g.Ref().Short(), way.Backend.Protocol)
		return
	case way.ServicePort.Protocol != "" && way.ServicePort.Protocol != "TCP":
		p.find(Error, o, field, "take the port out of the Service", "leads to %s with %s, which the gate cannot guard", g.Ref().Short(), way.ServicePort.Protocol)
		return
	case way.Port == g.Upstream:
	case isAuthProxy(c):
		p.find(Info, o, field, "", "leads to container %q of %s, which asks for a login itself; left as it is", c.Name, g.Ref().Short())
		return
	case optedOut(way) && way.Port != 0:
		p.find(Warning, o, field, "", "leads to port %s of %s, past the gate; left as it is, as the annotation %s asks", portText(way), g.Ref().Short(), gateconf.AnnotationGate)
		return
	case isReloader(c):
		p.find(Warning, o, field, "take the port out of the Service, or give the application a Service of its own",
			"leads to port %s of %s too, where the operator's reloader shows its metrics, and which has no gate", portText(way), g.Ref().Short())
		return
	case isGuard(g.Workload, c) && c.Name != p.mainContainer(g):
		p.handMade(way, g, c)
	case way.Port == 0:
		p.find(Error, o, field, "name a port that a container declares", "leads to port %q of %s, which no container has", way.PortName, g.Ref().Short())
		return
	default:
		p.find(Error, o, field, "take that port away, "+optOutHint+" on "+o.Kind+" "+o.Name+" to leave it open, or name the port to guard with --gate "+g.Workload.Object.Kind+"/"+g.Workload.Object.Name+":PORT",
			"leads to port %s of %s, but the gate stands before port %d", portText(way), g.Ref().Short(), g.Upstream)
		return
	}
	if way.Maybe {
		p.find(Info, way.Service.Object, manifest.P("spec", "selector"), "",
			"selects %s only when its pods get more labels at run time; it counts as a way in", g.Ref().Short())
	}
	p.move(way)
}

func (p *planner) objectOf(way *topology.Way) *manifest.Object {
	switch {
	case way.Route != nil:
		return way.Route.Object
	case way.Service != nil:
		return way.Service.Object
	default:
		return way.Workload.Object
	}
}

func portText(way *topology.Way) string {
	text := strconv.Itoa(way.Port)
	if way.PortName != "" {
		text += " (" + way.PortName + ")"
	}
	return text
}

// mainContainer is the name of the container that the gate stands before.
func (p *planner) mainContainer(g *Gate) string {
	if c := g.Workload.Container(g.Upstream); c != nil {
		return c.Name
	}
	return ""
}

// mixed refuses a Service that also selects a workload without a gate: moving its port would cut that one off.
func (p *planner) mixed(way *topology.Way) bool {
	for _, hit := range p.model.Selected(way.Service) {
		if p.gateOf(hit.Workload) == nil {
			p.find(Error, way.Service.Object, manifest.P("spec", "selector"),
				"gate both (--gate "+hit.Workload.Object.Kind+"/"+hit.Workload.Object.Name+"), or give each a Service of its own",
				"selects %s, which has no gate, beside %s", hit.Workload.Object.Ref.Short(), way.Workload.Object.Ref.Short())
			return true
		}
	}
	return false
}

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
		if !p.rerouted[way.Route][way.Backend] {
			p.Reroutes = append(p.Reroutes, &Reroute{Route: way.Route, Backend: way.Backend, To: to})
		}
	}
	if way.Route != nil {
		if p.rerouted[way.Route] == nil {
			p.rerouted[way.Route] = map[*topology.Backend]bool{}
		}
		p.rerouted[way.Route][way.Backend] = true
	}
}

func (p *planner) moveTarget(way *topology.Way) {
	if p.moves[way.ServicePort] {
		return
	}
	p.moves[way.ServicePort] = true
	p.Moves = append(p.Moves, &Move{Service: way.Service, Port: way.ServicePort})
	p.find(Warning, way.Service.Object, way.ServicePort.Field, "give them a user, or a ClusterIP Service of their own",
		"the Service is open to the outside (%s), so its port %d now leads to the gate: clients inside the cluster that use it need a password too",
		way.Service.Exposed(), way.ServicePort.Number)
}

// servicePort returns the gate's port of a Service, planned once.
func (p *planner) servicePort(svc *topology.Service) *Port {
	if port, planned := p.ports[svc]; planned {
		return port
	}
	port := &Port{Service: svc, Name: gateconf.PortName, Number: gateconf.Port}
	for _, hit := range p.model.Selected(svc) {
		if g := p.gateOf(hit.Workload); g != nil {
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
			port.Unnamed = append(port.Unnamed, NewName{Field: have.Field, Name: name})
		}
	}
	p.Ports, p.ports[svc] = append(p.Ports, port), port
	return port
}

// clusterPorts gives the gate's port to every other ClusterIP Service of a gated workload too, so that a route that is
// not part of this stream can use it. Headless twins are for peers and get none.
func (p *planner) clusterPorts() {
	for _, svc := range p.model.Services {
		if svc.Exposed() != "" || svc.Headless || svc.Type != "ClusterIP" {
			continue
		}
		hits := p.model.Selected(svc)
		leads := len(hits) > 0
		for _, hit := range hits {
			g := p.gateOf(hit.Workload)
			leads = leads && g != nil && !hit.Maybe && leadsTo(svc, g)
		}
		if leads {
			p.servicePort(svc)
		}
	}
}

func leadsTo(svc *topology.Service, g *Gate) bool {
	for _, port := range svc.Ports {
		if n, _ := port.TargetOf(g.Workload); n == g.Upstream {
			return true
		}
	}
	return false
}

// handMade says what a guard made by hand leaves behind in the values.
func (p *planner) handMade(way *topology.Way, g *Gate, c *topology.Container) {
	var volumes []string
	for _, mount := range manifest.Items(c.Node, "volumeMounts") {
		if name := manifest.String(mount, "name"); name != "" {
			volumes = append(volumes, strconv.Quote(name))
		}
	}
	rest := []string{"container " + strconv.Quote(c.Name)}
	if len(volumes) > 0 {
		rest = append(rest, "its volumes "+strings.Join(volumes, " and "))
	}
	rest = append(rest, "port "+strconv.Itoa(way.ServicePort.Number)+" of "+way.Service.Object.Ref.Short())
	if way.Backend != nil {
		rest = append(rest, "the backend port "+way.Backend.Port.String()+" of "+way.Route.Object.Ref.Short())
	}
	p.find(Warning, g.Workload.Object, c.Field, "remove from the values: "+strings.Join(rest, ", "),
		"container %q (image %s, port %d) looks like a guard made by hand; the routes now lead past it to the gate, which makes it useless",
		c.Name, imageName(c.Image), way.Port)
}

// sharedPortFields refuses a route whose one port field serves several backends of which only some move, such as an
// OpenShift Route with alternateBackends.
func (p *planner) sharedPortFields() {
	for _, r := range p.Reroutes {
		for _, other := range r.Route.Backends {
			if other != r.Backend && other.PortField.String() == r.Backend.PortField.String() && other.Inner.String() == r.Backend.Inner.String() &&
				!p.rerouted[r.Route][other] {
				p.find(Error, r.Route.Object, other.Field, "gate that workload too, or give it a route of its own",
					"shares its port with %s, which moves to the gate, but leads to another workload", r.Backend.Field)
			}
		}
	}
}
