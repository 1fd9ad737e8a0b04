package ways

import (
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// policies compares what NetworkPolicies let in: the gate's port from where the application's port was let in, rule by
// rule, and every other port as before.
func (r Run) policies(before, after *World, gates map[string]Gate) []string {
	var wrong []string
	for i, b := range before.Objects {
		if b.Kind != "NetworkPolicy" || i >= len(after.Objects) {
			continue
		}
		a := after.Objects[i]
		was, is := entries(entry{"", b.Map}, "spec", "ingress"), entries(entry{"", a.Map}, "spec", "ingress")
		if len(was) != len(is) {
			wrong = append(wrong, fmt.Sprintf("%s: %d rules became %d", b, len(was), len(is)))
			continue
		}
		for _, p := range after.Pods {
			if p.NS != b.NS || !selects(b.Map, p.Labels) {
				continue
			}
			g, gated := gates[p.Workload.String()]
			for k := range was {
				if gated && before.leads(p.Workload.String(), g.Upstream) && lets(is[k], p, g.Port) != lets(was[k], p, g.Upstream) {
					wrong = append(wrong, fmt.Sprintf("%s: %s lets the application's port in: %t, the gate's: %t", b, was[k].at,
						lets(was[k], p, g.Upstream), lets(is[k], p, g.Port)))
				}
				for _, port := range p.Ports {
					if (!gated || port.Number != g.Port) && port.Protocol == "TCP" && lets(was[k], p, port.Number) != lets(is[k], p, port.Number) {
						wrong = append(wrong, fmt.Sprintf("%s: %s has another word on port %d of %s", b, was[k].at, port.Number, p.Workload))
					}
				}
			}
		}
	}
	return wrong
}

// leads says whether anything from outside leads to that port of a workload.
func (w *World) leads(workload string, port int) bool {
	for _, way := range w.Ways {
		if way.Workload == workload && way.Port == port {
			return true
		}
	}
	return false
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
