package planner

import (
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// nodePort decides about a port that a gated workload opens on its node: a hostPort of the application's moves to the
// gate.
func (p *planner) nodePort(way *topology.Way, g *plan.Gate) {
	o, field, c := way.Object(), way.Field(), g.Workload.Container(way.Port)
	switch {
	case g.Workload.HostNetwork && program.OnLoopback(g.Workload, way.Port):
	case program.IsAuthProxy(c):
		p.Find(finding.Info, o, field, "", "port %d on the node leads to container %q, which asks for a login itself; left as it is", way.Port, c.Name)
	case program.IsReloader(c):
		p.Find(finding.Warning, o, field, "", "port %d is open on the node, where the operator's reloader shows its metrics, and which has no gate", way.Port)
	case !g.Workload.HostNetwork && way.Port == g.Upstream && g.HostPort == 0 && c != nil:
		for _, port := range c.Ports {
			if port.Number == way.Port && port.HostPort != 0 && port.Field.With("hostPort").String() == field.String() {
				g.HostPort, g.HostIP, g.HostField = port.HostPort, manifest.String(manifest.At(o.Node, port.Field), "hostIP"), field
			}
		}
		p.Find(finding.Info, o, field, "", "port %d of the node now leads to the gate", g.HostPort)
	case g.Workload.HostNetwork:
		p.RefuseWay(way, program.LoopbackHint, "port %d of %s is open on its node, past the gate", way.Port, g.Ref().Short())
	default:
		p.RefuseWay(way, "remove the hostPort", "port %d of %s is open on its node, past the gate", way.Port, g.Ref().Short())
	}
}

// hostNetwork decides about a gated workload in the network of its node, where each port that it listens on is one of
// the node, declared or not.
func (p *planner) hostNetwork(g *plan.Gate) {
	w := g.Workload
	if !w.HostNetwork {
		return
	}
	p.Find(finding.Warning, w.Object, w.PodSpec.With("hostNetwork"), "keep them out of the node's firewall but for the load balancer, and leave no second pod to a node",
		"the gate's ports %d and %d are ports of the node", g.Port, g.AdminPort)
	if !program.OnLoopback(w, g.Upstream) && !w.Takes(g.Upstream) {
		p.RefuseWay(&topology.Way{Workload: w, Port: g.Upstream}, program.LoopbackHint, "port %d of %s is open on its node, past the gate", g.Upstream, w.Object.Ref.Short())
	}
}

// nodeTaken says who else of the stream takes a port of the nodes, "" where nobody does.
func (p *planner) nodeTaken(w *topology.Workload, port int) string {
	for _, g := range p.Gates {
		if g.Workload.HostNetwork && g.Workload != w && (g.Port == port || g.AdminPort == port) {
			return "the gate of " + g.Ref().Short() + ", on the node"
		}
	}
	for _, other := range p.Model.Workloads {
		if other == w {
			continue
		}
		for _, c := range other.Containers {
			for _, taken := range c.Ports {
				if taken.HostPort == port || other.HostNetwork && taken.Number == port {
					return other.Object.Ref.Short() + ", on the node"
				}
			}
		}
	}
	return ""
}
