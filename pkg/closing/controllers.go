package closing

import (
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/ingressauth"
	"github.com/kauth-dev/kauth/pkg/netpolicy"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// namespacesOf are where the charts of ingress controllers are installed as their documentation has it.
var namespacesOf = map[string]string{ingressauth.NGINX: "ingress-nginx", ingressauth.Traefik: "traefik"}

// controllersIn sees to it that the ingress controllers which ask for the password of a login are not kept out, for then
// nobody would get in. Those of the stream are known; of others somebody must have said by allowFrom where they are.
func (p *policies) controllersIn(c *closing) bool {
	var out, entries []string
	for _, asker := range p.askers(c) {
		if entry := p.keptController(c, asker); entry != "" {
			out, entries = append(out, asker), append(entries, entry)
		}
	}
	if len(out) == 0 {
		return true
	}
	severity, would := finding.Error, "would"
	if p.chartLetsIn(c) {
		severity, would = finding.Warning, "may"
	}
	p.Find(severity, c.workload.Object, nil, "add to kauth.yaml, with where it runs: allowFrom: ["+strings.Join(entries, ", ")+"]",
		"networkPolicy %s %s keep out %s, by which its users come, so that nobody gets in", c.settings.NetworkPolicy, would, strings.Join(out, " and "))
	return severity != finding.Error
}

// askers are the ingress controllers that ask for the password of a login, none where nobody or somebody else asks.
func (p *policies) askers(c *closing) []string {
	var all []string
	if c.login == nil {
		return nil
	}
	for _, way := range p.Model.WaysTo(c.workload) {
		if asker := c.login.Asks[way]; asker != "" && !slices.Contains(all, asker) {
			all = append(all, asker)
		}
	}
	slices.Sort(all)
	return all
}

// keptController returns an entry for allowFrom where an ingress controller is kept out, "" where it gets in, as far as is
// known. One of the stream that allowFrom passes over is found.
func (p *policies) keptController(c *closing, asker string) string {
	entry := "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: " + namespacesOf[asker] + "}}}"
	known := len(c.settings.AllowFrom) > 0
	reasons := map[*topology.Workload]string{}
	for _, w := range p.Model.Workloads {
		if w.Hook || !isController(w, asker) {
			continue
		}
		reasons[w] = c.keepsOut(w)
		known = known || reasons[w] == ""
		if w.HostNetwork {
			entry = "{ipBlock: {cidr: NODES}}"
		}
	}
	if !known {
		return entry
	}
	for _, w := range p.Model.Workloads {
		if reason := reasons[w]; reason != "" {
			p.Find(finding.Warning, w.Object, nil, "let it in with allowFrom where it is the one", "%s may be who asks for the password of %s, and %s", asker, c.ref().Short(), reason)
		}
	}
	return ""
}

// chartLetsIn says whether a policy of the stream lets pods or addresses beyond the namespace in to an application, as an
// ingress controller may be.
func (p *policies) chartLetsIn(c *closing) bool {
	return slices.ContainsFunc(p.restricting[c.workload], func(policy *topology.Policy) bool {
		return slices.ContainsFunc(policy.Rules, func(rule topology.PolicyRule) bool {
			beyond := slices.ContainsFunc(rule.From, func(peer topology.PolicyPeer) bool { return !peer.Within() })
			return c.undoneBy(rule) && (beyond || rule.Everyone())
		})
	})
}

// keepsOut says why the policy may not let an ingress controller in, "" where it does for sure.
func (c *closing) keepsOut(w *topology.Workload) string {
	namespace := c.ref().Namespace
	blocks := slices.ContainsFunc(c.settings.AllowFrom, func(peer config.Peer) bool { return peer.IPBlock != nil })
	switch {
	case blocks: // whose addresses are in it is not known
		return ""
	case w.HostNetwork:
		return "is in the network of its node, which no selector of a NetworkPolicy means; an ipBlock of the nodes in allowFrom does"
	case c.settings.NetworkPolicy == config.PolicySameNamespace && topology.SameNamespace(w.Object.Namespace, namespace), netpolicy.Lets(c.settings.AllowFrom, w, namespace):
		return ""
	default:
		return "its NetworkPolicy does not let it in, as far as this stream tells"
	}
}

// isController says whether a workload runs the ingress controller that asks at some spots. Who copies its image elsewhere
// keeps the end of the name.
func isController(w *topology.Workload, asker string) bool {
	return slices.ContainsFunc(w.Containers, func(c *topology.Container) bool {
		name := program.ImageName(c.Image)
		if c.Init {
			return false
		}
		if asker == ingressauth.Traefik {
			return strings.HasSuffix(name, "traefik")
		}
		return strings.HasSuffix(name, "nginx-ingress-controller") || strings.HasSuffix(name, "ingress-nginx-controller") || strings.Contains(c.Image, "ingress-nginx/controller")
	})
}
