// Package webconfig owns the filter that makes an application ask for passwords itself: it gives a container the
// argument that names the file with the users, and mounts the Secret that holds it.
package webconfig

import (
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Filter adds an argument and a mounted Secret to a container of a workload.
type Filter struct {
	PodSpec   manifest.Path
	Container manifest.Path
	Argument  string // such as --web.config.file=/etc/kauth/web/web.yml
	Volume    string
	Secret    string
	Dir       string
	FileMode  int
}

var _ yaml.Filter = Filter{}

// Filter edits the workload's node. The Secret is mounted as a whole, for a subPath would never update; and it must be
// there: without it the kubelet says in an event which Secret the pod waits for, where the application would only end
// again and again.
func (f Filter) Filter(n *yaml.RNode) (*yaml.RNode, error) {
	text := manifest.Text
	for _, add := range []struct {
		list manifest.Path
		item *yaml.Node
	}{
		{f.Container.With("args"), text(f.Argument)},
		{f.Container.With("volumeMounts"), manifest.Mapping("name", text(f.Volume), "mountPath", text(f.Dir), "readOnly", manifest.Flag(true))},
		{f.PodSpec.With("volumes"), manifest.Mapping("name", text(f.Volume),
			"secret", manifest.Mapping("secretName", text(f.Secret), "defaultMode", manifest.Number(f.FileMode)))},
	} {
		if err := manifest.Append(n.YNode(), add.list, add.item); err != nil {
			return nil, err
		}
	}
	return n, nil
}
