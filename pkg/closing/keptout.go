package closing

import (
	"slices"

	"github.com/kauth-dev/kauth/pkg/client"
	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/netpolicy"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// keptOut names what the stream shows of clients inside the cluster that the added policies keep out from now on: those
// that name a port of a closed workload's Service which leads to no port that is open.
func (p *policies) keptOut(s *manifest.Stream, all map[*topology.Workload]*closing) {
	behind := map[*topology.Service]*closing{}
	var closed []*topology.Service
	for _, w := range p.Model.Workloads {
		c := all[w]
		if c == nil || c.policy == "" {
			continue
		}
		for _, svc := range p.Model.SelectedBy(w) {
			if behind[svc] == nil {
				behind[svc], closed = c, append(closed, svc)
			}
		}
	}
	if len(closed) == 0 {
		return
	}
	clients := map[*manifest.Object]*topology.Workload{}
	for _, w := range p.Model.Workloads {
		clients[w.Object] = w
	}
	c := client.New(p.Model, closed, func(svc *topology.Service, port *topology.ServicePort) bool {
		number, _ := port.TargetOf(behind[svc].workload)
		return !slices.Contains(behind[svc].open, number) && !p.Moved(port)
	})
	c.Run(s, func(o *manifest.Object, svc *topology.Service, field manifest.Path) {
		p.tellKeptOut(behind[svc], svc, o, clients[o], field)
	})
}

// tellKeptOut reports a client, w where it is a workload itself, that asks a Service of a closed workload, unless the policy
// is known to let it in.
func (p *policies) tellKeptOut(c *closing, svc *topology.Service, o *manifest.Object, w *topology.Workload, field manifest.Path) {
	namespace, who := c.ref().Namespace, "only the pods of its namespace"
	near := c.settings.NetworkPolicy != config.PolicyGateOnly
	if !near {
		who = "only its own pods"
	}
	if o.Kind == "ServiceMonitor" { // which says nothing of who scrapes
		if p.scrapers(c, near) {
			return
		}
	} else if w == c.workload || near && topology.SameNamespace(o.Namespace, namespace) || w != nil && netpolicy.Lets(c.settings.AllowFrom, w, namespace) {
		return
	}
	severity, hint := finding.Warning, "let it in with allowFrom"+map[string]string{
		config.ModeSidecar: ", or have it ask the gate's port with a user", config.ModeIngress: ", or have it ask by the route with a user",
	}[c.mode]
	if len(c.settings.AllowFrom) > 0 {
		severity, hint, who = finding.Info, "check that it is one of them", who+" and those of allowFrom"
	}
	p.Find(severity, o, field, hint, "uses a port of Service %q that %s reach from now on", svc.Object.Name, who)
}

// scrapers says whether the stream has a Prometheus, and all that it has may reach closed pods: they are these, are allowed,
// or are near, where that is enough.
func (p *policies) scrapers(c *closing, near bool) bool {
	found := false
	for _, w := range p.Model.Workloads {
		if w.Hook || w.App != topology.Prometheus && w.App != topology.PrometheusAgent {
			continue
		}
		found = true
		if w != c.workload && !netpolicy.Lets(c.settings.AllowFrom, w, c.ref().Namespace) && !(near && topology.SameNamespace(w.Object.Namespace, c.ref().Namespace)) {
			return false
		}
	}
	return found
}
