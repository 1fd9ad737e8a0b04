package ways

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// everybody is the peer of a rule that names none, or all.
const everybody = "*"

// policies compares whom NetworkPolicies let in to each port of each pod: to the gate's whoever was let in to the
// application's, to all others whom they let in before. Policies add up, so all that are about a pod are taken together.
// Where --network-policy asks for more, everybody is let in to where a password is asked for, and to the other ports whom it
// names.
func (r Run) policies(before, after *World, gates map[string]Gate) []string {
	var wrong []string
	logins := after.logins()
	for _, p := range before.Pods {
		g, gated := gates[p.Workload.String()]
		l, login := logins[p.Workload.String()]
		if gated {
			l = lock{open: []int{g.Port}, app: g.Upstream}
		}
		closed := (gated || login) && (r.Policy == "same-namespace" || r.Policy == "gate-only")
		_, was := before.letIn(p, 0)
		_, is := after.letIn(p, 0)
		if is != (was || closed) && (!r.Unsure || !is) {
			wrong = append(wrong, fmt.Sprintf("%s: under a policy: %t, and now %t", p.Workload, was, is))
			continue
		}
		ports := map[int]bool{}
		for _, port := range p.Ports {
			ports[port.Number] = ports[port.Number] || port.Protocol == "TCP"
		}
		if gated {
			ports[g.Port], ports[g.Admin], ports[g.Upstream] = true, true, true
		}
		if closed {
			ports[undeclared] = true
		}
		for _, port := range slices.Sorted(maps.Keys(ports)) {
			if ports[port] && is {
				wrong = append(wrong, r.port(before, after, p, port, l, gated, closed)...)
			}
		}
	}
	return wrong
}

// port compares who is let in to one TCP port of a pod that a policy is about.
func (r Run) port(before, after *World, p *Pods, port int, l lock, gated, closed bool) []string {
	want, _ := before.letIn(p, port)
	got, _ := after.letIn(p, port)
	surely, maybe := after.leadsTo(p, port)
	switch {
	case closed && port != l.app && !l.route && maybe && !surely: // open or not, as kauth thinks of labels of the run time
		return nil
	case closed && slices.Contains(l.open, port), closed && port != l.app && !l.route && surely:
		want = map[string]bool{everybody: true}
	case closed && r.Policy == "same-namespace":
		want[`{"podSelector":{}}`] = true
	case closed:
		maps.DeleteFunc(got, func(peer string, _ bool) bool { return means(peer, p.Labels) })
		maps.DeleteFunc(want, func(peer string, _ bool) bool { return means(peer, p.Labels) })
	case gated && slices.Contains(l.open, port):
		own, _ := before.letIn(p, l.app)
		maps.Copy(want, own)
	}
	for _, peer := range r.AllowFrom {
		want[peer] = want[peer] || closed
	}
	var wrong []string
	for _, peer := range slices.Sorted(maps.Keys(want)) {
		if !got[peer] && !got[everybody] {
			wrong = append(wrong, fmt.Sprintf("%s: port %d is closed to %s", p.Workload, port, peer))
		}
	}
	for _, peer := range slices.Sorted(maps.Keys(got)) {
		if !want[peer] && !want[everybody] && !r.Unsure {
			wrong = append(wrong, fmt.Sprintf("%s: port %d is open to %s", p.Workload, port, peer))
		}
	}
	return wrong
}

// leadsTo says whether a way from outside ends at a port, now or when pods get labels at run time.
func (w *World) leadsTo(p *Pods, port int) (surely, maybe bool) {
	for _, way := range w.Ways {
		if way.Workload == p.Workload.String() && way.Port == port {
			unsure := way.Maybe || way.Hardly
			surely, maybe = surely || !unsure, maybe || unsure
		}
	}
	return surely, maybe
}

// letIn returns the peers that the policies of a world let in to a TCP port of a pod, and whether any policy is about it:
// where none is, everybody gets in.
func (w *World) letIn(p *Pods, port int) (peers map[string]bool, restricted bool) {
	peers = map[string]bool{}
	for _, o := range w.Objects {
		if o.Kind != "NetworkPolicy" || o.Group != "networking.k8s.io" || o.NS != p.NS || !selects(o.Map, p.Labels) || !aboutIngress(o) {
			continue
		}
		restricted = true
		for _, rule := range entries(entry{"", o.Map}, "spec", "ingress") {
			if !lets(rule, p, port) {
				continue
			}
			from := entries(rule, "from")
			if len(from) == 0 {
				peers[everybody] = true
			}
			for _, e := range from {
				text, err := json.Marshal(e.m)
				if err != nil || string(text) == `{"namespaceSelector":{}}` || string(text) == "{}" {
					text = []byte(everybody)
				}
				peers[string(text)] = true
			}
		}
	}
	return peers, restricted
}

func aboutIngress(o *Object) bool {
	types, _ := dig(o.Map, "spec", "policyTypes").([]any)
	return len(types) == 0 || slices.Contains(types, any("Ingress"))
}

// means says whether a peer is of the own namespace and means pods with these labels, but not all pods.
func means(peer string, of Labels) bool {
	var m Map
	if json.Unmarshal([]byte(peer), &m) != nil || len(m) != 1 {
		return false
	}
	selector, _ := m["podSelector"].(Map)
	return len(selector) > 0 && selects(Map{"spec": m}, of)
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
