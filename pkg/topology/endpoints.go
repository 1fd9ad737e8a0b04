package topology

import (
	"net/netip"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// endpoints are the addresses that an Endpoints or EndpointSlice object gives a Service.
type endpoints struct {
	object *manifest.Object
	ends   []end
	ports  []endpointPort // of an EndpointSlice; none where it names none, which means any
}

// end is one place that endpoints lead to.
type end struct {
	addresses []string
	pod       string // the name of the pod that it refers to, "" where it refers to none
}

type endpointPort struct {
	name   string
	number int
}

func (m *Model) addEndpoints(o *manifest.Object) {
	e := &endpoints{object: o}
	service := o.Name
	podOf := func(n *yaml.Node) string {
		if manifest.String(n, "targetRef", "kind") != "Pod" {
			return ""
		}
		return manifest.String(n, "targetRef", "name")
	}
	if o.Kind == "EndpointSlice" {
		service = manifest.Map(o.Node, "metadata", "labels")["kubernetes.io/service-name"]
		for _, item := range manifest.Items(o.Node, "endpoints") {
			to := end{pod: podOf(item)}
			for _, address := range manifest.Items(item, "addresses") {
				to.addresses = append(to.addresses, manifest.String(address))
			}
			e.ends = append(e.ends, to)
		}
		e.ports = slicePorts(o)
	} else {
		for _, subset := range manifest.Items(o.Node, "subsets") {
			for _, list := range []string{"addresses", "notReadyAddresses"} {
				for _, item := range manifest.Items(subset, list) {
					e.ends = append(e.ends, end{[]string{manifest.String(item, "ip")}, podOf(item)})
				}
			}
		}
	}
	m.endpoints[service] = append(m.endpoints[service], e)
}

// slicePorts returns the ports of an EndpointSlice, nil where any is meant.
func slicePorts(o *manifest.Object) []endpointPort {
	var ports []endpointPort
	for _, item := range manifest.Items(o.Node, "ports") {
		number, ok := manifest.Int(item, "port")
		if !ok {
			return nil
		}
		ports = append(ports, endpointPort{manifest.String(item, "name"), number})
	}
	return ports
}

// The label of an EndpointSlice that says who made it, and its value on those that the control plane makes of selectors.
const managedBy, bySelector = "endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io"

// beside adds the ways to workloads that EndpointSlices lead a Service to beside its selector: kube-proxy takes every slice
// with the Service's name.
func (m *Model) beside(way Way, svc *Service, port *ServicePort) {
	way.Service, way.ServicePort = svc, port
	for _, e := range m.endpoints[svc.Object.Name] {
		if e.object.Kind == "EndpointSlice" && SameNamespace(e.object.Namespace, svc.Object.Namespace) && manifest.Map(e.object.Node, "metadata", "labels")[managedBy] != bySelector {
			m.followEnds(way, svc, e, 0)
		}
	}
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
		m.followEnds(way, svc, e, hops)
		if len(m.Ways) == before {
			way := way
			way.Problem, way.Hint = "", ""
			way.Namespace = svc.Object.Namespace
			way.Nowhere = "Service " + quote(svc.Object.Name) + " has no selector, and " + e.object.Kind + " " + quote(e.object.Name) +
				" leads it to fixed addresses (" + strings.Join(e.addresses(), ", ") + ")"
			m.Ways = append(m.Ways, &way)
		}
	}
	if !known {
		m.Ways = append(m.Ways, &way)
	}
}

// followEnds adds a way, with a Problem, to each workload that endpoints lead a Service to.
func (m *Model) followEnds(way Way, svc *Service, e *endpoints, hops int) {
	way.Problem = e.object.Kind + " " + quote(e.object.Name) + " leads Service " + quote(svc.Object.Name) + " back into the cluster"
	way.Hint = "give the Service a selector instead"
	for _, to := range e.ends {
		for _, w := range m.neighbours(svc.Object.Namespace) {
			if to.pod != "" && w.podName != nil && w.podName(to.pod) && len(w.addresses) == 0 {
				hit := way
				hit.Workload = w
				m.Ways = append(m.Ways, &hit)
			}
		}
		for _, address := range to.addresses {
			for _, w := range m.byAddress[plainAddress(address)] {
				m.reach(way, w, e.ports)
			}
			m.followHost(way, address, svc.Object.Namespace, hops+1)
		}
	}
}

// reach adds the ways by an address of a pod to those of its ports that an EndpointSlice names; none stands for any.
func (m *Model) reach(way Way, w *Workload, ports []endpointPort) {
	way.Workload = w
	if len(ports) == 0 {
		m.Ways = append(m.Ways, &way)
	}
	for _, p := range ports {
		hit := way
		hit.Ends = p.number
		switch {
		case way.ServicePort != nil && way.ServicePort.Name != "" && p.name != "" && p.name != way.ServicePort.Name: // another's
		case w.HostNetwork && !w.Takes(p.number): // of another pod in the node's network, which has the same address
		default:
			m.Ways = append(m.Ways, &hit)
		}
	}
}

// plainAddress is an IP address as all write it.
func plainAddress(text string) string {
	if ip, err := netip.ParseAddr(text); err == nil {
		return ip.Unmap().String()
	}
	return text
}

func (e *endpoints) addresses() []string {
	var all []string
	for _, to := range e.ends {
		all = append(all, to.addresses...)
	}
	return all
}
