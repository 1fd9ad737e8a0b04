package plan

import (
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// namespacesOf are where the charts of ingress controllers are installed as their documentation has it.
var namespacesOf = map[string]string{byNGINX: "ingress-nginx", byTraefik: "traefik"}

// controllersIn sees to it that the ingress controllers which ask for the password of a login are not kept out, for then
// nobody would get in. Those of the stream are known; of others somebody must have said by allowFrom where they are.
func (p *planner) controllersIn(c *closing) bool {
	var askers []string
	if c.login != nil {
		for _, way := range p.model.WaysTo(c.workload) {
			if asker := c.login.asks[way]; asker != "" && !slices.Contains(askers, asker) {
				askers = append(askers, asker)
			}
		}
	}
	slices.Sort(askers)
	var unknown []string
	for _, asker := range askers {
		found := false
		for _, w := range p.model.Workloads {
			if w.Hook || !isController(w, asker) {
				continue
			}
			found = true
			if reason := c.keepsOut(w); reason != "" && len(c.settings.AllowFrom) > 0 {
				p.find(Warning, w.Object, nil, "let it in with allowFrom where it is the one", "%s may be who asks for the password of %s, and %s", asker, c.ref().Short(), reason)
			} else if reason != "" {
				found = false
				break
			}
		}
		if !found {
			unknown = append(unknown, asker)
		}
	}
	if len(unknown) == 0 || len(c.settings.AllowFrom) > 0 {
		return true
	}
	var entries []string
	for _, asker := range unknown {
		entries = append(entries, "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: "+namespacesOf[asker]+"}}}")
	}
	severity, would := Error, "would"
	if p.chartLetsIn(c) {
		severity, would = Warning, "may"
	}
	p.find(severity, c.workload.Object, nil, "add to kauth.yaml, with the namespace in which it runs: allowFrom: ["+strings.Join(entries, ", ")+"]",
		"networkPolicy %s %s keep out %s, by which its users come, so that nobody gets in", c.settings.NetworkPolicy, would, strings.Join(unknown, " and "))
	return severity != Error
}

// chartLetsIn says whether a policy of the stream lets pods or addresses beyond the namespace in to an application, as an
// ingress controller may be.
func (p *planner) chartLetsIn(c *closing) bool {
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
	case blocks, slices.ContainsFunc(c.settings.AllowFrom, config.Peer.Everyone): // whose pods have which addresses is not known
		return ""
	case w.HostNetwork:
		return "is in the network of its node, which no selector of allowFrom means; an ipBlock of the nodes does"
	case c.settings.NetworkPolicy == config.PolicySameNamespace && topology.SameNamespace(w.Object.Namespace, namespace), lets(c.settings.AllowFrom, w, namespace):
		return ""
	default:
		return "allowFrom does not let it in, as far as this stream tells"
	}
}

// isController says whether a workload runs the ingress controller that asks at some spots. Who copies its image elsewhere
// keeps the end of the name.
func isController(w *topology.Workload, asker string) bool {
	return slices.ContainsFunc(w.Containers, func(c *topology.Container) bool {
		name := imageName(c.Image)
		if c.Init {
			return false
		}
		if asker == byTraefik {
			return strings.HasSuffix(name, "traefik")
		}
		return strings.HasSuffix(name, "nginx-ingress-controller") || strings.HasSuffix(name, "ingress-nginx-controller") || strings.Contains(c.Image, "ingress-nginx/controller")
	})
}
