// Package probe owns the filter that makes an HTTP probe of a container one that only connects.
package probe

import (
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// TCP makes the probe at Field, such as spec.template.spec.containers[0].livenessProbe, connect to the port that its
// httpGet asks, and to the same host where it names one. All else of the probe stays: its times above all.
type TCP struct {
	Field manifest.Path
}

var _ yaml.Filter = TCP{}

// Filter edits the workload's node. The probe is replaced as a whole, for that is what eject can undo: no edit may remove
// a field.
func (f TCP) Filter(n *yaml.RNode) (*yaml.RNode, error) {
	old, err := manifest.Ensure(n.YNode(), f.Field, yaml.MappingNode)
	if err != nil {
		return nil, err
	}
	get := manifest.Field(old, "httpGet")
	if get == nil || manifest.Field(get, "port") == nil {
		return nil, fmt.Errorf("%s: no httpGet with a port", f.Field)
	}
	probe := manifest.Mapping()
	for i := 0; i+1 < len(old.Content); i += 2 {
		key, value := old.Content[i], old.Content[i+1]
		if key.Tag == yaml.MergeTag || value.Kind == yaml.AliasNode || value.Anchor != "" {
			return nil, fmt.Errorf("%s: shares a part with another place of the document by a YAML anchor; write it out", f.Field)
		}
		name := key.Value
		if name == "httpGet" {
			var host *yaml.Node
			if h := manifest.Field(get, "host"); h != nil {
				host = fresh(h)
			}
			name, value = "tcpSocket", manifest.Mapping("host", host, "port", fresh(manifest.Field(get, "port")))
		}
		probe.Content = append(probe.Content, manifest.Text(name), fresh(value))
	}
	manifest.Replace(n.YNode(), f.Field, probe)
	return n, nil
}

// fresh copies a node as a new one, which has no line.
func fresh(n *yaml.Node) *yaml.Node {
	made := *n
	made.Line, made.Column, made.Content = 0, 0, nil
	for _, c := range n.Content {
		made.Content = append(made.Content, fresh(c))
	}
	return &made
}
