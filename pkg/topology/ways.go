package topology

import (
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Way is one way from outside to one port of one workload; Problem says why one cannot be followed, or not be moved.
type Way struct {
	Route       *Route       // nil where the Service or the workload itself is the way in
	Backend     *Backend     // the route's backend
	Service     *Service     // nil where the workload itself is the way in, or the Service is not in the stream
	ServicePort *ServicePort // the port of Service that is used
	Workload    *Workload    // nil where a Problem hides it
	Namespace   string       // with a Problem: where it may lead to
	Port        int          // the container port, 0 where its number cannot be known
	PortName    string       // the container port's name, "" where it has none
	Maybe       bool         // the Service selects labels that the workload's pods do not have yet
	Ends        int          // with a Problem: the container port that it leads to all the same, 0 where that cannot be known
	Problem     string       // why the way cannot be followed, "" where it can
	Hint        string       // what to do about Problem
	Nowhere     string       // why the way leads to no workload of this stream, "" where it may lead to one
}

// Object is what opens the way: the route, the Service, or the workload.
func (w *Way) Object() *manifest.Object {
	switch {
	case w.Route != nil:
		return w.Route.Object
	case w.Service != nil:
		return w.Service.Object
	default:
		return w.Workload.Object
	}
}

// Ref names the object that opens the way.
func (w *Way) Ref() manifest.Ref { return w.Object().Ref }

// Field is the path of the field that opens the way, below the object of Ref.
func (w *Way) Field() manifest.Path {
	switch {
	case w.Backend != nil:
		return w.Backend.Field
	case w.ServicePort != nil:
		return w.ServicePort.Field
	case w.Service != nil:
		return manifest.P("spec", "selector")
	default:
		return w.Workload.hostField(w.Port)
	}
}

// Annotations are those of the object of Ref, where a route or a Service opens the way.
func (w *Way) Annotations() map[string]string {
	switch {
	case w.Route != nil:
		return w.Route.Annotations
	case w.Service != nil:
		return w.Service.Annotations
	default:
		return nil
	}
}

// OptedOut says whether the object that opens the way carries the annotation that leaves it out.
func (w *Way) OptedOut() bool {
	return w.Annotations()[gateconf.AnnotationGate] == gateconf.GateDisabled
}

// PortText is the container port for people: its number, and its name where it has one.
func (w *Way) PortText() string { return PortText(w.Port, w.PortName) }

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
		if len(svc.Selector) == 0 {
			m.followEndpoints(Way{
				Service: svc, Namespace: svc.Object.Namespace,
				Problem: "open to the outside (" + svc.Exposed() + ") and has no selector, so what it leads to cannot be known",
				Hint:    "give the Service a selector, or set " + optOut + " on it to leave it as it is",
			}, svc, 0)
			continue
		}
		for _, p := range svc.Ports {
			if svc.publishes(p) {
				m.Ways = append(m.Ways, m.through(svc, p, Way{})...)
				m.beside(Way{Namespace: svc.Object.Namespace}, svc, p)
			}
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
	way := Way{Route: r, Backend: b, Namespace: b.Namespace}
	problem := func(text, hint string) {
		way.Problem, way.Hint = text, hint
		m.Ways = append(m.Ways, &way)
	}
	if b.Problem != "" {
		problem(b.Problem, b.Hint)
		return
	}
	if b.Port.Odd {
		problem("port "+quote(b.Port.Name)+" "+oddPort, oddHint)
		return
	}
	if b.DNS != "" && m.followEntry(way) {
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
		m.followName(way)
		return
	}
	ports := svc.portsOf(b, m.Selected(svc))
	if len(ports) == 0 {
		problem("Service "+quote(b.Service)+" has no port "+b.portText(), "use one of "+svc.portList())
		return
	}
	way.ServicePort = ports[0]
	if len(svc.Selector) == 0 {
		way.Problem = "Service " + quote(b.Service) + " has no selector, so what it leads to cannot be known"
		way.Hint = "give the Service a selector, or set " + optOut + " on the route to leave it as it is"
		m.followEndpoints(way, svc, 0)
		return
	}
	for _, port := range ports {
		m.Ways = append(m.Ways, m.through(svc, port, way)...)
		m.beside(way, svc, port)
	}
}

const optOut = `the annotation kauth.dev/gate: disabled`

// through returns a way for each workload that the Service's port leads to, now or at run time, or one that says that
// there is none.
func (m *Model) through(svc *Service, port *ServicePort, way Way) []*Way {
	way.Service, way.ServicePort = svc, port
	var ways []*Way
	for _, hits := range [][]Hit{m.Selected(svc), m.maySelect(svc)} {
		for _, hit := range hits {
			w := way
			w.Workload, w.Maybe = hit.Workload, hit.Maybe
			w.Port, w.PortName = port.TargetOf(hit.Workload)
			ways = append(ways, &w)
		}
	}
	if len(ways) == 0 {
		way.Namespace, way.Nowhere = svc.Object.Namespace, m.whyNone(svc)
		ways = append(ways, &way)
	}
	return ways
}

// whyNone says why a Service selects no workload.
func (m *Model) whyNone(svc *Service) string {
	for _, w := range m.hooks {
		if result, _, _ := w.matches(svc.Selector); result == matchYes && SameNamespace(w.Object.Namespace, svc.Object.Namespace) {
			return "Service " + quote(svc.Object.Name) + " selects " + w.Object.Short() + " alone, a Helm hook that does not last"
		}
	}
	return "Service " + quote(svc.Object.Name) + " selects no workload of this stream"
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

// MayBeIn says whether a namespace may be one of some, as far as both are known.
func MayBeIn(spaces map[string]bool, namespace string) bool {
	return len(spaces) > 0 && (namespace == "" || spaces[namespace] || spaces[""])
}

func quote(s string) string { return `"` + s + `"` }

// operated are the Services that prometheus-operator makes itself (PO:pkg/prometheus/common.go
// BuildStatefulSetService, and its likes for the other resources).
var operated = map[string]bool{
	"prometheus-operated": true, "prometheus-agent-operated": true, "alertmanager-operated": true, "thanos-ruler-operated": true,
}
