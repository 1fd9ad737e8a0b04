// Package service owns the filters that make a Service lead to the gate: one adds a port, one moves a port's target.
package service

import (
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// AddPort adds a port to a Service, and a name to the ports that have none: the API wants names where there are
// several.
type AddPort struct {
	Name   string
	Number int
	Target string    // the container port's name
	Speaks string    // its appProtocol, "" for none
	Names  []NewName // for the ports that have none
}

// NewName is a name for the port at Field.
type NewName struct {
	Field manifest.Path
	Name  string
}

// Retarget moves the target of the port at Field.
type Retarget struct {
	Field  manifest.Path // spec.ports[i]
	Target string        // the container port's name
}

var (
	_ yaml.Filter = AddPort{}
	_ yaml.Filter = Retarget{}
)

// Filter edits the Service's node.
func (f AddPort) Filter(n *yaml.RNode) (*yaml.RNode, error) {
	for _, name := range f.Names {
		if err := manifest.Put(n.YNode(), name.Field, "name", manifest.Text(name.Name)); err != nil {
			return nil, err
		}
	}
	var speaks *yaml.Node
	if f.Speaks != "" {
		speaks = manifest.Text(f.Speaks)
	}
	port := manifest.Mapping("name", manifest.Text(f.Name), "port", manifest.Number(f.Number),
		"targetPort", manifest.Text(f.Target), "protocol", manifest.Text("TCP"), "appProtocol", speaks)
	if err := manifest.Append(n.YNode(), manifest.P("spec", "ports"), port); err != nil {
		return nil, err
	}
	return n, nil
}

// Filter edits the Service's node.
func (f Retarget) Filter(n *yaml.RNode) (*yaml.RNode, error) {
	port, err := manifest.Ensure(n.YNode(), f.Field, yaml.MappingNode)
	if err != nil {
		return nil, err
	}
	if err := manifest.SetField(port, "targetPort", manifest.Text(f.Target)); err != nil {
		return nil, fmt.Errorf("%s.%w", f.Field, err)
	}
	return n, nil
}
