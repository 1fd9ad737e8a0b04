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
		if g.Config.Auth != gateconf.AuthNone {
			p.find(Info, g.Workload.Object, nil, command, "nobody gets in before Secret %q has a user", g.Config.UsersSecret)
		}
		if name := g.Config.RequireHeader; name != "" {
			p.find(Info, g.Workload.Object, nil, "kubectl create secret generic "+p.options.HeaderSecret+" --from-literal=current=\"$(openssl rand -hex 32)\", and have the CDN send it",
				"every request is refused that has no header %s with a value of Secret %q", name, p.options.HeaderSecret)
		}
		if p.tls() {
			p.find(Info, g.Workload.Object, nil, "let cert-manager make it, or use kubectl create secret tls "+p.options.TLSSecret,
				"nobody can connect, and the pod is not ready, before Secret %q has a certificate", p.options.TLSSecret)
		}
	}
}
