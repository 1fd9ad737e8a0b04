package topology

import (
	"fmt"
	"slices"
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

// Exposed says how the Service is itself a way in: "LoadBalancer", "NodePort", "externalIPs", or "" where it is none.
func (s *Service) Exposed() string {
	switch {
	case s.Type == "LoadBalancer" || s.Type == "NodePort":
		return s.Type
	case s.ExternalIPs:
		return "externalIPs"
	default:
		return ""
	}
}

// portsOf returns the ports that a backend means: one, but several where a number means a target that several share.
// A backend that names none means the only one.
func (s *Service) portsOf(b *Backend, workloads []Hit) []*ServicePort {
	var fits []*ServicePort
	for _, p := range s.Ports {
		switch {
		case b.Port == (Port{}):
			fits = append(fits, p)
		case b.Port.Name == "" && orDefault(p.Protocol, "TCP") != "TCP" && s.twin(p):
			// One number for TCP and for another protocol: routes use TCP.
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

// Hit is a workload that a Service selects.
type Hit struct {
	Workload *Workload
	Maybe    bool // not yet: the selector asks for labels that the manifests do not give, such as a leader's
}

// Selected returns the workloads whose pods a Service selects. Pods of Helm hooks and tests do not count: they are
// not there while the release serves. Where no workload matches in full, those that share a label with the selector
// and contradict none of it may match at run time, and count.
func (m *Model) Selected(svc *Service) []Hit { return m.selected[svc] }

func (m *Model) selects(svc *Service) []Hit {
	if len(svc.Selector) == 0 {
		return nil
	}
	var hits, maybes []Hit
	for _, w := range m.neighbours(svc.Object.Namespace) {
		switch w.matches(svc.Selector) {
		case matchYes:
			hits = append(hits, Hit{Workload: w})
		case matchMaybe:
			maybes = append(maybes, Hit{Workload: w, Maybe: true})
		case matchNo:
		}
	}
	if len(hits) > 0 {
		return hits
	}
	return maybes
}

// neighbours returns the workloads that may live in a namespace, in document order within each.
func (m *Model) neighbours(namespace string) []*Workload {
	if namespace == "" {
		var all []*Workload
		for _, w := range m.Workloads {
			if !w.Hook {
				all = append(all, w)
			}
		}
		return all
	}
	return append(slices.Clip(m.inSpace[namespace]), m.inSpace[""]...)
}

type match int

const (
	matchNo match = iota
	matchMaybe
	matchYes
)

const (
	podNameLabel  = "statefulset.kubernetes.io/pod-name"
	podIndexLabel = "apps.kubernetes.io/pod-index"
	shardLabel    = "operator.prometheus.io/shard"
)

func (w *Workload) matches(selector map[string]string) match {
	result, shared := matchYes, 0
	for key, value := range selector {
		has, known := w.Labels[key]
		switch {
		case known && has == value:
			shared++
		case known:
			return matchNo
		case key == podNameLabel && w.podName != nil:
			if !w.podName(value) {
				return matchNo
			}
			shared++
		case key == podIndexLabel && w.podName != nil, key == shardLabel && w.sharded:
			shared++
		default:
			result = matchMaybe
		}
	}
	if result == matchMaybe && shared == 0 {
		return matchNo
	}
	return result
}
