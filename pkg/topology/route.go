package topology

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Route is an object that leads from outside to Services.
type Route struct {
	Object      *manifest.Object
	Annotations map[string]string
	Class       string // the class of an Ingress, "" where it names none
	ALB         bool   // an Ingress of the AWS load balancer controller
	Backends    []*Backend
}

// Backend is one place in a Route that names a Service.
type Backend struct {
	Field     manifest.Path // the backend, for people
	Namespace string
	Service   string
	Port      Port          // as written; the zero Port where none is
	ByTarget  bool          // Port may also be a targetPort, as in an OpenShift Route
	PortField manifest.Path // the scalar to change when the backend moves
	Inner     manifest.Path // where PortField is an annotation with JSON: the scalar inside of it
	Host      string        // for people; "" for any
	Path      string        // for people; "" for any
	Protocol  string        // "" for HTTP; otherwise a protocol that the gate cannot guard, such as "gRPC"
	Problem   string        // why the backend cannot be followed, "" where it can
	Hint      string
}

func (b *Backend) portText() string {
	if b.Port == (Port{}) {
		return "that is meant without saying which"
	}
	return quote(b.Port.String())
}

// routeKinds are the kinds that lead from outside, by group and kind, with what reads them.
var routeKinds = map[string]func(*Route) error{
	"networking.k8s.io/Ingress":           readIngress,
	"extensions/Ingress":                  readIngress,
	"gateway.networking.k8s.io/HTTPRoute": gatewayRoute(""),
	"gateway.networking.k8s.io/GRPCRoute": gatewayRoute("gRPC"),
	"gateway.networking.k8s.io/TCPRoute":  gatewayRoute("TCP"),
	"gateway.networking.k8s.io/TLSRoute":  gatewayRoute("TLS passthrough"),
	"gateway.networking.k8s.io/UDPRoute":  gatewayRoute("UDP"),
	"traefik.io/IngressRoute":             traefikRoute(""),
	"traefik.io/IngressRouteTCP":          traefikRoute("TCP"),
	"traefik.io/IngressRouteUDP":          traefikRoute("UDP"),
	"traefik.io/TraefikService":           readTraefikService,
	"traefik.containo.us/IngressRoute":    traefikRoute(""),
	"traefik.containo.us/IngressRouteTCP": traefikRoute("TCP"),
	"traefik.containo.us/IngressRouteUDP": traefikRoute("UDP"),
	"traefik.containo.us/TraefikService":  readTraefikService,
	"networking.istio.io/VirtualService":  readVirtualService,
	"route.openshift.io/Route":            readOpenShiftRoute,
	"projectcontour.io/HTTPProxy":         readHTTPProxy,
}

// at reads a sequence below n and calls f with each item and its path.
func at(n *yaml.Node, field manifest.Path, key string, f func(item *yaml.Node, field manifest.Path)) {
	for i, item := range manifest.Items(n, key) {
		f(item, field.With(key, i))
	}
}

// scalar is the port that a field holds, in any of the ways that manifests write it.
func scalar(n *yaml.Node, path ...string) Port {
	text := manifest.String(n, path...)
	if text == "" {
		return Port{}
	}
	return ParsePort(text)
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// gatewayRoute reads a route of the Gateway API, whose kinds differ in what they carry.
func gatewayRoute(protocol string) func(*Route) error {
	return func(r *Route) error {
		o := r.Object
		var hosts []string
		for _, h := range manifest.Items(o.Node, "spec", "hostnames") {
			hosts = append(hosts, h.Value)
		}
		add := func(ref *yaml.Node, field manifest.Path, path string) {
			if kind := manifest.String(ref, "kind"); kind != "" && kind != "Service" {
				return
			}
			r.Backends = append(r.Backends, &Backend{
				Field: field, Namespace: orDefault(manifest.String(ref, "namespace"), o.Namespace), Service: manifest.String(ref, "name"),
				Port: scalar(ref, "port"), PortField: field.With("port"), Host: strings.Join(hosts, ","), Path: path, Protocol: protocol,
			})
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

// readVirtualService reads the destinations of an Istio VirtualService that is bound to a gateway; without one it only
// steers traffic inside the mesh.
func readVirtualService(r *Route) error {
	outside := false
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
