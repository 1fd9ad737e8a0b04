package topology

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

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

// streamText is an entry of a ConfigMap by which ingress-nginx leads a port of its own to a Service, as NAMESPACE/SERVICE:PORT
// (kubernetes.github.io/ingress-nginx/user-guide/exposing-tcp-udp-services).
var streamText = regexp.MustCompile(`^([-a-z0-9]+)/([-a-z0-9]+):([-a-z0-9]+)(:(PROXY)?){0,2}$`)

// readStreams reads a ConfigMap of such entries. Which ConfigMap it is, a flag of the controller says; one of which each
// key is a port and each value has that form is taken for it, and one with the protocol in its name by what of it has that form.
func readStreams(r *Route) error {
	protocol := "TCP"
	if strings.Contains(r.Object.Name, "udp") {
		protocol = "UDP"
	}
	var found []*Backend
	data := manifest.Map(r.Object.Node, "data")
	for _, key := range slices.Sorted(maps.Keys(data)) {
		m := streamText.FindStringSubmatch(data[key])
		if _, isPort := manifest.Decimal(key); m == nil || !isPort {
			if protocol == "UDP" || strings.Contains(r.Object.Name, "tcp") {
				continue // ingress-nginx passes over such a line, and serves the others
			}
			return nil
		}
		field := manifest.P("data", key)
		found = append(found, &Backend{Field: field, Namespace: m[1], Service: m[2], Port: ParsePort(m[3]), PortField: field, Protocol: protocol})
	}
	r.Backends = found
	return nil
}
