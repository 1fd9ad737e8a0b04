// Package annotation owns the filter that sets one annotation of an object.
package annotation

import (
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Filter sets metadata.annotations[Key] to Value, and keeps the place and comments of one that exists.
type Filter struct {
	Key   string
	Value string
}

var _ yaml.Filter = Filter{}

// Filter edits the object's node.
func (f Filter) Filter(n *yaml.RNode) (*yaml.RNode, error) {
	field := manifest.P("metadata", "annotations")
	all, err := manifest.Ensure(n.YNode(), field, yaml.MappingNode)
	if err != nil {
		return nil, err
	}
	if err := manifest.SetField(all, f.Key, manifest.Text(f.Value)); err != nil {
		return nil, fmt.Errorf("%s.%w", field, err)
	}
	return n, nil
}
