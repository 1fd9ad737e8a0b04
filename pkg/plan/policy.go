package plan

import (
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Opening is a rule of a NetworkPolicy that lets the application's port in, and therefore must let the gate's in too.
type Opening struct {
	Policy *topology.Policy
	Rule   manifest.Path
	Port   int
}

// policies lets the gate's port in wherever a NetworkPolicy of the stream lets the application's port in. Policies add
// up, so one rule of one of them is enough.
func (p *planner) policies() {
	for _, g := range p.Gates {
		var restricting []*topology.Policy
		opened := false
		for _, policy := range p.model.Policies {
			if !policy.Restricts(g.Workload) {
				continue
			}
			restricting = append(restricting, policy)
			opened = p.open(policy, g) || opened
		}
		if len(restricting) > 0 && !opened {
			p.find(Warning, restricting[0].Object, manifest.P("spec", "ingress"), "let it in from where the load balancer comes",
				"lets port %d of %s in from nowhere, and so the gate's port %d neither", g.Upstream, g.Ref().Short(), g.Port)
		}
	}
}

// open plans the gate's port for each rule that lets the application's in, and says whether there is one.
func (p *planner) open(policy *topology.Policy, g *Gate) bool {
	opened := false
	for _, rule := range policy.Rules {
		if !rule.LetsIn(g.Workload, g.Upstream) {
			continue
		}
		opened = true
		if !rule.LetsIn(g.Workload, g.Port) && !p.opened(policy, rule, g.Port) {
			p.Openings = append(p.Openings, &Opening{Policy: policy, Rule: rule.Field, Port: g.Port})
		}
	}
	return opened
}

func (p *planner) opened(policy *topology.Policy, rule topology.PolicyRule, port int) bool {
	for _, o := range p.Openings {
		if o.Policy == policy && o.Port == port && o.Rule.String() == rule.Field.String() {
			return true
		}
	}
	return false
}
