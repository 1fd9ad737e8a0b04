// Package topology owns the question of who reaches what: every way from outside the cluster to a container port, as
// the manifests of one stream say it. It only reads.
package topology

import (
	"errors"
	"strings"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Model is what one stream says.
type Model struct {
	Namespace string // the namespace of objects that name none, "" where unknown
	Workloads []*Workload
	Services  []*Service
	Routes    []*Route
	Ways      []*Way

	classes    map[string]string // IngressClass name to controller
	byName     map[string][]*Service
	inSpace    map[string][]*Workload // namespace to workloads, hooks left out
	selected   map[*Service][]Hit
	selectedBy map[*Workload][]*Service
	waysTo     map[*Workload][]*Way
	waysOf     map[*Route][]*Way
}

// WaysTo returns the ways that lead to a workload.
func (m *Model) WaysTo(w *Workload) []*Way { return m.waysTo[w] }

// WaysOf returns the ways that a route opens.
func (m *Model) WaysOf(r *Route) []*Way { return m.waysOf[r] }

// SelectedBy returns the Services that select a workload.
func (m *Model) SelectedBy(w *Workload) []*Service { return m.selectedBy[w] }

// Way is one way from outside to one port of one workload; or to nowhere, where Problem says why it cannot be followed.
type Way struct {
	Route       *Route       // nil where the Service or the workload itself is the way in
	Backend     *Backend     // the route's backend
	Service     *Service     // nil where the workload itself is the way in, or the Service is not in the stream
	ServicePort *ServicePort // the port of Service that is used
	Workload    *Workload    // nil with a Problem
	Port        int          // the container port, 0 where its number cannot be known
	PortName    string       // the container port's name, "" where it has none
	Maybe       bool         // the Service selects labels that the workload's pods do not have yet
	Problem     string       // why the way cannot be followed, "" where it can
	Hint        string       // what to do about Problem
}

// Ref is the object that opens the way: the route, the Service, or the workload.
func (w *Way) Ref() manifest.Ref {
	switch {
	case w.Route != nil:
		return w.Route.Object.Ref
	case w.Service != nil:
		return w.Service.Object.Ref
	default:
		return w.Workload.Object.Ref
	}
}

// Field is the path of the field that opens the way, below the object of Ref.
func (w *Way) Field() manifest.Path {
	switch {
	case w.Backend != nil:
		return w.Backend.Field
	case w.ServicePort != nil:
		return w.ServicePort.Field
	default:
		return w.Workload.hostField(w.Port)
	}
}

// Resolve reads the objects of a stream. An error names every object that cannot be understood.
func Resolve(s *manifest.Stream, namespace string) (*Model, error) {
	m := &Model{Namespace: namespace, classes: map[string]string{}}
	var errs []error
	for _, o := range s.Objects() {
		if o.Namespace == "" && namespace != "" && !clusterScoped[o.Kind] {
			o.Namespace = namespace
		}
		if err := m.add(o); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, r := range m.Routes {
		r.ALB = m.isALB(r)
	}
	m.index()
	m.follow()
	return m, nil
}

var clusterScoped = map[string]bool{"IngressClass": true, "GatewayClass": true, "IngressClassParams": true}

func (m *Model) add(o *manifest.Object) error {
	switch {
	case o.Kind == "Service" && o.Group == "":
		svc, err := readService(o)
		if err != nil {
			return err
		}
		m.Services = append(m.Services, svc)
		return nil
	case o.Kind == "IngressClass" && o.Group == "networking.k8s.io":
		m.classes[o.Name] = manifest.String(o.Node, "spec", "controller")
		return nil
	}
	if read, ok := routeKinds[o.Group+"/"+o.Kind]; ok {
		r := &Route{Object: o, Annotations: manifest.Map(o.Node, "metadata", "annotations")}
		if err := read(r); err != nil {
			return err
		}
		m.Routes = append(m.Routes, r)
		return nil
	}
	w, err := readWorkload(o)
	if err != nil {
		return err
	}
	if w != nil {
		m.Workloads = append(m.Workloads, w)
	}
	return nil
}

// index makes the look-ups that keep the work linear in the size of the stream.
func (m *Model) index() {
	m.byName, m.inSpace = map[string][]*Service{}, map[string][]*Workload{}
	for _, svc := range m.Services {
		m.byName[svc.Object.Name] = append(m.byName[svc.Object.Name], svc)
	}
	for _, w := range m.Workloads {
		if !w.Hook {
			m.inSpace[w.Object.Namespace] = append(m.inSpace[w.Object.Namespace], w)
		}
	}
	m.selected, m.selectedBy = map[*Service][]Hit{}, map[*Workload][]*Service{}
	for _, svc := range m.Services {
		m.selected[svc] = m.selects(svc)
		for _, hit := range m.selected[svc] {
			m.selectedBy[hit.Workload] = append(m.selectedBy[hit.Workload], svc)
		}
	}
}

// follow fills Ways.
func (m *Model) follow() {
	for _, r := range m.Routes {
		for _, b := range r.Backends {
			m.followBackend(r, b)
		}
	}
	for _, svc := range m.Services {
		if svc.Exposed() == "" {
			continue
		}
		for _, p := range svc.Ports {
			m.Ways = append(m.Ways, m.through(svc, p, Way{})...)
		}
	}
	for _, w := range m.Workloads {
		for _, p := range w.hostPorts() {
			m.Ways = append(m.Ways, &Way{Workload: w, Port: p.Number, PortName: p.Name})
		}
	}
	m.waysTo, m.waysOf = map[*Workload][]*Way{}, map[*Route][]*Way{}
	for _, way := range m.Ways {
		if way.Workload != nil {
			m.waysTo[way.Workload] = append(m.waysTo[way.Workload], way)
		}
		if way.Route != nil {
			m.waysOf[way.Route] = append(m.waysOf[way.Route], way)
		}
	}
}

func (m *Model) followBackend(r *Route, b *Backend) {
	way := Way{Route: r, Backend: b}
	problem := func(text, hint string) {
		way.Problem, way.Hint = text, hint
		m.Ways = append(m.Ways, &way)
	}
	if b.Problem != "" {
		problem(b.Problem, b.Hint)
		return
	}
	found := m.servicesNamed(b.Namespace, b.Service)
	switch {
	case len(found) == 0 && operated[b.Service]:
		problem("Service "+quote(b.Service)+" is made by the operator at run time, so it cannot be given the gate's port",
			"point the route at a Service of the chart that selects the same pods")
		return
	case len(found) == 0:
		problem("no Service "+quote(b.Service)+" in this stream, so what it leads to cannot be known",
			"add the Service to the stream, or set "+optOut+" on the route to leave it as it is")
		return
	case len(found) > 1:
		problem("more than one Service "+quote(b.Service)+" in this stream", "use --namespace, or give each Service its namespace")
		return
	}
	svc := found[0]
	way.Service = svc
	if svc.Type == "ExternalName" {
		if inCluster(svc.ExternalName) {
			problem("Service "+quote(b.Service)+" is an ExternalName for "+quote(svc.ExternalName)+", which leads back into the cluster",
				"let the route name the Service that is meant")
		}
		return // what leaves the cluster leads to no workload of this stream
	}
	port := svc.port(b)
	if port == nil {
		problem("Service "+quote(b.Service)+" has no port "+b.portText(), "use one of "+svc.portList())
		return
	}
	way.ServicePort = port
	if len(svc.Selector) == 0 {
		problem("Service "+quote(b.Service)+" has no selector, so what it leads to cannot be known",
			"give the Service a selector, or set "+optOut+" on the route to leave it as it is")
		return
	}
	m.Ways = append(m.Ways, m.through(svc, port, way)...)
}

const optOut = `the annotation kauth.dev/gate: disabled`

// through returns a way for each workload that the Service's port leads to.
func (m *Model) through(svc *Service, port *ServicePort, way Way) []*Way {
	way.Service, way.ServicePort = svc, port
	var ways []*Way
	for _, hit := range m.Selected(svc) {
		w := way
		w.Workload, w.Maybe = hit.Workload, hit.Maybe
		w.Port, w.PortName = hit.Workload.resolvePort(port.Target)
		ways = append(ways, &w)
	}
	return ways
}

func (m *Model) servicesNamed(namespace, name string) []*Service {
	var exact, maybe []*Service
	for _, svc := range m.byName[name] {
		switch {
		case svc.Object.Namespace == namespace:
			exact = append(exact, svc)
		case SameNamespace(svc.Object.Namespace, namespace):
			maybe = append(maybe, svc)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return maybe
}

// SameNamespace says whether two objects may live in one namespace: the names are equal, or one is not known because
// the object leaves it to the release.
func SameNamespace(a, b string) bool { return a == b || a == "" || b == "" }

func inCluster(host string) bool {
	host = strings.TrimSuffix(host, ".")
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".svc") || strings.Contains(host, ".svc.") || strings.HasSuffix(host, ".cluster.local")
}

func quote(s string) string { return `"` + s + `"` }

// operated are the Services that prometheus-operator makes itself (PO:pkg/prometheus/common.go
// BuildStatefulSetService, and its likes for the other resources).
var operated = map[string]bool{
	"prometheus-operated": true, "prometheus-agent-operated": true, "alertmanager-operated": true, "thanos-ruler-operated": true,
}
