package plan

import (
	"slices"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// behind returns the gate that a Service leads to: any of them, for agree sees to it that all are alike. It is never
// nil for a Service of a way that was moved.
func (p *planner) behind(svc *topology.Service) *Gate {
	for _, hit := range p.model.Selected(svc) {
		if g := p.gateOf(hit.Workload); g != nil {
			return g
		}
	}
	for _, way := range p.model.Ways { // one that leads there in another way than by a selector
		if g := p.gateOf(way.Workload); way.Service == svc && g != nil {
			return g
		}
	}
	return nil
}

// tls says whether the gate serves HTTPS.
func (g *Gate) tls() bool { return g.Config.TLSCertFile != "" }

// scheme is what the gate speaks: http, or https.
func (g *Gate) scheme() string {
	if g.tls() {
		return "https"
	}
	return "http"
}

// gateBehind returns the gate behind a route, for what the route says once for all its backends: the first, where alike
// refuses the others that want something else. It is never nil for a route that was moved.
func (p *planner) gateBehind(route *topology.Route) *Gate {
	for _, way := range p.movedWays(route) {
		return p.gateOf(way.Workload)
	}
	return nil
}

// alike says whether all gates behind a route speak the same and have one health path, as what the route says at field wants
// it, and refuses the route otherwise.
func (p *planner) alike(route *topology.Route, field manifest.Path) bool {
	first := p.gateBehind(route)
	for _, way := range p.movedWays(route) {
		if g := p.gateOf(way.Workload); g.tls() != first.tls() || g.Config.HealthPath != first.Config.HealthPath {
			p.find(finding.Error, route.Object, field, "give both the same tlsSecret and health path, or each a route of its own",
				"is said once for all backends, but the gates of %s and %s differ", first.Ref().Short(), g.Ref().Short())
			return false
		}
	}
	return true
}

// agree refuses a Service that leads to gates which ask for different things: a request goes to any of them.
func (p *planner) agree() {
	for _, svc := range p.model.Services {
		first := p.behind(svc)
		for _, hit := range p.model.Selected(svc) {
			g := p.gateOf(hit.Workload)
			if g == nil || !p.used(svc) {
				continue
			}
			if setting := difference(first, g); setting != "" {
				p.find(finding.Error, svc.Object, manifest.P("spec", "selector"), "give both the same, or each a Service of its own",
					"selects %s and %s, whose gates differ in %s, though a request may go to either", first.Ref().Short(), g.Ref().Short(), setting)
				break
			}
		}
	}
}

// used says whether the plan makes the Service lead to a gate.
func (p *planner) used(svc *topology.Service) bool {
	_, added := p.ports[svc]
	return added || slices.ContainsFunc(svc.Ports, func(port *topology.ServicePort) bool { return p.moves[port] })
}

// difference names the first setting in which two gates differ for whoever sends requests; "" where they are alike.
func difference(a, b *Gate) string {
	text := func(setting string, of func(c *gateconf.Config) string) string {
		if of(&a.Config) != of(&b.Config) {
			return setting
		}
		return ""
	}
	switch {
	case a.Settings.TLSSecret != b.Settings.TLSSecret:
		return "tlsSecret"
	case a.Settings.HeaderSecret != b.Settings.HeaderSecret:
		return "headerSecret"
	}
	for _, setting := range []string{
		text("healthPath", func(c *gateconf.Config) string { return c.HealthPath }),
		text("usersSecret", func(c *gateconf.Config) string { return c.UsersSecret }),
		text("auth", func(c *gateconf.Config) string { return c.Auth }),
		text("signIn", func(c *gateconf.Config) string { return c.SignIn }),
		text("requireHeader", func(c *gateconf.Config) string { return c.RequireHeader }),
	} {
		if setting != "" {
			return setting
		}
	}
	return ""
}
