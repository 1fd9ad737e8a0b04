package topology

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

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
		b := &Backend{Field: field, Port: scalar(n, "port", "number"), PortField: field.With("port", "number"), Protocol: protocol}
		b.nameOfHost(host, r.Object.Namespace)
		r.Backends = append(r.Backends, b)
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

// nameOfHost says which Service a backend means that is named by its name in DNS, whole or in part. The name may be one
// that a ServiceEntry makes.
func (b *Backend) nameOfHost(host, namespace string) {
	name := hostNames(host, namespace)[0]
	b.DNS, b.Service, b.Namespace = host, name.service, name.namespace
}

// meshEntry is an Istio ServiceEntry: a name of the mesh's own, for pods that it selects itself or for addresses.
type meshEntry struct {
	object    *manifest.Object
	hosts     []string
	labels    map[string]string
	addresses []string
}

func readServiceEntry(o *manifest.Object) *meshEntry {
	e := &meshEntry{object: o, labels: manifest.Map(o.Node, "spec", "workloadSelector", "labels")}
	for _, h := range manifest.Items(o.Node, "spec", "hosts") {
		e.hosts = append(e.hosts, strings.ToLower(h.Value))
	}
	for _, ep := range manifest.Items(o.Node, "spec", "endpoints") {
		e.addresses = append(e.addresses, manifest.String(ep, "address"))
	}
	if len(e.addresses) == 0 && len(e.labels) == 0 {
		e.addresses = e.hosts // which are looked up in DNS
	}
	return e
}

// followEntry follows a backend to the ServiceEntry that makes its name, and says whether there is one. Nothing of it
// can be moved to a gate's port, for no Service stands between.
func (m *Model) followEntry(way Way) bool {
	found := false
	for _, e := range m.entries {
		if !slices.Contains(e.hosts, strings.ToLower(way.Backend.DNS)) {
			continue
		}
		found = true
		way.Problem = "ServiceEntry " + quote(e.object.Name) + " leads to the pods past their Services"
		way.Hint = "let the route name a Service that selects them"
		if len(e.labels) > 0 {
			now, later := m.choose(e.object.Namespace, e.labels)
			for _, hit := range append(now, later...) {
				w := way
				w.Workload, w.Maybe = hit.Workload, hit.Maybe
				m.Ways = append(m.Ways, &w)
			}
		}
		for _, address := range e.addresses {
			m.followHost(way, address, e.object.Namespace, 0)
		}
	}
	return found
}
