// Package policy owns the filter that lets one more port in by a rule of a NetworkPolicy.
package policy

import (
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Filter adds a TCP port to the rule at Rule.
type Filter struct {
	Rule manifest.Path // spec.ingress[i]
	Port int
}

var _ yaml.Filter = Filter{}

// Filter edits the NetworkPolicy's node.
func (f Filter) Filter(n *yaml.RNode) (*yaml.RNode, error) {
	port := manifest.Mapping("port", manifest.Number(f.Port), "protocol", manifest.Text("TCP"))
	if err := manifest.Append(n.YNode(), f.Rule.With("ports"), port); err != nil {
		return nil, err
	}
	return n, nil
}
