package plan

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// chartPolicies looks at the policies of the stream that are about the pods of a workload beside the one that is added.
// Policies add up: one that lets everybody in to what is to be closed undoes what was asked for, and one that lets fewer in
// than the added one no longer counts.
func (p *planner) chartPolicies(c *closing) {
	sameNamespace := c.settings.NetworkPolicy == config.PolicySameNamespace
	fewer := len(p.restricting[c.workload]) > 0 && (c.app != 0 || len(otherPorts(c.workload, c.open)) > 0)
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
					others = append(others, peerText(peer))
				}
			}
			if len(others) > 0 {
				p.find(Warning, policy.Object, rule.Field, takeOut[c.mode],
					"lets %s in to %s of %s, %s and beside NetworkPolicy %q, for policies add up", strings.Join(others, ", "), c.where(), c.ref().Short(), pastWhom(c.mode), policyName(c.ref().Name))
			}
		}
	}
	if sameNamespace && fewer {
		p.find(Warning, p.restricting[c.workload][0].Object, nil, "use networkPolicy "+config.PolicyGateOnly+", or "+config.PolicyNone+", which leaves it to this policy",
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
	return slices.ContainsFunc(c.settings.AllowFrom, func(allowed config.Peer) bool { return samePeer(allowed, configPeer(peer)) })
}

// openRule refuses a rule of the stream that lets everybody in to what is to be closed, or records that the user
// allows it.
func (p *planner) openRule(policy *topology.Policy, rule topology.PolicyRule, c *closing) {
	o, name := policy.Object, policy.Object.Kind+"/"+policy.Object.Name
	what := "lets everybody in to " + c.where() + " of " + c.ref().Short() + ", " + pastWhom(c.mode) + ", and policies add up"
	if p.allows(o) {
		p.Opens = append(p.Opens, &Open{Object: o, Field: rule.Field, What: what})
		p.find(Warning, o, rule.Field, "", "%s; left open, as --allow-open asks", what)
		return
	}
	p.find(Error, o, rule.Field, "take that out of the values, say networkPolicy: "+config.PolicyNone+", or leave it open with --allow-open "+name, "%s", what)
}

// peerText is a peer of a rule for people.
func peerText(peer topology.PolicyPeer) string {
	return configPeer(peer).String()
}

func samePeer(a, b config.Peer) bool { return a.String() == b.String() }

// configPeer reads a peer of a rule as the settings file has it.
func configPeer(peer topology.PolicyPeer) config.Peer {
	if peer.CIDR != "" {
		block := &config.IPBlock{CIDR: peer.CIDR}
		for _, n := range manifest.Items(peer.Node, "ipBlock", "except") {
			block.Except = append(block.Except, n.Value)
		}
		return config.Peer{IPBlock: block}
	}
	return config.Peer{PodSelector: configSelector(peer.Pods), NamespaceSelector: configSelector(peer.Namespaces)}
}

func configSelector(n *yaml.Node) *config.LabelSelector {
	if n == nil {
		return nil
	}
	s := &config.LabelSelector{MatchLabels: manifest.Map(n, "matchLabels")}
	for _, e := range manifest.Items(n, "matchExpressions") {
		r := config.Requirement{Key: manifest.String(e, "key"), Operator: manifest.String(e, "operator")}
		for _, value := range manifest.Items(e, "values") {
			r.Values = append(r.Values, value.Value)
		}
		s.MatchExpressions = append(s.MatchExpressions, r)
	}
	return s
}

// peerNode writes a peer of the settings as a NetworkPolicy has it.
func peerNode(peer config.Peer) *yaml.Node {
	var block *yaml.Node
	if b := peer.IPBlock; b != nil {
		block = manifest.Mapping("cidr", manifest.Text(b.CIDR), "except", manifest.TextList(b.Except))
	}
	return manifest.Mapping("podSelector", selectorNode(peer.PodSelector), "namespaceSelector", selectorNode(peer.NamespaceSelector), "ipBlock", block)
}

func selectorNode(s *config.LabelSelector) *yaml.Node {
	if s == nil {
		return nil
	}
	var expressions *yaml.Node
	for _, e := range s.MatchExpressions {
		if expressions == nil {
			expressions = manifest.Sequence()
		}
		expressions.Content = append(expressions.Content, manifest.Mapping(
			"key", manifest.Text(e.Key), "operator", manifest.Text(e.Operator), "values", manifest.TextList(e.Values)))
	}
	return manifest.Mapping("matchLabels", manifest.TextMap(s.MatchLabels), "matchExpressions", expressions)
}

// lets says whether the peers that the settings allow mean a workload of the stream for sure.
func lets(peers []config.Peer, w *topology.Workload, namespace string) bool {
	for _, peer := range peers {
		switch {
		case peer.IPBlock != nil:
		case peer.PodSelector != nil && !topology.Matches(selectorNode(peer.PodSelector), w.Labels):
		case peer.NamespaceSelector == nil && topology.SameNamespace(w.Object.Namespace, namespace),
			peer.NamespaceSelector != nil && inNamespace(peer.NamespaceSelector, w.Object.Namespace):
			return true
		}
	}
	return false
}

// inNamespace says whether a selector of namespaces means one by what every namespace is labelled with: its name.
func inNamespace(s *config.LabelSelector, namespace string) bool {
	return topology.Matches(selectorNode(s), map[string]string{"kubernetes.io/metadata.name": namespace})
}
