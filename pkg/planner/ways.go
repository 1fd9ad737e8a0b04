package planner

import (
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// ways decides about every way in: moved to the gate, none of ours, or in the way.
func (p *planner) ways() {
	spaces := map[string]bool{} // the namespaces of the gates
	for _, g := range p.Gates {
		spaces[g.Ref().Namespace] = true
		p.hostNetwork(g)
	}
	for _, l := range p.Logins {
		spaces[l.Ref().Namespace] = true
		p.ingress.Node(l)
	}
	for _, way := range p.Model.Ways {
		switch {
		case way.Nowhere != "":
			p.nowhere(way, spaces)
		case way.Problem != "" && way.Workload != nil && p.GateOf(way.Workload) == nil && p.LoginOf(way.Workload) == nil:
		case way.Problem != "":
			p.unresolved(way, spaces)
		case way.Workload != nil && p.LoginOf(way.Workload) != nil:
			p.loginWay(way, p.LoginOf(way.Workload))
		case way.Workload != nil && p.GateOf(way.Workload) != nil:
			p.way(way, p.GateOf(way.Workload))
		}
	}
	p.targetPorts()
	p.sharedPortFields()
}

// nowhere reports a way in a gate's namespace that leads to nothing in this stream. It is no way in, so it does not
// stop anything; but somebody may have meant it to lead to the gated workload.
func (p *planner) nowhere(way *topology.Way, spaces map[string]bool) {
	if topology.MayBeIn(spaces, way.Namespace) && !way.OptedOut() {
		p.Find(finding.Warning, way.Object(), way.Field(), "check that nothing else makes it lead to a gated workload", "%s", way.Nowhere)
	}
}

// unresolved refuses a way that leads, or may lead, to a gated workload: one in the same namespace, as far as that is
// known.
func (p *planner) unresolved(way *topology.Way, spaces map[string]bool) {
	o := way.Object()
	switch {
	case way.Workload == nil && way.OptedOut():
		p.Find(finding.Info, o, way.Field(), "", "left as it is, as the annotation %s asks", gateconf.AnnotationGate)
	case way.Workload == nil && p.Model.Elsewhere(way, func(w *topology.Workload) bool { return p.GateOf(w) != nil || p.LoginOf(w) != nil }):
		p.Find(finding.Warning, o, way.Field(), way.Hint, "%s; no gated workload is behind that Service, so it is left as it is", way.Problem)
	case way.Workload != nil || topology.MayBeIn(spaces, way.Namespace):
		p.RefuseWay(way, way.Hint, "%s", way.Problem)
	default:
		p.Find(finding.Warning, o, way.Field(), way.Hint, "%s", way.Problem)
	}
}

// way moves one way that leads to a gated workload.
func (p *planner) way(way *topology.Way, g *plan.Gate) {
	o, field := way.Object(), way.Field()
	c := g.Workload.Container(way.Port)
	switch {
	case way.Service == nil:
		p.nodePort(way, g)
		return
	case p.mixed(way):
		return
	case way.Backend != nil && way.Backend.Protocol != "":
		p.RefuseWay(way, "remove the route", "leads to %s with %s, which the gate cannot guard", g.Ref().Short(), way.Backend.Protocol)
		return
	case way.ServicePort.Protocol != "" && way.ServicePort.Protocol != "TCP":
		p.RefuseWay(way, "take the port out of the Service", "leads to %s with %s, which the gate cannot guard", g.Ref().Short(), way.ServicePort.Protocol)
		return
	case way.Port == g.Upstream:
	case p.besideGate(way, g):
		return
	case program.IsAuthProxy(c):
		p.Find(finding.Info, o, field, "", "leads to container %q of %s, which asks for a login itself; left as it is", c.Name, g.Ref().Short())
		return
	case way.OptedOut() && way.Port != 0:
		p.Find(finding.Warning, o, field, "", "leads to port %s of %s, past the gate; left as it is, as the annotation %s asks", way.PortText(), g.Ref().Short(), gateconf.AnnotationGate)
		return
	case program.IsReloader(c):
		p.Find(finding.Warning, o, field, "take the port out of the Service, or give the application a Service of its own",
			"leads to port %s of %s too, where the operator's reloader shows its metrics, and which has no gate", way.PortText(), g.Ref().Short())
		return
	case program.IsGuard(g.Workload, c) && c.Name != p.mainContainer(g):
		p.handMade(way, g, c)
	case way.Port == 0:
		p.RefuseWay(way, "name a port that a container declares", "leads to port %q of %s, which no container has", way.PortName, g.Ref().Short())
		return
	default:
		p.RefuseWay(way, "take that port away, or name the port to guard with --gate "+g.Workload.Object.Kind+"/"+g.Workload.Object.Name+":PORT",
			"leads to port %s of %s, but the gate stands before port %d", way.PortText(), g.Ref().Short(), g.Upstream)
		return
	}
	if way.Maybe {
		p.Find(finding.Info, way.Service.Object, manifest.P("spec", "selector"), "",
			"selects %s only when its pods get more labels at run time; it counts as a way in", g.Ref().Short())
	}
	p.move(way)
}

// mainContainer is the name of the container that the gate stands before.
func (p *planner) mainContainer(g *plan.Gate) string {
	if c := g.Workload.Container(g.Upstream); c != nil {
		return c.Name
	}
	return ""
}

// besideGate refuses a way to a port that would stay as it is, where the Service's port leads to the gate of another
// workload too: the port named kauth in its place is that of both gates.
func (p *planner) besideGate(way *topology.Way, g *plan.Gate) bool {
	c := g.Workload.Container(way.Port)
	if !program.IsAuthProxy(c) && !program.IsReloader(c) && (!way.OptedOut() || way.Port == 0) {
		return false // refused or moved anyway
	}
	for _, hit := range p.Model.Selected(way.Service) {
		other := p.GateOf(hit.Workload)
		if port, _ := way.ServicePort.TargetOf(hit.Workload); other == nil || other == g || port != other.Upstream {
			continue
		}
		p.RefuseWay(way, "give each a Service of its own", "leads to port %s of %s beside %s, so that it would lead to the gates of both",
			way.PortText(), g.Ref().Short(), other.Ref().Short())
		return true
	}
	return false
}

// mixed refuses a Service that also selects a workload without a gate: moving its port would cut that one off. One that
// it may only select at run time does not count beside the ones that it selects by the manifests.
func (p *planner) mixed(way *topology.Way) bool {
	for _, hit := range p.Model.Selected(way.Service) {
		switch {
		case p.GateOf(hit.Workload) != nil:
		case !topology.SameNamespace(hit.Workload.Object.Namespace, way.Workload.Object.Namespace):
			p.RefuseWay(way, "say which it is with --namespace", "Service %q selects %s, which has no gate, or %s, as the namespace of the release may be",
				way.Service.Object.Name, hit.Workload.Object.Ref.Short(), way.Workload.Object.Ref.Short())
			return true
		default:
			selects := "selects " + hit.Workload.Object.Ref.Short() + ", which has no gate, beside " + way.Workload.Object.Ref.Short()
			if way.Maybe && !hit.Maybe {
				selects = "selects " + hit.Workload.Object.Ref.Short() + ", which has no gate, and may select " + way.Workload.Object.Ref.Short() + " at run time"
			}
			p.RefuseWay(way, "gate both (--gate "+hit.Workload.Object.Kind+"/"+hit.Workload.Object.Name+"), or give each a Service of its own",
				"Service %q %s", way.Service.Object.Name, selects)
			return true
		}
	}
	return false
}

// handMade says what a guard made by hand leaves behind in the values.
func (p *planner) handMade(way *topology.Way, g *plan.Gate, c *topology.Container) {
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
	p.Find(finding.Warning, g.Workload.Object, c.Field, "remove from the values: "+strings.Join(rest, ", "),
		"container %q (image %s, port %d) looks like a guard made by hand; the routes now lead past it to the gate, which makes it useless",
		c.Name, program.ImageName(c.Image), way.Port)
}
