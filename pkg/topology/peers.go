package topology

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Everyone says whether a rule lets in whoever asks, by one of its peers or because it has none.
func (r PolicyRule) Everyone() bool {
	for _, peer := range r.From {
		if peer.Everyone() {
			return true
		}
	}
	return len(r.From) == 0
}

// Everyone says whether a peer means every pod of the cluster, or every address.
func (p PolicyPeer) Everyone() bool {
	if p.CIDR != "" {
		return strings.HasSuffix(p.CIDR, "/0") && len(manifest.Items(p.Node, "ipBlock", "except")) == 0
	}
	return selectsAll(p.Pods) && p.Namespaces != nil && selectsAll(p.Namespaces) || p.Pods == nil && p.Namespaces == nil
}

// Namespace says whether a peer means every pod of the policy's own namespace.
func (p PolicyPeer) Namespace() bool {
	return p.CIDR == "" && (p.Everyone() || p.Namespaces == nil && selectsAll(p.Pods))
}

// Within says whether a peer means pods of the policy's own namespace alone.
func (p PolicyPeer) Within() bool { return p.CIDR == "" && p.Namespaces == nil && p.Pods != nil }

// selectsAll says whether a selector is empty. One that is not there means all where it stands for pods.
func selectsAll(selector *yaml.Node) bool {
	return len(manifest.Map(selector, "matchLabels")) == 0 && len(manifest.Items(selector, "matchExpressions")) == 0
}

// General says whether the policy's selector names no label with its values, and so may be about any pods, also of other
// releases.
func (p *Policy) General() bool {
	for _, e := range manifest.Items(p.selector, "matchExpressions") {
		if manifest.String(e, "operator") == "In" {
			return false
		}
	}
	return len(manifest.Map(p.selector, "matchLabels")) == 0
}

// Restricted returns the workloads whose pods a policy is about, those of Helm's hooks left out.
func (m *Model) Restricted(p *Policy) []*Workload {
	return m.selectedBySelector(p.Object.Namespace, p.selector)
}

// Namesakes returns the workloads that the selector of w's pods, as PodSelector returns it, selects beside w.
func (m *Model) Namesakes(w *Workload, selector *yaml.Node) []*Workload {
	var others []*Workload
	for _, other := range m.selectedBySelector(w.Object.Namespace, selector) {
		if other != w {
			others = append(others, other)
		}
	}
	return others
}

func (m *Model) selectedBySelector(namespace string, selector *yaml.Node) []*Workload {
	near := m.neighbours(namespace)
	if labels := manifest.Map(selector, "matchLabels"); len(labels) > 0 {
		near = m.candidates(namespace, labels)
	}
	var all []*Workload
	for _, w := range near {
		if Matches(selector, w.Labels) {
			all = append(all, w)
		}
	}
	return all
}
