package topology

import (
	"net/netip"
	"slices"
	"strings"
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
				w.Ends = svc.endOf(way.portNumber(), hit.Workload)
				m.Ways = append(m.Ways, &w)
			}
		}
	}
}

// portNumber is the port at which a route asks what an ExternalName means, 0 where that cannot be known: of a Service's port
// and its target, some controllers take the one, and some the other.
func (w *Way) portNumber() int {
	if w.Backend == nil || w.Service == nil || w.Service.Type != "ExternalName" {
		return 0
	}
	port := w.Backend.Port
	for _, p := range w.Service.Ports {
		if port.Name != "" && p.Name == port.Name || port.Name == "" && p.Number == port.Number {
			if p.Target == (Port{Number: p.Number}) {
				return p.Number
			}
			return 0
		}
	}
	return port.Number // 0 of one that only has a name
}

// endOf is the container port of a workload behind a port of the Service, 0 where there is none. A headless one has no ports
// of its own: its name means the pods.
func (s *Service) endOf(number int, w *Workload) int {
	if s.Headless {
		return number
	}
	for _, p := range s.Ports {
		if p.Number == number {
			end, _ := p.TargetOf(w)
			return end
		}
	}
	return 0
}

// HostService is the Service that a host name most likely means to somebody in a namespace.
func HostService(host, namespace string) (name, space string) {
	first := hostNames(host, namespace)[0]
	return first.service, first.namespace
}
