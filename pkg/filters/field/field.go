// Package field owns the filters of one field of an object: Set gives it a value, such as the health path in a
// TargetGroupConfiguration, and Prepend an item in front, such as a Middleware of an IngressRoute's.
package field

import (
	"fmt"
	"slices"

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

// Prepend puts an item in front of the list at Field, which it makes where it is missing or null.
type Prepend struct {
	Field manifest.Path
	Item  *yaml.Node // new
}

var _ yaml.Filter = Prepend{}

// Filter edits the object's node.
func (f Prepend) Filter(n *yaml.RNode) (*yaml.RNode, error) {
	list, err := manifest.Ensure(n.YNode(), f.Field, yaml.SequenceNode)
	if err != nil {
		return nil, err
	}
	list.Content = slices.Insert(list.Content, 0, f.Item)
	return n, nil
}
