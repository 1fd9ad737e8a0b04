package topology

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Service is a Service of the stream.
type Service struct {
	Object       *manifest.Object
	Type         string // ClusterIP where the manifest says nothing
	Headless     bool
	ExternalIPs  bool
	Published    string       // what else makes it known outside, such as "tailscale.com/expose"; "" where nothing does
	negPorts     map[int]bool // with negAnnotation as Published: the ports that it is about
	Addresses    []string     // that are its own: clusterIPs, externalIPs, loadBalancerIP
	ExternalName string
	Selector     map[string]string
	Annotations  map[string]string
	Ports        []*ServicePort
}

// ServicePort is one port of a Service.
type ServicePort struct {
	Name     string
	Number   int
	Protocol string
	Target   Port // the container port
	Field    manifest.Path
}

func readService(o *manifest.Object) (*Service, error) {
	svc := &Service{
		Object: o, Type: manifest.String(o.Node, "spec", "type"),
		Headless:     manifest.String(o.Node, "spec", "clusterIP") == "None",
		ExternalIPs:  len(manifest.Items(o.Node, "spec", "externalIPs")) > 0,
		ExternalName: manifest.String(o.Node, "spec", "externalName"),
		Selector:     manifest.Map(o.Node, "spec", "selector"),
		Annotations:  manifest.Map(o.Node, "metadata", "annotations"),
	}
	if svc.Type == "" {
		svc.Type = "ClusterIP"
	}
	for _, key := range publishing {
		if svc.Annotations[key] == "true" {
			svc.Published = key
		}
	}
	if svc.negPorts = negPorts(svc.Annotations[negAnnotation]); svc.negPorts != nil && svc.Published == "" {
		svc.Published = negAnnotation
	}
	svc.Addresses = append(svc.Addresses, manifest.String(o.Node, "spec", "clusterIP"), manifest.String(o.Node, "spec", "loadBalancerIP"))
	for _, key := range []string{"clusterIPs", "externalIPs"} {
		for _, ip := range manifest.Items(o.Node, "spec", key) {
			svc.Addresses = append(svc.Addresses, ip.Value)
		}
	}
	if key := oddKey(manifest.Field(o.Node, "spec", "selector")); key != "" {
		return nil, fmt.Errorf("%s: %s: not every reader of YAML takes this key for text; put it in quotes", o.Ref, manifest.P("spec", "selector", key))
	}
	for i, item := range manifest.Items(o.Node, "spec", "ports") {
		field := manifest.P("spec", "ports", i)
		number, ok := manifest.Int(item, "port")
		if !ok || number < 1 || number > 65535 {
			return nil, fmt.Errorf("%s: %s: %q is not a port number", o.Ref, field.With("port"), manifest.String(item, "port"))
		}
		p := &ServicePort{Name: manifest.String(item, "name"), Number: number, Protocol: manifest.String(item, "protocol"), Field: field}
		p.Target = Port{Number: number} // the API's default
		if target := scalar(item, "targetPort"); target != (Port{}) {
			p.Target = target
		}
		if p.Target.Odd {
			return nil, fmt.Errorf("%s: %s: %q %s; %s", o.Ref, field.With("targetPort"), p.Target.Name, oddPort, oddHint)
		}
		svc.Ports = append(svc.Ports, p)
	}
	if len(svc.Ports) == 0 && !svc.Headless && svc.Type != "ExternalName" {
		return nil, fmt.Errorf("%s: spec.ports: none; is the input cut off?", o.Ref)
	}
	return svc, nil
}

// publishing are the annotations that make all ports of a Service of any type known outside: in a tailnet
// (tailscale.com/kb/1439/kubernetes-operator-cluster-ingress), or in other clusters
// (docs.cilium.io/en/stable/network/clustermesh/services).
var publishing = []string{"tailscale.com/expose", "service.cilium.io/global", "io.cilium/global-service"}

// negAnnotation makes GKE keep network endpoint groups of the pods behind some ports of a Service, for load balancers that
// somebody made outside of Kubernetes (cloud.google.com/kubernetes-engine/docs/how-to/standalone-neg).
const negAnnotation = "cloud.google.com/neg"

// negPorts returns the ports that an annotation exposes so, nil where none; it is JSON: {"exposed_ports": {"80": {}}}.
func negPorts(text string) map[int]bool {
	var neg struct {
		Exposed map[string]any `json:"exposed_ports"`
	}
	if json.Unmarshal([]byte(text), &neg) != nil || len(neg.Exposed) == 0 {
		return nil
	}
	ports := map[int]bool{}
	for port := range neg.Exposed {
		n, _ := strconv.Atoi(port)
		ports[n] = true
	}
	return ports
}

// publishes says whether a port of an exposed Service is open to the outside.
func (s *Service) publishes(p *ServicePort) bool {
	return s.Exposed() != negAnnotation || s.negPorts[p.Number]
}

// Exposed says how the Service is itself a way in: "LoadBalancer", "NodePort", "externalIPs", what it is Published
// by, or "" where it is none. To externalIPs of a headless one neither kube-proxy nor Cilium gives any answer
// (k8s.io/kubernetes v1.36:pkg/proxy/util/utils.go ShouldSkipService, cilium/cilium:pkg/loadbalancer/reflectors/conversions.go
// convertService), and a headless LoadBalancer or NodePort the API server refuses (pkg/apis/core/validation ValidateService).
func (s *Service) Exposed() string {
	switch {
	case s.Type == "ExternalName":
		return ""
	case s.Headless:
		return s.Published
	case s.Type == "LoadBalancer" || s.Type == "NodePort":
		return s.Type
	case s.ExternalIPs:
		return "externalIPs"
	case s.Published != "":
		return s.Published
	default:
		return ""
	}
}

// portsOf returns the ports that a backend means: one, but several where a number means a target that several share.
// A backend that names none means the only one.
func (s *Service) portsOf(b *Backend, workloads []Hit) []*ServicePort {
	var fits []*ServicePort
	if b.Protocol == byFirstPort && len(s.Ports) > 0 {
		return s.Ports[:1]
	}
	for _, p := range s.Ports {
		switch {
		case b.Port == (Port{}):
			fits = append(fits, p)
		case b.Port.Name == "" && orDefault(p.Protocol, "TCP") != "TCP" && (b.ByTarget || s.twin(p)):
			// One number for TCP and for another protocol: routes use TCP. OpenShift's router sees no other.
		case b.Port.Name != "" && p.Name == b.Port.Name, b.Port.Name == "" && !b.ByTarget && p.Number == b.Port.Number:
			return []*ServicePort{p}
		case b.Port.Name == "" && b.ByTarget && p.endsAt(b.Port.Number, workloads):
			fits = append(fits, p)
		}
	}
	if len(fits) > 1 && b.Port == (Port{}) {
		return nil
	}
	return fits
}

// twin says whether another port of the Service has p's number, for TCP.
func (s *Service) twin(p *ServicePort) bool {
	for _, other := range s.Ports {
		if other != p && other.Number == p.Number && orDefault(other.Protocol, "TCP") == "TCP" {
			return true
		}
	}
	return false
}

// endsAt says whether the port leads to a container port of that number.
func (p *ServicePort) endsAt(number int, workloads []Hit) bool {
	if p.Target.Name == "" {
		return p.Target.Number == number
	}
	for _, hit := range workloads {
		if n, _ := p.TargetOf(hit.Workload); n == number {
			return true
		}
	}
	return false
}

func (s *Service) portList() string {
	var list []string
	for _, p := range s.Ports {
		text := strconv.Itoa(p.Number)
		if p.Name != "" {
			text += " (" + p.Name + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}
