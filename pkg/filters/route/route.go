// Package route owns the filter that makes a backend of an Ingress or another route use another port of its Service.
package route

import (
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/yamltext"
)

// Filter sets the port of one backend.
type Filter struct {
	Field manifest.Path // the scalar that holds the port
	Inner manifest.Path // where Field is an annotation with JSON: the scalar inside of it
	Port  *yaml.Node    // the new port, a number or a name
}

var _ yaml.Filter = Filter{}

// Filter edits the route's node.
func (f Filter) Filter(n *yaml.RNode) (*yaml.RNode, error) {
	last := len(f.Field) - 1
	parent, err := manifest.Ensure(n.YNode(), f.Field[:last], yaml.MappingNode)
	if err != nil {
		return nil, err
	}
	key := f.Field[last].(string)
	if f.Inner == nil {
		if err := manifest.SetField(parent, key, f.Port); err != nil {
			return nil, fmt.Errorf("%s.%w", f.Field[:last], err)
		}
		return n, nil
	}
	annotation := manifest.At(parent, manifest.P(key))
	if annotation == nil {
		return nil, fmt.Errorf("%s: not there", f.Field)
	}
	text, err := f.setInside(annotation.Value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Field, err)
	}
	annotation.Value = text
	return n, nil
}

// setInside changes one value in JSON text, which is YAML too, and leaves the rest of the text as it is. A port that
// was a string stays one.
func (f Filter) setInside(text string) (string, error) {
	tree, err := yamltext.Parse([]byte(text))
	if err != nil {
		return "", err
	}
	before := yamltext.Clone(tree)
	root := tree
	if root.Kind == yaml.DocumentNode {
		root = root.Content[0]
	}
	port := manifest.At(root, f.Inner)
	if port == nil || port.Kind != yaml.ScalarNode {
		return "", fmt.Errorf("%s: not there", f.Inner)
	}
	port.Value = f.Port.Value
	if f.Port.Tag == yaml.NodeTagString {
		port.Tag, port.Style = yaml.NodeTagString, yaml.DoubleQuotedStyle
	}
	out, err := yamltext.Merge([]byte(text), before, tree)
	return string(out), err
}
