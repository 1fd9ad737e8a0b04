// Package closing owns who may reach the pods of gates and logins: the NetworkPolicies that are added or opened for them, and
// whom these keep out.
package closing

import (
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/netpolicy"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// policies is a Draft, and the policies of its stream.
type policies struct {
	*plan.Draft
	foreign     []*manifest.Object                        // that are not Kubernetes' own
	restricting map[*topology.Workload][]*topology.Policy // those that are about the pods of each
	restricted  map[*topology.Policy][]*topology.Workload
	names       map[string][]string // the namespaces in which a NetworkPolicy has a name
}

// Close decides who may reach the pods of gates and logins: as the setting networkPolicy asks, or else as the chart says.
func Close(d *plan.Draft, s *manifest.Stream) {
	p := &policies{
		Draft: d, restricting: map[*topology.Workload][]*topology.Policy{}, restricted: map[*topology.Policy][]*topology.Workload{},
		names: map[string][]string{},
	}
	for _, o := range s.Objects() {
		if IsPolicy(o) {
			p.foreign = append(p.foreign, o)
		}
	}
	for _, policy := range p.Model.Policies {
		p.restricted[policy] = p.Model.Restricted(policy)
		for _, w := range p.restricted[policy] {
			p.restricting[w] = append(p.restricting[w], policy)
		}
	}
	for _, o := range p.Kinds("NetworkPolicy") {
		p.names[o.Name] = append(p.names[o.Name], o.Namespace)
	}
	closed := p.closed()
	for _, g := range p.Gates {
		if c := closed[g.Workload]; c != nil {
			p.closePorts(c, closed)
			g.PolicyName = c.policy
		} else {
			p.openings(g)
		}
		p.otherPolicies(g)
	}
	for _, l := range p.Logins {
		if c := closed[l.Workload]; c != nil {
			p.closePorts(c, closed)
			l.PolicyName = c.policy
		}
	}
	p.keptOut(s, closed)
}

// openings lets the gate's port in wherever a NetworkPolicy of the stream lets the application's port in. Policies add
// up, so one rule of one of them is enough.
func (p *policies) openings(g *plan.Gate) {
	var rules []*yaml.Node // for the pods of the gate alone
	opened := false
	restricting := p.restricting[g.Workload]
	for _, policy := range restricting {
		for _, rule := range policy.Rules {
			if !rule.LetsIn(g.Workload, g.Upstream) {
				continue
			}
			opened = true
			switch {
			case rule.LetsIn(g.Workload, g.Port) || p.opened(policy, rule, g.Port):
			case p.gatesOnly(policy, rule, g):
				p.Openings = append(p.Openings, &plan.Opening{Policy: policy, Rule: rule.Field, Port: g.Port})
			default:
				rules = append(rules, netpolicy.Rule(netpolicy.Peers(rule), netpolicy.Port(g.Port, "TCP")))
			}
		}
	}
	if len(rules) > 0 && p.openingPolicy(g, rules) {
		p.Find(finding.Info, g.Workload.Object, nil, "", "gets NetworkPolicy %q, which lets the gate's port %d in from where others let port %d in; these are about other pods too, and stay as they are",
			g.PolicyName, g.Port, g.Upstream)
	}
	if len(restricting) > 0 && !opened {
		p.Find(finding.Warning, restricting[0].Object, manifest.P("spec", "ingress"), "let it in from where the load balancer comes",
			"lets port %d of %s in from nowhere, and so the gate's port %d neither", g.Upstream, g.Ref().Short(), g.Port)
	}
}

// openingPolicy plans a NetworkPolicy that lets the gate's port in. It fails, with a finding, where the pods cannot be
// selected, or no name is left.
func (p *policies) openingPolicy(g *plan.Gate, rules []*yaml.Node) bool {
	selector := g.Workload.PodSelector()
	if selector == nil {
		p.Find(finding.Error, g.Workload.Object, nil, "give its pods a label of their own", "no labels select its pods, so no NetworkPolicy can let port %d of the gate in", g.Port)
		return false
	}
	g.PolicyName = p.addPolicy(g.Workload, selector, rules)
	return g.PolicyName != ""
}

// gatesOnly says whether a rule can be given the port of g without opening it for anybody else: all that its policy is
// about are gates on that port, and the rule lets the application of each in.
func (p *policies) gatesOnly(policy *topology.Policy, rule topology.PolicyRule, g *plan.Gate) bool {
	for _, w := range p.restricted[policy] {
		if other := p.GateOf(w); other == nil || other.Port != g.Port || !rule.LetsIn(w, other.Upstream) {
			return false
		}
	}
	return !policy.General()
}

func (p *policies) opened(policy *topology.Policy, rule topology.PolicyRule, port int) bool {
	for _, o := range p.Openings {
		if o.Policy == policy && o.Port == port && o.Rule.String() == rule.Field.String() {
			return true
		}
	}
	return false
}

// IsPolicy says whether an object says which ports may be reached, in words that kauth does not edit.
func IsPolicy(o *manifest.Object) bool {
	switch o.Kind {
	case "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "GlobalNetworkPolicy", "AuthorizationPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy":
		return true
	case "NetworkPolicy":
		return o.Group != "networking.k8s.io"
	default:
		return false
	}
}

// otherPolicies warns of policies of other kinds than Kubernetes' own that name the application's port, and not the
// gate's: they may keep everybody out of it.
func (p *policies) otherPolicies(g *plan.Gate) {
	names := map[string]bool{strconv.Itoa(g.Upstream): true}
	for _, c := range g.Workload.Containers {
		for _, port := range c.Ports {
			if port.Number == g.Upstream && port.Name != "" {
				names[port.Name] = true
			}
		}
	}
	for _, o := range p.foreign {
		if !mayApply(o, g.Workload) {
			continue
		}
		if field := scalarIn(manifest.Field(o.Node, "spec"), manifest.P("spec"), names); field != nil {
			p.Find(finding.Warning, o, field, "let port "+strconv.Itoa(g.Port)+" in beside it", "names port %d of %s, and kauth edits no %s", g.Upstream, g.Ref().Short(), o.Kind)
		}
	}
}

// mayApply says whether a policy may be about the pods of a workload. Selectors of Cilium and Istio are read; others, such
// as Calico's expressions, may mean any.
func mayApply(o *manifest.Object, w *topology.Workload) bool {
	if !topology.SameNamespace(o.Namespace, w.Object.Namespace) {
		return false
	}
	for _, key := range []string{"endpointSelector", "selector"} {
		for label, value := range manifest.Map(o.Node, "spec", key, "matchLabels") {
			label = strings.TrimPrefix(strings.TrimPrefix(label, "k8s:"), "any:")
			if have, on := w.Labels[label]; on && have != value || !on && !strings.Contains(label, "io.kubernetes.pod") {
				return false
			}
		}
	}
	return true
}

// scalarIn returns the path of the first text below n that is one of names, nil where there is none.
func scalarIn(n *yaml.Node, field manifest.Path, names map[string]bool) manifest.Path {
	switch n = manifest.Resolve(n); {
	case n == nil:
	case n.Kind == yaml.ScalarNode && names[n.Value]:
		return field
	case n.Kind == yaml.SequenceNode:
		for i, item := range n.Content {
			if at := scalarIn(item, field.With(i), names); at != nil {
				return at
			}
		}
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if at := scalarIn(n.Content[i+1], field.With(n.Content[i].Value), names); at != nil {
				return at
			}
		}
	}
	return nil
}
