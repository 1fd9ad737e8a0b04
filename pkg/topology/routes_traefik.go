package topology

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

func traefikRoute(protocol string) func(*Route) error {
	return func(r *Route) error {
		at(manifest.Field(r.Object.Node, "spec"), manifest.P("spec"), "routes", func(route *yaml.Node, field manifest.Path) {
			at(route, field, "services", func(ref *yaml.Node, field manifest.Path) {
				r.addTraefik(ref, field, manifest.String(route, "match"), protocol)
			})
		})
		return nil
	}
}

// readTraefikService reads weights, mirrors and whatever else a TraefikService shares requests out by. It counts as a way
// in by itself: whatever IngressRoute leads to it need not be in the stream.
func readTraefikService(r *Route) error {
	spec := manifest.Field(r.Object.Node, "spec")
	if spec == nil || spec.Kind != yaml.MappingNode {
		return nil
	}
	add := func(ref *yaml.Node, field manifest.Path) { r.addTraefik(ref, field, "", "") }
	for _, kind := range keysOf(spec) { // weighted, mirroring, failover, highestRandomWeight
		n, field := manifest.Field(spec, kind), manifest.P("spec", kind)
		if n == nil || n.Kind != yaml.MappingNode {
			continue
		}
		add(n, field)
		at(n, field, "services", add)
		at(n, field, "mirrors", add)
		for _, key := range []string{"service", "fallback"} {
			if ref := manifest.Field(n, key); ref != nil && ref.Kind == yaml.MappingNode {
				add(ref, field.With(key))
			}
		}
	}
	return nil
}

func (r *Route) addTraefik(ref *yaml.Node, field manifest.Path, match, protocol string) {
	name := manifest.String(ref, "name")
	switch {
	case name == "" || strings.HasSuffix(name, "@internal"): // Traefik's own services
		return
	case strings.Contains(name, "@"): // one that other objects make, by its id, such as monitoring-prom-9090@kubernetes
		r.detour(ref, field)
		return
	case manifest.String(ref, "kind") == "TraefikService": // which is read as a route
		r.detour(ref, field)
		return
	}
	r.Backends = append(r.Backends, &Backend{
		Field: field, Namespace: orDefault(manifest.String(ref, "namespace"), r.Object.Namespace), Service: name,
		Port: scalar(ref, "port"), PortField: field.With("port"), Path: match, Protocol: protocol,
	})
}

// detour notes a reference to a TraefikService.
func (r *Route) detour(ref *yaml.Node, field manifest.Path) {
	r.Detours = append(r.Detours, &Detour{
		Route: r, Field: field, Namespace: orDefault(manifest.String(ref, "namespace"), r.Object.Namespace), Name: manifest.String(ref, "name"),
	})
}

// readMiddleware reads the one middleware of Traefik that leads to a Service: errors, which asks it for pages.
func readMiddleware(r *Route) error {
	if ref := manifest.Field(r.Object.Node, "spec", "errors", "service"); ref != nil && ref.Kind == yaml.MappingNode {
		r.addTraefik(ref, manifest.P("spec", "errors", "service"), "", "")
	}
	return nil
}
