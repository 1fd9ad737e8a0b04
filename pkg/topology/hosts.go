package topology

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// dnsName is what a name in the cluster's DNS may stand for.
type dnsName struct{ service, namespace string }

// hostNames returns the Services that a host name may mean to somebody in a namespace, the likeliest first. Behind
// NAME.NAMESPACE.svc may stand any cluster domain, and before it the name of one pod. Without svc the resolver's search
// path makes NAME and NAME.NAMESPACE mean the same.
func hostNames(host, namespace string) []dnsName {
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(host, ".")), ".")
	if i := slices.Index(labels, "svc"); i > 0 {
		labels = labels[:i]
		if len(labels) > 1 {
			return []dnsName{{labels[len(labels)-2], labels[len(labels)-1]}}
		}
	}
	if len(labels) == 1 {
		return []dnsName{{labels[0], namespace}}
	}
	names := []dnsName{{labels[0], labels[1]}}
	if len(labels) > 2 {
		names = append(names, dnsName{labels[1], labels[2]})
	}
	return names
}

// inCluster says whether a host name can only be one of the cluster's own.
func inCluster(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".svc") || strings.Contains(host, ".svc.") || strings.HasSuffix(host, ".cluster.local")
}

// followName follows an ExternalName. One that leads back into the cluster cannot be moved to the gate, for another
// Service holds the port; it is a way in all the same, to whatever that Service selects, in whatever namespace.
func (m *Model) followName(way Way) {
	host := way.Service.ExternalName
	way.Problem = "Service " + quote(way.Service.Object.Name) + " is an ExternalName for " + quote(host) + ", which leads back into the cluster"
	way.Hint = "put the route beside the Service that is meant, and let it name that"
	m.followHost(way, host, way.Service.Object.Namespace, 0)
}

// maxHops bounds how many names are followed that lead to names; more make a circle.
const maxHops = 10

// followHost adds a way, with way's Problem, to each workload behind a host name or address as somebody in a namespace
// knows it; one to the namespace where nothing of the stream is behind a name of the cluster; none for names outside.
func (m *Model) followHost(way Way, host, namespace string, hops int) {
	var found []*Service
	if ip, err := netip.ParseAddr(host); err == nil {
		for _, svc := range m.Services {
			if slices.Contains(svc.Addresses, ip.String()) {
				found = append(found, svc)
			}
		}
	} else {
		exact := strings.Count(host, ".") > 1 && !inCluster(host) // prom.example.com is hardly the Service prom of the namespace example
		for _, name := range hostNames(host, namespace) {
			for _, svc := range m.servicesNamed(name.namespace, name.service) {
				if !exact || svc.Object.Namespace == name.namespace {
					found = append(found, svc)
				}
			}
		}
		way.Namespace = hostNames(host, namespace)[0].namespace
		if len(found) == 0 && inCluster(host) {
			m.Ways = append(m.Ways, &way)
			return
		}
	}
	for _, svc := range found {
		if svc.Object.Namespace != "" {
			way.Namespace = svc.Object.Namespace
		}
		switch {
		case hops == maxHops:
			m.Ways = append(m.Ways, &way)
		case svc.Type == "ExternalName":
			m.followHost(way, svc.ExternalName, svc.Object.Namespace, hops+1)
		case len(svc.Selector) == 0:
			m.followEndpoints(way, svc, hops+1)
		default:
			for _, hit := range append(slices.Clip(m.Selected(svc)), m.maySelect(svc)...) {
				w := way
				w.Workload, w.Maybe = hit.Workload, hit.Maybe
				m.Ways = append(m.Ways, &w)
			}
		}
	}
}

// endpoints are the addresses that an Endpoints or EndpointSlice object gives a Service without a selector.
type endpoints struct {
	object    *manifest.Object
	addresses []string
	pods      []string // names of pods that it refers to
}

func (m *Model) addEndpoints(o *manifest.Object) {
	e := &endpoints{object: o}
	service := o.Name
	read := func(key, list, address string) {
		for _, item := range manifest.Items(o.Node, key) {
			members := manifest.Items(item, list)
			if address == "" {
				members = append(members, item)
			}
			for _, a := range members {
				if manifest.String(a, "targetRef", "kind") == "Pod" {
					e.pods = append(e.pods, manifest.String(a, "targetRef", "name"))
				}
				if text := manifest.String(a, address); address != "" && text != "" {
					e.addresses = append(e.addresses, text)
				} else if manifest.String(a) != "" {
					e.addresses = append(e.addresses, manifest.String(a))
				}
			}
		}
	}
	if o.Kind == "EndpointSlice" {
		service = manifest.Map(o.Node, "metadata", "labels")["kubernetes.io/service-name"]
		read("endpoints", "addresses", "")
	} else {
		read("subsets", "addresses", "ip")
		read("subsets", "notReadyAddresses", "ip")
	}
	m.endpoints[service] = append(m.endpoints[service], e)
}

// followEndpoints follows a Service without a selector to what Endpoints of the stream say; where there are none, way
// itself is added, with its Problem.
func (m *Model) followEndpoints(way Way, svc *Service, hops int) {
	known := false
	for _, e := range m.endpoints[svc.Object.Name] {
		if !SameNamespace(e.object.Namespace, svc.Object.Namespace) {
			continue
		}
		known = true
		before := len(m.Ways)
		way := way
		way.Problem = e.object.Kind + " " + quote(e.object.Name) + " leads Service " + quote(svc.Object.Name) + " back into the cluster"
		way.Hint = "give the Service a selector instead"
		for _, pod := range e.pods {
			for _, w := range m.neighbours(svc.Object.Namespace) {
				if w.podName != nil && w.podName(pod) {
					hit := way
					hit.Workload = w
					m.Ways = append(m.Ways, &hit)
				}
			}
		}
		for _, address := range e.addresses {
			m.followHost(way, address, svc.Object.Namespace, hops+1)
		}
		if len(m.Ways) == before {
			way.Problem, way.Hint = "", ""
			way.Namespace = svc.Object.Namespace
			way.Nowhere = "Service " + quote(svc.Object.Name) + " has no selector, and " + e.object.Kind + " " + quote(e.object.Name) +
				" leads it to fixed addresses (" + strings.Join(e.addresses, ", ") + ")"
			m.Ways = append(m.Ways, &way)
		}
	}
	if !known {
		m.Ways = append(m.Ways, &way)
	}
}

// HostService is the Service that a host name most likely means to somebody in a namespace.
func HostService(host, namespace string) (name, space string) {
	first := hostNames(host, namespace)[0]
	return first.service, first.namespace
}
