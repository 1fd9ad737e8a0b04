package program

import (
	"cmp"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// HTTPProbe is a probe that asks one of the ports over HTTP.
type HTTPProbe struct {
	Field manifest.Path
	Name  string // livenessProbe, readinessProbe or startupProbe
	Path  string
}

// ProbeNames are the fields of a container that hold its probes, those first that say best whether a port serves. The liveness
// probe comes first: a load balancer that follows readiness would take away a server that is only busy reading its log.
var ProbeNames = []string{"livenessProbe", "readinessProbe", "startupProbe"}

// HTTPProbes are the probes of all containers of a workload that ask one of the ports over HTTP.
func HTTPProbes(w *topology.Workload, ports []int) []HTTPProbe {
	var found []HTTPProbe
	for _, c := range w.Containers {
		for _, name := range ProbeNames {
			get := manifest.Field(c.Node, name, "httpGet")
			if get != nil && AsksPort(c, get, ports) {
				found = append(found, HTTPProbe{c.Field.With(name), name, cmp.Or(manifest.String(get, "path"), "/")})
			}
		}
	}
	return found
}

// AsksPort says whether the httpGet of a container means one of the ports of its pod, and no other host. A name means a
// port of the container itself.
func AsksPort(c *topology.Container, get *yaml.Node, ports []int) bool {
	switch manifest.String(get, "host") {
	case "", "localhost", "127.0.0.1", "::1":
	default:
		return false
	}
	asked := topology.ParsePort(manifest.String(get, "port"))
	for _, p := range c.Ports {
		if asked.Name != "" && p.Name == asked.Name {
			return slices.Contains(ports, p.Number)
		}
	}
	return asked.Name == "" && slices.Contains(ports, asked.Number)
}
