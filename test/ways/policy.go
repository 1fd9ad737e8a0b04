package ways

import (
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// policies compares what NetworkPolicies let in: rule by rule, the gate's port where the application's port was let in, and
// every other port as before. A rule cannot tell the pods of its policy apart, so what one of them needs all get.
func (r Run) policies(before, after *World, gates map[string]Gate) []string {
	var wrong []string
	for i, b := range before.Objects {
		if b.Kind != "NetworkPolicy" {
			continue
		}
		was, is := entries(entry{"", b.Map}, "spec", "ingress"), entries(entry{"", after.Objects[i].Map}, "spec", "ingress")
		if len(was) != len(is) {
			return append(wrong, fmt.Sprintf("%s: %d rules became %d", b, len(was), len(is)))
		}
		var pods []*Pods
		for _, p := range after.Pods {
			if p.NS == b.NS && selects(b.Map, p.Labels) {
				pods = append(pods, p)
			}
		}
		for k := range was {
			for _, line := range r.rule(was[k], is[k], pods, gates) {
				wrong = append(wrong, fmt.Sprintf("%s: %s %s", b, was[k].at, line))
			}
		}
	}
	return wrong
}

// rule compares one rule for the pods of its policy.
func (r Run) rule(was, is entry, pods []*Pods, gates map[string]Gate) []string {
	want := map[int]bool{}
	for _, p := range pods {
		if g, gated := gates[p.Workload.String()]; gated && lets(was, p, g.Upstream) {
			want[g.Port] = true
		}
	}
	var wrong []string
	for _, p := range pods {
		for _, port := range p.Ports {
			expected := want[port.Number] || lets(was, p, port.Number)
			if got := lets(is, p, port.Number); port.Protocol == "TCP" && got != expected && (expected || !r.Unsure) {
				wrong = append(wrong, fmt.Sprintf("lets port %d of %s in: %t", port.Number, p.Workload, got))
			}
		}
	}
	return wrong
}

// selects says whether a policy is about pods with these labels.
func selects(policy Map, of Labels) bool {
	text, err := json.Marshal(dig(policy, "spec", "podSelector"))
	if err != nil {
		return false
	}
	var s metav1.LabelSelector
	if json.Unmarshal(text, &s) != nil {
		return false
	}
	selector, err := metav1.LabelSelectorAsSelector(&s)
	return err == nil && selector.Matches(labels.Set(of))
}

// lets says whether a rule of a policy lets a TCP port in.
func lets(rule entry, p *Pods, port int) bool {
	ports, _ := rule.m["ports"].([]any)
	if len(ports) == 0 {
		return true
	}
	for _, e := range entries(rule, "ports") {
		if protocol := text(e.m, "protocol"); protocol != "" && protocol != "TCP" {
			continue
		}
		want, end := refOf(e.m["port"]), number(e.m, "endPort")
		switch {
		case want == (portRef{}), want.Number == port, end > 0 && want.Number <= port && port <= end:
			return true
		case want.Name != "":
			for _, pp := range p.Ports {
				if pp.Name == want.Name && pp.Number == port && pp.Protocol == "TCP" {
					return true
				}
			}
		}
	}
	return false
}
