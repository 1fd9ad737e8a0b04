package closing

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/netpolicy"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// addPolicy plans a NetworkPolicy for the pods of a workload and returns its name. Where none is left it returns "", with a
// finding.
func (p *policies) addPolicy(w *topology.Workload, selector *yaml.Node, rules []*yaml.Node) string {
	for _, name := range []string{netpolicy.Name(w.Object.Name), netpolicy.Name(w.Object.Name + "-" + strings.ToLower(w.Object.Kind))} {
		if p.policyNamed(name, w.Object.Namespace) {
			continue
		}
		p.names[name] = append(p.names[name], w.Object.Namespace)
		p.Additions = append(p.Additions, &plan.Addition{Beside: w.Object, Node: manifest.Mapping(
			"apiVersion", manifest.Text("networking.k8s.io/v1"), "kind", manifest.Text("NetworkPolicy"),
			"metadata", manifest.MetadataBeside(w.Object, name, manifest.Map(w.Object.Node, "metadata", "labels")),
			"spec", manifest.Mapping("podSelector", selector, "policyTypes", manifest.Sequence(manifest.Text("Ingress")), "ingress", manifest.Sequence(rules...)))})
		return name
	}
	p.Find(finding.Error, w.Object, nil, "rename that", "its NetworkPolicy would be called %q, as one that is there already", netpolicy.Name(w.Object.Name))
	return ""
}

// policyNamed says whether a NetworkPolicy of the stream, or one that is added, has a name already.
func (p *policies) policyNamed(name, namespace string) bool {
	return slices.ContainsFunc(p.names[name], func(other string) bool { return topology.SameNamespace(other, namespace) })
}
