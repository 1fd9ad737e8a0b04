package planner

import (
	"slices"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// agree refuses a Service that leads to gates which ask for different things: a request goes to any of them.
func (p *planner) agree() {
	for _, svc := range p.Model.Services {
		first := p.Behind(svc)
		for _, hit := range p.Model.Selected(svc) {
			g := p.GateOf(hit.Workload)
			if g == nil || !p.used(svc) {
				continue
			}
			if setting := difference(first, g); setting != "" {
				p.Find(finding.Error, svc.Object, manifest.P("spec", "selector"), "give both the same, or each a Service of its own",
					"selects %s and %s, whose gates differ in %s, though a request may go to either", first.Ref().Short(), g.Ref().Short(), setting)
				break
			}
		}
	}
}

// used says whether the plan makes the Service lead to a gate.
func (p *planner) used(svc *topology.Service) bool {
	added := p.PortOf(svc) != nil
	return added || slices.ContainsFunc(svc.Ports, func(port *topology.ServicePort) bool { return p.Moved(port) })
}

// difference names the first setting in which two gates differ for whoever sends requests; "" where they are alike.
func difference(a, b *plan.Gate) string {
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
