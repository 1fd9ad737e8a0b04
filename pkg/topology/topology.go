// Package topology owns the question of who reaches what: every way from outside the cluster to a container port, as
// the manifests of one stream say it. It only reads.
package topology

import (
	"errors"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Model is what one stream says.
type Model struct {
	Namespace string // the namespace of objects that name none, "" where unknown
	Workloads []*Workload
	Services  []*Service
	Routes    []*Route
	Policies  []*Policy
	Ways      []*Way

	classes    map[string]string // IngressClass name to controller
	byName     map[string][]*Service
	inSpace    map[string][]*Workload    // namespace to workloads, hooks left out
	byLabel    map[[2]string]*labelIndex // by namespace and key
	selected   map[*Service][]Hit
	later      map[*Service][]Hit // what a Service may select at run time beside what it selects by the manifests
	endpoints  map[string][]*endpoints
	byAddress  map[string][]*Workload        // pods
	targets    map[string][]*TargetGroup     // by Service
	checks     map[string][]*manifest.Object // HealthCheckPolicies of GKE, by Service
	hooks      []*Workload
	entries    []*meshEntry
	exports    []*manifest.Object  // ServiceExports: the Service of the same name is known to other clusters
	gateways   map[string]*Gateway // by namespace/name
	gwClasses  map[string]string   // GatewayClass name to controller
	preset     string              // the IngressClass of Ingresses that name none, "" where unknown
	selectedBy map[*Workload][]*Service
	waysTo     map[*Workload][]*Way
	waysOf     map[*Route][]*Way
	detours    map[string][]*Detour // by the TraefikService's name
	traefiks   map[string][]*Route  // Middlewares by what Traefik calls them
	pieces     []*Route             // Ingresses with pieces of nginx's configuration for all paths of a host
}

// WaysTo returns the ways that lead to a workload.
func (m *Model) WaysTo(w *Workload) []*Way { return m.waysTo[w] }

// WaysOf returns the ways that a route opens.
func (m *Model) WaysOf(r *Route) []*Way { return m.waysOf[r] }

// SelectedBy returns the Services that select a workload.
func (m *Model) SelectedBy(w *Workload) []*Service { return m.selectedBy[w] }

// Resolve reads the objects of a stream. An error names every object that cannot be understood.
func Resolve(s *manifest.Stream, namespace string) (*Model, error) {
	m := &Model{
		Namespace: namespace, classes: map[string]string{}, endpoints: map[string][]*endpoints{},
		targets: map[string][]*TargetGroup{}, checks: map[string][]*manifest.Object{}, gateways: map[string]*Gateway{}, gwClasses: map[string]string{},
	}
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
		r.ALB, r.AWS, r.GKE = m.isALB(r), m.isAWS(r), m.isGKE(r)
		m.findController(r)
		if r.Object.Kind == "Ingress" && r.hasPiece() {
			m.pieces = append(m.pieces, r)
		}
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
	case o.Kind == "NetworkPolicy" && o.Group == "networking.k8s.io":
		if policy := readPolicy(o); policy != nil {
			m.Policies = append(m.Policies, policy)
		}
		return nil
	}
	if m.addAside(o) {
		return nil
	}
	if read, ok := routeKinds[o.Group+"/"+o.Kind]; ok {
		r := &Route{Object: o, Annotations: manifest.Map(o.Node, "metadata", "annotations")}
		if err := read(r); err != nil {
			return err
		}
		if o.Kind != "ConfigMap" || len(r.Backends) > 0 {
			m.Routes = append(m.Routes, r)
		}
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

// addAside takes in what is no way itself, but says where others lead, and says whether o is such an object.
func (m *Model) addAside(o *manifest.Object) bool {
	switch o.Group + "/" + o.Kind {
	case "networking.k8s.io/IngressClass", "extensions/IngressClass":
		m.classes[o.Name] = manifest.String(o.Node, "spec", "controller")
		if manifest.Map(o.Node, "metadata", "annotations")["ingressclass.kubernetes.io/is-default-class"] == "true" {
			m.preset = o.Name
		}
	case "/Endpoints", "discovery.k8s.io/EndpointSlice":
		m.addEndpoints(o)
	case "networking.istio.io/ServiceEntry":
		m.entries = append(m.entries, readServiceEntry(o))
	case "gateway.networking.k8s.io/GatewayClass":
		m.gwClasses[o.Name] = manifest.String(o.Node, "spec", "controllerName")
	case "gateway.networking.k8s.io/Gateway":
		m.gateways[o.Namespace+"/"+o.Name] = readGateway(o)
	case "gateway.k8s.aws/TargetGroupConfiguration":
		t := readTargetGroup(o)
		m.targets[t.Service] = append(m.targets[t.Service], t)
	case "networking.gke.io/HealthCheckPolicy":
		m.addHealthCheck(o)
	case "multicluster.x-k8s.io/ServiceExport", "net.gke.io/ServiceExport":
		m.exports = append(m.exports, o)
	default:
		return false
	}
	return true
}

// index makes the look-ups that keep the work linear in the size of the stream.
func (m *Model) index() {
	m.byName, m.inSpace = map[string][]*Service{}, map[string][]*Workload{}
	for _, svc := range m.Services {
		m.byName[svc.Object.Name] = append(m.byName[svc.Object.Name], svc)
	}
	m.detours, m.traefiks = map[string][]*Detour{}, map[string][]*Route{}
	for _, r := range m.Routes {
		if r.Object.Kind == "Middleware" {
			id := TraefikID(r.Object.Namespace, r.Object.Name)
			m.traefiks[id] = append(m.traefiks[id], r)
		}
		for _, d := range r.Detours {
			m.detours[d.Name] = append(m.detours[d.Name], d)
		}
	}
	m.byLabel, m.byAddress = map[[2]string]*labelIndex{}, map[string][]*Workload{}
	for i, w := range m.Workloads {
		w.place = i
		for _, address := range w.addresses {
			m.byAddress[address] = append(m.byAddress[address], w)
		}
		if w.Hook {
			m.hooks = append(m.hooks, w)
		} else {
			m.inSpace[w.Object.Namespace] = append(m.inSpace[w.Object.Namespace], w)
		}
	}
	for _, export := range m.exports {
		for _, svc := range m.servicesNamed(export.Namespace, export.Name) {
			svc.Published = orDefault(svc.Published, "ServiceExport")
		}
	}
	m.selected, m.later, m.selectedBy = map[*Service][]Hit{}, map[*Service][]Hit{}, map[*Workload][]*Service{}
	for _, svc := range m.Services {
		m.selected[svc], m.later[svc] = m.choose(svc.Object.Namespace, svc.Selector)
		for _, hit := range m.selected[svc] {
			m.selectedBy[hit.Workload] = append(m.selectedBy[hit.Workload], svc)
		}
	}
}
