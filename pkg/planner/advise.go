package planner

import (
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
)

// advise says what a gate does not do, and what to do next.
func (p *planner) advise() {
	for _, g := range p.Gates {
		o := g.Workload.Object
		if !manifest.Bool(g.Workload.Spec(), "listenLocal") && !g.Closed() {
			p.Find(finding.Info, o, nil, "keep untrusted pods out with --network-policy same-namespace",
				"port %d stays open inside the cluster, for scrapers and for whoever can reach the pod", g.Upstream)
		}
	}
	for _, g := range p.Gates {
		p.adviseSecrets(g)
	}
}

// adviseSecrets says, once for each Secret, what it takes to let somebody in.
func (p *planner) adviseSecrets(g *plan.Gate) {
	namespace := ""
	if ns := g.Ref().Namespace; ns != "" {
		namespace = " --namespace " + ns
	}
	command := "kubectl basicauth user add NAME" + namespace
	if g.Config.UsersSecret != gateconf.UsersSecret {
		command += " --secret " + g.Config.UsersSecret
	}
	if g.Config.Auth != gateconf.AuthNone && p.news(g, "users", g.Config.UsersSecret) {
		p.Find(finding.Info, g.Workload.Object, nil, command, "nobody gets in before Secret %q has a user", g.Config.UsersSecret)
	}
	name, secret := g.Config.RequireHeader, g.Settings.HeaderSecret
	if name != "" && p.news(g, "header "+name, secret) {
		p.Find(finding.Info, g.Workload.Object, nil, "kubectl create secret generic "+secret+" --from-literal=current=\"$(openssl rand -hex 32)\", and have the CDN send it",
			"every request is refused that has no header %s with a value of Secret %q", name, secret)
	}
	if secret := g.Settings.TLSSecret; g.TLS() && p.news(g, "tls", secret) {
		p.Find(finding.Info, g.Workload.Object, nil, "let cert-manager make it, or use kubectl create secret tls "+secret,
			"nobody can connect, and the pod is not ready, before Secret %q has a certificate", secret)
	}
}

// news says whether nothing was said yet of a Secret of the gate's namespace.
func (p *planner) news(g *plan.Gate, what, secret string) bool {
	return p.FirstTime(what + " " + g.Ref().Namespace + "/" + secret)
}
