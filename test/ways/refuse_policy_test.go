package ways

import "fmt"

// opened says whether a policy lets everybody in to a port of a workload.
func (w *World) opened(f Finding, workload, port string) bool {
	for _, o := range w.Objects {
		for _, p := range w.Pods {
			if !f.about(o) || !same(workload, p.Workload) || o.NS != p.NS && !w.unsure {
				continue
			}
			for number := range portNumbers(p) {
				alone := &World{Objects: []*Object{{Group: o.Group, Kind: o.Kind, NS: p.NS, Name: o.Name, Map: o.Map}}}
				if peers, _ := alone.letIn(p, number); fmt.Sprint(number) == port && peers[everybody] {
					return true
				}
			}
		}
	}
	return false
}

func portNumbers(p *Pods) map[int]bool {
	all := map[int]bool{80: true, 3000: true, 8080: true, 9090: true} // and what a gate may be told to stand before
	for _, port := range p.Ports {
		all[port.Number] = true
	}
	return all
}

// confused says whether the labels by which a workload knows its pods are on those of another workload too.
func (w *World) confused(f Finding, other string) bool {
	for _, p := range w.Pods {
		for _, q := range w.Pods {
			if !f.about(p.Workload) || p == q || !same(other, q.Workload) || p.NS != q.NS && !w.unsure {
				continue
			}
			selector := dig(p.Workload.Map, "spec", "selector")
			if m, ok := selector.(Map); !ok || m["matchLabels"] == nil { // none, or a plain one
				selector = Map{"matchLabels": anyMap(p.Labels)}
			}
			if selects(Map{"spec": Map{"podSelector": selector}}, q.Labels) {
				return true
			}
		}
	}
	return false
}

func anyMap(of map[string]string) Map {
	m := Map{}
	for key, value := range of {
		m[key] = value
	}
	return m
}
