package topology

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// gatewayRoute reads a route of the Gateway API, whose kinds differ in what they carry.
func gatewayRoute(protocol string) func(*Route) error {
	return func(r *Route) error {
		o := r.Object
		var hosts []string
		for _, h := range manifest.Items(o.Node, "spec", "hostnames") {
			hosts = append(hosts, h.Value)
		}
		add := func(ref *yaml.Node, field manifest.Path, path string) {
			b := &Backend{
				Field: field, Namespace: orDefault(manifest.String(ref, "namespace"), o.Namespace), Service: manifest.String(ref, "name"),
				Port: scalar(ref, "port"), PortField: field.With("port"), Host: strings.Join(hosts, ","), Path: path, Protocol: protocol,
			}
			switch manifest.String(ref, "kind") {
			case "", "Service":
			case "ServiceImport": // of the multi-cluster API: the Services of that name, in this cluster too
				b.Problem, b.Hint = "a ServiceImport, so what it leads to cannot be known", "name a Service, or set "+optOut+" on the route to leave it as it is"
			default:
				return
			}
			r.Backends = append(r.Backends, b)
		}
		mirrors := func(n *yaml.Node, field manifest.Path, path string) {
			at(n, field, "filters", func(f *yaml.Node, field manifest.Path) {
				if ref := manifest.Field(f, "requestMirror", "backendRef"); ref != nil {
					add(ref, field.With("requestMirror", "backendRef"), path)
				}
			})
		}
		at(manifest.Field(o.Node, "spec"), manifest.P("spec"), "rules", func(rule *yaml.Node, field manifest.Path) {
			path := ""
			if matches := manifest.Items(rule, "matches"); len(matches) > 0 {
				path = manifest.String(matches[0], "path", "value")
			}
			at(rule, field, "backendRefs", func(ref *yaml.Node, field manifest.Path) {
				add(ref, field, path)
				mirrors(ref, field, path)
			})
			mirrors(rule, field, path)
		})
		return nil
	}
}

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

// readTraefikService reads weights and mirrors. A TraefikService counts as a way in by itself: whatever IngressRoute
// leads to it need not be in the stream.
func readTraefikService(r *Route) error {
	for _, kind := range []string{"weighted", "mirroring", "failover"} {
		n := manifest.Field(r.Object.Node, "spec", kind)
		field := manifest.P("spec", kind)
		add := func(ref *yaml.Node, field manifest.Path) { r.addTraefik(ref, field, "", "") }
		switch kind {
		case "mirroring":
			if n != nil {
				add(n, field)
			}
			at(n, field, "mirrors", add)
		case "weighted":
			at(n, field, "services", add)
		case "failover":
			for _, key := range []string{"service", "fallback"} {
				if ref := manifest.Field(n, key); ref != nil && ref.Kind == yaml.MappingNode {
					add(ref, field.With(key))
				}
			}
		}
	}
	return nil
}

func (r *Route) addTraefik(ref *yaml.Node, field manifest.Path, match, protocol string) {
	name := manifest.String(ref, "name")
	if name == "" || strings.Contains(name, "@") || manifest.String(ref, "kind") == "TraefikService" {
		return // Traefik's own services, and TraefikServices, which are read as routes
	}
	r.Backends = append(r.Backends, &Backend{
		Field: field, Namespace: orDefault(manifest.String(ref, "namespace"), r.Object.Namespace), Service: name,
		Port: scalar(ref, "port"), PortField: field.With("port"), Path: match, Protocol: protocol,
	})
}

// readMiddleware reads the one middleware of Traefik that leads to a Service: errors, which asks it for pages.
func readMiddleware(r *Route) error {
	if ref := manifest.Field(r.Object.Node, "spec", "errors", "service"); ref != nil && ref.Kind == yaml.MappingNode {
		r.addTraefik(ref, manifest.P("spec", "errors", "service"), "", "")
	}
	return nil
}

// readTargetGroupBinding reads the AWS load balancer controller's way to put pods behind a target group that somebody
// else made.
func readTargetGroupBinding(r *Route) error {
	field := manifest.P("spec", "serviceRef")
	ref := manifest.Field(r.Object.Node, "spec", "serviceRef")
	r.Backends = append(r.Backends, &Backend{
		Field: field, Namespace: r.Object.Namespace, Service: manifest.String(ref, "name"), Port: scalar(ref, "port"), PortField: field.With("port"),
	})
	return nil
}

// readVirtualService reads the destinations of an Istio VirtualService that is bound to a gateway, or is without hosts
// and so a delegate of one that may be; otherwise it only steers traffic inside the mesh.
func readVirtualService(r *Route) error {
	outside := len(manifest.Items(r.Object.Node, "spec", "hosts")) == 0
	for _, g := range manifest.Items(r.Object.Node, "spec", "gateways") {
		outside = outside || g.Value != "mesh"
	}
	if !outside {
		return nil
	}
	add := func(n *yaml.Node, field manifest.Path, protocol string) {
		host := manifest.String(n, "host")
		if host == "" {
			return
		}
		name, rest, _ := strings.Cut(host, ".")
		namespace := r.Object.Namespace
		if rest != "" {
			namespace, _, _ = strings.Cut(rest, ".")
		}
		r.Backends = append(r.Backends, &Backend{
			Field: field, Namespace: namespace, Service: name, Port: scalar(n, "port", "number"),
			PortField: field.With("port", "number"), Protocol: protocol,
		})
	}
	spec := manifest.Field(r.Object.Node, "spec")
	for _, kind := range []struct{ key, protocol string }{{"http", ""}, {"tcp", "TCP"}, {"tls", "TLS passthrough"}} {
		at(spec, manifest.P("spec"), kind.key, func(rule *yaml.Node, field manifest.Path) {
			at(rule, field, "route", func(dest *yaml.Node, field manifest.Path) {
				add(manifest.Field(dest, "destination"), field.With("destination"), kind.protocol)
			})
			if mirror := manifest.Field(rule, "mirror"); mirror != nil {
				add(mirror, field.With("mirror"), kind.protocol)
			}
			at(rule, field, "mirrors", func(dest *yaml.Node, field manifest.Path) {
				add(manifest.Field(dest, "destination"), field.With("destination"), kind.protocol)
			})
		})
	}
	return nil
}

func readOpenShiftRoute(r *Route) error {
	spec := manifest.Field(r.Object.Node, "spec")
	protocol := ""
	if manifest.String(spec, "tls", "termination") == "passthrough" {
		protocol = "TLS passthrough"
	}
	add := func(ref *yaml.Node, field manifest.Path) {
		if kind := manifest.String(ref, "kind"); kind != "" && kind != "Service" {
			return
		}
		r.Backends = append(r.Backends, &Backend{
			Field: field, Namespace: r.Object.Namespace, Service: manifest.String(ref, "name"), Port: scalar(spec, "port", "targetPort"),
			ByTarget: true, PortField: manifest.P("spec", "port", "targetPort"), Host: manifest.String(spec, "host"),
			Path: manifest.String(spec, "path"), Protocol: protocol,
		})
	}
	if to := manifest.Field(spec, "to"); to != nil {
		add(to, manifest.P("spec", "to"))
	}
	at(spec, manifest.P("spec"), "alternateBackends", add)
	return nil
}

func readHTTPProxy(r *Route) error {
	spec := manifest.Field(r.Object.Node, "spec")
	add := func(protocol string) func(*yaml.Node, manifest.Path) {
		return func(ref *yaml.Node, field manifest.Path) {
			r.Backends = append(r.Backends, &Backend{
				Field: field, Namespace: r.Object.Namespace, Service: manifest.String(ref, "name"), Port: scalar(ref, "port"),
				PortField: field.With("port"), Host: manifest.String(spec, "virtualhost", "fqdn"), Protocol: protocol,
			})
		}
	}
	at(spec, manifest.P("spec"), "routes", func(route *yaml.Node, field manifest.Path) {
		at(route, field, "services", add(""))
	})
	at(manifest.Field(spec, "tcpproxy"), manifest.P("spec", "tcpproxy"), "services", add("TCP"))
	return nil
}
