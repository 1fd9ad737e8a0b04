package topology

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// gatewayRoute reads a route of the Gateway API. Its kinds differ in what they carry, and where in a rule they name
// backends: backendRefs, mirrors, an external check. Whatever stands under such a key counts, wherever it is.
func gatewayRoute(protocol string) func(*Route) error {
	return func(r *Route) error {
		spec := manifest.Field(r.Object.Node, "spec")
		if inMesh(spec) {
			return nil
		}
		g := gatewayReader{route: r}
		for _, h := range manifest.Items(spec, "hostnames") {
			g.hosts = append(g.hosts, h.Value)
		}
		for i, ref := range manifest.Items(spec, "parentRefs") {
			if kind := manifest.String(ref, "kind"); kind == "" || kind == "Gateway" {
				r.Parents = append(r.Parents, Parent{
					Field:     manifest.P("spec", "parentRefs", i),
					Namespace: orDefault(manifest.String(ref, "namespace"), r.Object.Namespace), Name: manifest.String(ref, "name"),
				})
			}
		}
		at(spec, manifest.P("spec"), "rules", func(rule *yaml.Node, field manifest.Path) {
			path := ""
			if matches := manifest.Items(rule, "matches"); len(matches) > 0 {
				path = manifest.String(matches[0], "path", "value")
			}
			g.walk(rule, field, path, protocol)
		})
		return nil
	}
}

// inMesh says whether a route hangs on Services alone, and so is for clients inside the cluster
// (gateway-api.sigs.k8s.io/mesh).
func inMesh(spec *yaml.Node) bool {
	parents := manifest.Items(spec, "parentRefs")
	return len(parents) > 0 && !slices.ContainsFunc(parents, func(ref *yaml.Node) bool {
		group := manifest.String(ref, "group")
		return manifest.String(ref, "kind") != "Service" || group != "" && group != "core"
	})
}

type gatewayReader struct {
	route *Route
	hosts []string
}

// walk finds the references to backends below n.
func (g gatewayReader) walk(n *yaml.Node, field manifest.Path, path, protocol string) {
	n = manifest.Resolve(n)
	switch {
	case n == nil:
	case n.Kind == yaml.SequenceNode:
		for i, item := range n.Content {
			g.walk(item, field.With(i), path, protocol)
		}
	case n.Kind == yaml.MappingNode:
		for _, key := range keysOf(n) {
			child, at := manifest.Field(n, key), field.With(key)
			inside := protocol
			if key == "externalAuth" && strings.EqualFold(manifest.String(child, "protocol"), "GRPC") {
				inside = "gRPC"
			}
			switch {
			case key == "backendRef" && child != nil && child.Kind == yaml.MappingNode:
				g.add(child, at, path, inside)
			case key == "backendRefs":
				for i, ref := range manifest.Items(child) {
					g.add(ref, at.With(i), path, inside)
				}
			}
			g.walk(child, at, path, inside)
		}
	}
}

// keysOf returns the keys of a mapping, those of merged ones included, in their order.
func keysOf(n *yaml.Node) []string {
	var keys []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; k.Tag != yaml.MergeTag {
			keys = append(keys, k.Value)
			continue
		}
		merged := manifest.Resolve(n.Content[i+1])
		if merged.Kind == yaml.MappingNode {
			keys = append(keys, keysOf(merged)...)
		}
		for _, item := range manifest.Items(merged) {
			keys = append(keys, keysOf(item)...)
		}
	}
	return keys
}

func (g gatewayReader) add(ref *yaml.Node, field manifest.Path, path, protocol string) {
	b := &Backend{
		Field: field, Namespace: orDefault(manifest.String(ref, "namespace"), g.route.Object.Namespace), Service: manifest.String(ref, "name"),
		Port: scalar(ref, "port"), PortField: field.With("port"), Host: strings.Join(g.hosts, ","), Path: path, Protocol: protocol,
	}
	switch manifest.String(ref, "kind") {
	case "", "Service":
	case "Hostname": // of Istio: the name of a Service in DNS, or of a ServiceEntry
		b.nameOfHost(b.Service, g.route.Object.Namespace)
	case "ServiceImport": // of the multi-cluster API: the Services of that name, in this cluster too
		b.Problem, b.Hint = "a ServiceImport, so what it leads to cannot be known", "name a Service, or set "+optOut+" on the route to leave it as it is"
	case "TraefikService":
		g.route.detour(ref, field)
		return
	default:
		return
	}
	g.route.Backends = append(g.route.Backends, b)
}
