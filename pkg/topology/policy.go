package topology

import (
	"slices"
	"strconv"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Policy is a NetworkPolicy that says what may come in.
type Policy struct {
	Object   *manifest.Object
	Rules    []PolicyRule
	selector *yaml.Node
}

// PolicyRule is one rule of spec.ingress. Without ports it lets in whatever comes from the right place.
type PolicyRule struct {
	Field manifest.Path
	Ports []PolicyPort
	From  []PolicyPeer // none means everyone
}

// PolicyPeer is an entry of a rule's from.
type PolicyPeer struct {
	Node       *yaml.Node
	Pods       *yaml.Node // selector; nil for all
	Namespaces *yaml.Node // selector; nil for the policy's own
	CIDR       string     // "" where pods are meant
}

// PolicyPort is a port, or a range of ports, that a rule lets in.
type PolicyPort struct {
	Port Port // the zero Port means all
	End  int  // 0 where Port is the only one
}

// readPolicy returns nil for a policy that says nothing of what comes in. Without policyTypes a policy is about
// ingress (k8s.io/api/networking/v1 NetworkPolicySpec).
func readPolicy(o *manifest.Object) *Policy {
	types := manifest.Items(o.Node, "spec", "policyTypes")
	if len(types) > 0 && !slices.ContainsFunc(types, func(n *yaml.Node) bool { return n.Value == "Ingress" }) {
		return nil
	}
	p := &Policy{Object: o, selector: manifest.Field(o.Node, "spec", "podSelector")}
	for i, item := range manifest.Items(o.Node, "spec", "ingress") {
		rule := PolicyRule{Field: manifest.P("spec", "ingress", i)}
		for _, n := range manifest.Items(item, "from") {
			rule.From = append(rule.From, PolicyPeer{
				Node: n, Pods: manifest.Field(n, "podSelector"), Namespaces: manifest.Field(n, "namespaceSelector"), CIDR: manifest.String(n, "ipBlock", "cidr"),
			})
		}
		for _, port := range manifest.Items(item, "ports") {
			if protocol := manifest.String(port, "protocol"); protocol != "" && protocol != "TCP" {
				continue
			}
			end, _ := strconv.Atoi(manifest.String(port, "endPort"))
			rule.Ports = append(rule.Ports, PolicyPort{Port: scalar(port, "port"), End: end})
		}
		if len(rule.Ports) > 0 || len(manifest.Items(item, "ports")) == 0 {
			p.Rules = append(p.Rules, rule)
		}
	}
	return p
}

// Restricts says whether a policy applies to the pods of a workload.
func (p *Policy) Restricts(w *Workload) bool {
	if w.Hook || !SameNamespace(p.Object.Namespace, w.Object.Namespace) {
		return false
	}
	return Matches(p.selector, w.Labels)
}

// Matches says whether a label selector of the API (matchLabels, matchExpressions) selects what has these labels; an
// empty one selects everything.
func Matches(selector *yaml.Node, labels map[string]string) bool {
	for key, value := range manifest.Map(selector, "matchLabels") {
		if labels[key] != value {
			return false
		}
	}
	for _, e := range manifest.Items(selector, "matchExpressions") {
		value, has := labels[manifest.String(e, "key")]
		listed := slices.ContainsFunc(manifest.Items(e, "values"), func(n *yaml.Node) bool { return n.Value == value })
		switch manifest.String(e, "operator") {
		case "In":
			has = has && listed
		case "NotIn":
			has = !has || !listed
		case "DoesNotExist":
			has = !has
		}
		if !has {
			return false
		}
	}
	return true
}

// LetsIn says whether a rule lets a container port of w in.
func (r PolicyRule) LetsIn(w *Workload, port int) bool {
	if len(r.Ports) == 0 {
		return true
	}
	for _, p := range r.Ports {
		number, _ := w.resolvePort(p.Port, "TCP")
		if p.Port == (Port{}) || number == port || p.End != 0 && number <= port && port <= p.End {
			return true
		}
	}
	return false
}
