package plan

import (
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

// advise says what a gate does not do, and what to do next.
func (p *planner) advise() {
	for _, g := range p.Gates {
		o := g.Workload.Object
		if !manifest.Bool(g.Workload.Spec(), "listenLocal") {
			p.find(Info, o, nil, "keep untrusted pods out with a NetworkPolicy",
				"port %d stays open inside the cluster, for scrapers and for whoever can reach the pod", g.Upstream)
		}
	}
	if len(p.Gates) > 0 {
		g := p.Gates[0]
		command := "kubectl basicauth user add NAME"
		if ns := g.Ref().Namespace; ns != "" {
			command += " --namespace " + ns
		}
		if g.Config.UsersSecret != gateconf.UsersSecret {
			command += " --secret " + g.Config.UsersSecret
		}
		p.find(Info, g.Workload.Object, nil, command, "nobody gets in before Secret %q has a user", g.Config.UsersSecret)
	}
}
