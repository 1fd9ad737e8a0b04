package plan

import (
	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// keptOut names what the stream shows of clients inside the cluster that the policies of the gates keep out from now on:
// those that name a port of a gated workload's Service which does not lead to the gate.
func (p *planner) keptOut(s *manifest.Stream) {
	gates := map[*topology.Service]*Gate{}
	var closed []*topology.Service
	for _, g := range p.Gates {
		if !g.closed() || g.PolicyName == "" {
			continue
		}
		for _, svc := range p.model.SelectedBy(g.Workload) {
			if gates[svc] == nil {
				gates[svc], closed = g, append(closed, svc)
			}
		}
	}
	if len(closed) == 0 {
		return
	}
	clients := map[*manifest.Object]*topology.Workload{}
	for _, w := range p.model.Workloads {
		clients[w.Object] = w
	}
	c := p.searchClients(closed, func(svc *topology.Service, port *topology.ServicePort) bool {
		number, _ := port.TargetOf(gates[svc].Workload)
		return number != gates[svc].Port && !p.moves[port]
	})
	c.tell = func(o *manifest.Object, svc *topology.Service, field manifest.Path) {
		p.tellKeptOut(gates[svc], svc, o, clients[o], field)
	}
	c.search(s)
}

// tellKeptOut reports a client, w where it is a workload itself, that asks a Service past the gate g, unless the policy
// is known to let it in.
func (p *planner) tellKeptOut(g *Gate, svc *topology.Service, o *manifest.Object, w *topology.Workload, field manifest.Path) {
	namespace, who := g.Ref().Namespace, "only the pods of its namespace"
	near := g.Settings.NetworkPolicy != config.PolicyGateOnly
	if !near {
		who = "only its own pods"
	}
	if o.Kind == "ServiceMonitor" { // which says nothing of who scrapes
		if p.scrapers(g, near) {
			return
		}
	} else if w == g.Workload || near && topology.SameNamespace(o.Namespace, namespace) || w != nil && lets(g.Settings.AllowFrom, w, namespace) {
		return
	}
	severity, hint := Warning, "let it in with allowFrom, or have it ask the gate's port with a user"
	if len(g.Settings.AllowFrom) > 0 {
		severity, hint, who = Info, "check that it is one of them", who+" and those of allowFrom"
	}
	p.find(severity, o, field, hint, "uses a port of Service %q that %s reach from now on", svc.Object.Name, who)
}

// scrapers says whether the stream has a Prometheus, and all that it has may reach the pods of a gate: they are these, are
// allowed, or are near, where that is enough.
func (p *planner) scrapers(g *Gate, near bool) bool {
	found := false
	for _, w := range p.model.Workloads {
		if w.Hook || w.App != topology.Prometheus && w.App != topology.PrometheusAgent {
			continue
		}
		found = true
		if w != g.Workload && !lets(g.Settings.AllowFrom, w, g.Ref().Namespace) && !(near && topology.SameNamespace(w.Object.Namespace, g.Ref().Namespace)) {
			return false
		}
	}
	return found
}
