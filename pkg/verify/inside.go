package verify

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/proof"
	"github.com/kauth-dev/kauth/pkg/topology"
	"github.com/kauth-dev/kauth/pkg/userstore"
	"github.com/kauth-dev/kauth/pkg/visible"
)

// inside reports on who reaches the application within the cluster: the old port of its Services stays for scrapers, and
// only a NetworkPolicy keeps others from it.
func (v *verifier) inside(s *subject) {
	all := v.workloads(s)
	if len(all) == 0 || s.Port == 0 || s.Mode == config.ModeNative { // which asks on its own port
		return
	}
	w := all[0]
	var services []string
	for _, svc := range v.model.SelectedBy(w) {
		if !slices.ContainsFunc(v.model.Selected(svc), func(hit topology.Hit) bool { return hit.Workload == w && !hit.Maybe }) {
			continue
		}
		for _, p := range svc.Ports {
			if n, _ := p.TargetOf(w); n == s.Port {
				services = append(services, svc.Object.Name+":"+strconv.Itoa(p.Number))
			}
		}
	}
	reach := "port " + strconv.Itoa(s.Port)
	if services = unique(services); len(services) > 0 {
		reach += " (Service " + few(services, 4) + ")"
	}
	closed, named, open := v.policies(w, s.Port)
	const hint = "kauth --network-policy gate-only closes it, same-namespace to other namespaces"
	for _, other := range all[1:] { // labels of a pod may have been changed
		if c, n, o := v.policies(other, s.Port); len(c)+len(n) == 0 || len(o) > 0 {
			w, closed, named, open = other, c, n, o
		}
	}
	switch {
	case w.HostNetwork && proof.OnNode(w) == nil:
		v.add(userstore.Pass, s.object(), "inside", "", "%s listens on the loopback of its node alone", reach)
	case w.HostNetwork:
		v.add(userstore.Warn, s.object(), "inside", "take hostNetwork away where it needs none", "lives in the network of its node, where no NetworkPolicy is in force: whoever reaches the node reaches %s past the gate", reach)
	case len(open) > 0:
		v.add(userstore.Warn, s.object(), "inside", hint, "every pod of the cluster reaches %s past the gate: NetworkPolicy %s lets it in", reach, few(open, 3))
	case len(named) > 0:
		v.add(userstore.Pass, s.object(), "inside", "", "of the cluster's pods those that NetworkPolicy %s names reach %s past the gate", few(named, 3), reach)
	case len(closed) > 0:
		v.add(userstore.Pass, s.object(), "inside", "", "no pod reaches %s past the gate, as NetworkPolicy %s says", reach, few(closed, 3))
	case v.blind("networkpolicies.networking.k8s.io"):
		v.add(userstore.Warn, s.object(), "inside", "", "whether a NetworkPolicy keeps the cluster's pods from %s could not be seen", reach)
	default:
		v.add(userstore.Warn, s.object(), "inside", hint, "every pod of the cluster reaches %s past the gate: no NetworkPolicy", reach)
	}
}

// policies names the NetworkPolicies about a workload: those that let a port in from anywhere, from some, and the others.
func (v *verifier) policies(w *topology.Workload, port int) (closed, named, open []string) {
	for _, p := range v.model.Policies {
		if !p.Restricts(w) {
			continue
		}
		some, all := false, false
		for _, rule := range p.Rules {
			if rule.LetsIn(w, port) {
				some = true
				all = all || len(manifest.Items(manifest.At(p.Object.Node, rule.Field), "from")) == 0
			}
		}
		switch name := p.Object.Name; {
		case all:
			open = append(open, name)
		case some:
			named = append(named, name)
		default:
			closed = append(closed, name)
		}
	}
	return closed, named, open
}

// blind says whether a resource could not be listed.
func (v *verifier) blind(resource string) bool {
	for _, g := range v.cluster.Gaps {
		if g.Resource == resource {
			return true
		}
	}
	return false
}

// gaps reports on what could not be looked at, a line for each reason.
func (v *verifier) gaps() {
	type reason struct{ verb, where, why string }
	byReason := map[reason][]string{}
	var order []reason
	for _, g := range v.cluster.Gaps {
		r := reason{g.Verb, "in all namespaces", ""}
		if g.Namespace != "" {
			r.where = "in namespace " + g.Namespace
		}
		if !g.Forbidden() {
			r.why = visible.OneLine(g.Err.Error())
		}
		if byReason[r] == nil {
			order = append(order, r)
		}
		byReason[r] = append(byReason[r], g.Resource)
	}
	for _, r := range order {
		resources := strings.Join(unique(byReason[r]), ", ")
		if r.why == "" {
			v.Checks = append(v.Checks, Check{ // of any length: whoever asks for the rights needs all their names
				Status: userstore.Warn, Name: "rights", Message: fmt.Sprintf("not looked at, for you may not %s %s: %s", r.verb, r.where, resources),
				Hint: "ask for these rights, or for somebody who has them; docs/verify.md has a role",
			})
		} else {
			v.add(userstore.Warn, "", "read", "verify again, or see whether kubectl get shows them", "not looked at: %s %s of %s: %s", r.verb, r.where, resources, r.why)
		}
	}
}
