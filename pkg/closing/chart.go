package closing

import (
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/netpolicy"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// chartPolicies looks at the policies of the stream that are about the pods of a workload beside the one that is added.
// Policies add up: one that lets everybody in to what is to be closed undoes what was asked for, and one that lets fewer in
// than the added one no longer counts.
func (p *policies) chartPolicies(c *closing) {
	sameNamespace := c.settings.NetworkPolicy == config.PolicySameNamespace
	fewer := len(p.restricting[c.workload]) > 0 && (c.app != 0 || len(netpolicy.OtherPorts(c.workload, c.open)) > 0)
	for _, policy := range p.restricting[c.workload] {
		for _, rule := range policy.Rules {
			if !c.undoneBy(rule) {
				continue
			}
			if rule.Everyone() {
				fewer = false
				p.openRule(policy, rule, c)
				continue
			}
			var others []string
			for _, peer := range rule.From {
				fewer = fewer && !peer.Namespace()
				if (!sameNamespace || !peer.Within()) && !c.allows(peer) {
					others = append(others, netpolicy.PeerText(peer))
				}
			}
			if len(others) > 0 {
				p.Find(finding.Warning, policy.Object, rule.Field, takeOut[c.mode],
					"lets %s in to %s of %s, %s and beside NetworkPolicy %q, for policies add up", strings.Join(others, ", "), c.where(), c.ref().Short(), netpolicy.PastWhom(c.mode), netpolicy.Name(c.ref().Name))
			}
		}
	}
	if sameNamespace && fewer {
		p.Find(finding.Warning, p.restricting[c.workload][0].Object, nil, "use networkPolicy "+config.PolicyGateOnly+", or "+config.PolicyNone+", which leaves it to this policy",
			"lets fewer in to %s of %s than networkPolicy %s, and policies add up, so that every pod of the namespace gets in", c.where(), c.ref().Short(), c.settings.NetworkPolicy)
	}
}

// takeOut is what to do with those whom a policy of the stream lets in beside the added one.
var takeOut = map[string]string{
	config.ModeSidecar: "take them out of it where they should use the gate",
	config.ModeIngress: "name the ingress controller in allowFrom, and take out of it who should come by that",
	config.ModeNative:  "take them out of it where they need not get in",
}

// allows says whether the settings let a peer of another policy in too.
func (c *closing) allows(peer topology.PolicyPeer) bool {
	return slices.ContainsFunc(c.settings.AllowFrom, func(allowed config.Peer) bool { return netpolicy.Same(allowed, netpolicy.Peer(peer)) })
}

// openRule refuses a rule of the stream that lets everybody in to what is to be closed, or records that the user
// allows it.
func (p *policies) openRule(policy *topology.Policy, rule topology.PolicyRule, c *closing) {
	o, name := policy.Object, policy.Object.Kind+"/"+policy.Object.Name
	what := "lets everybody in to " + c.where() + " of " + c.ref().Short() + ", " + netpolicy.PastWhom(c.mode) + ", and policies add up"
	if p.Allows(o) {
		p.Opens = append(p.Opens, &plan.Open{Object: o, Field: rule.Field, What: what})
		p.Find(finding.Warning, o, rule.Field, "", "%s; left open, as --allow-open asks", what)
		return
	}
	p.Find(finding.Error, o, rule.Field, "take that out of the values, say networkPolicy: "+config.PolicyNone+", or leave it open with --allow-open "+name, "%s", what)
}
