// Package field owns the filter that sets one field of an object, such as the health path in a TargetGroupConfiguration.
package field

import (
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Set makes the field at Field a scalar, and the mappings on the way to it where there are none. The last step of Field
// is the key of a mapping.
type Set struct {
	Field manifest.Path
	Value *yaml.Node // a text or a number
}

var _ yaml.Filter = Set{}

// Filter edits the object's node.
func (f Set) Filter(n *yaml.RNode) (*yaml.RNode, error) {
	last := len(f.Field) - 1
	parent, err := manifest.Ensure(n.YNode(), f.Field[:last], yaml.MappingNode)
	if err != nil {
		return nil, err
	}
	if err := manifest.SetField(parent, f.Field[last].(string), f.Value); err != nil {
		return nil, fmt.Errorf("%s.%w", f.Field[:last], err)
	}
	return n, nil
}
