package topology

import (
	"strings"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Gateway is a Gateway of the Gateway API.
type Gateway struct {
	Class      string
	Parameters string // API group of the object with its parameters, "" where there is none
}

func readGateway(o *manifest.Object) *Gateway {
	return &Gateway{
		Class:      manifest.String(o.Node, "spec", "gatewayClassName"),
		Parameters: manifest.String(o.Node, "spec", "infrastructure", "parametersRef", "group"),
	}
}

// awsGroup is the API group of what the AWS load balancer controller adds to the Gateway API, and the start of the names
// of its GatewayClasses' controllers (LBC:docs/guide/gateway/gateway.md).
const awsGroup = "gateway.k8s.aws"

// isAWS says whether a route hangs on a Gateway of the AWS load balancer controller, as far as the stream tells.
func (m *Model) isAWS(r *Route) bool {
	return m.below(r, func(g *Gateway) bool {
		return g.Parameters == awsGroup || strings.HasPrefix(m.gwClasses[g.Class], awsGroup+"/")
	})
}

// isGKE says whether a route hangs on a Gateway of GKE, as far as the stream tells: by the name of its class, which GKE
// installs itself, or by the class's controller. Gateways for several clusters, whose classes end in -mc, lead to
// ServiceImports (cloud.google.com/kubernetes-engine/docs/concepts/gateway-api).
func (m *Model) isGKE(r *Route) bool {
	return m.below(r, func(g *Gateway) bool {
		return !strings.HasSuffix(g.Class, "-mc") && (strings.HasPrefix(g.Class, "gke-l7-") || m.gwClasses[g.Class] == "networking.gke.io/gateway")
	})
}

// below says whether a route hangs on a Gateway of the stream that is of some kind.
func (m *Model) below(r *Route, is func(*Gateway) bool) bool {
	for _, p := range r.Parents {
		g := m.gateways[p.Namespace+"/"+p.Name]
		if g == nil && p.Namespace != "" {
			g = m.gateways["/"+p.Name]
		}
		if g != nil && is(g) {
			return true
		}
	}
	return false
}

func (m *Model) addHealthCheck(o *manifest.Object) {
	ref := manifest.Field(o.Node, "spec", "targetRef")
	if manifest.String(ref, "kind") == "Service" {
		name := manifest.String(ref, "name")
		m.checks[name] = append(m.checks[name], o)
	}
}

// HealthChecksOf returns the HealthCheckPolicies of a Service. GKE takes the oldest.
func (m *Model) HealthChecksOf(svc *Service) []*manifest.Object {
	return Beside(m.checks[svc.Object.Name], svc.Object.Namespace)
}

// Beside returns the objects of a namespace; where none says that it is of this one, those that may be.
func Beside(objects []*manifest.Object, namespace string) []*manifest.Object {
	var exact, maybe []*manifest.Object
	for _, o := range objects {
		switch {
		case o.Namespace == namespace:
			exact = append(exact, o)
		case SameNamespace(o.Namespace, namespace):
			maybe = append(maybe, o)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return maybe
}

// TargetGroup is a TargetGroupConfiguration: what an AWS load balancer behind a Gateway is told of one Service.
type TargetGroup struct {
	Object  *manifest.Object
	Service string
	Routes  []*TargetProps
}

// TargetProps are the settings for all routes, or for one.
type TargetProps struct {
	Field manifest.Path
	Kind  string // of the route that they are for; "" for any
	Space string // its namespace; "" for any
	Name  string // its name; "" for any
}

func readTargetGroup(o *manifest.Object) *TargetGroup {
	ref := manifest.Field(o.Node, "spec", "targetReference")
	t := &TargetGroup{Object: o}
	if kind := manifest.String(ref, "kind"); kind == "" || kind == "Service" {
		t.Service = manifest.String(ref, "name")
	}
	for i, item := range manifest.Items(o.Node, "spec", "routeConfigurations") {
		id := manifest.Field(item, "routeIdentifier")
		t.Routes = append(t.Routes, &TargetProps{
			Field: manifest.P("spec", "routeConfigurations", i, "targetGroupProps"),
			Kind:  manifest.String(id, "kind"), Space: manifest.String(id, "namespace"), Name: manifest.String(id, "name"),
		})
	}
	return t
}

// TargetGroupsOf returns the TargetGroupConfigurations of a Service. The controller takes the first that it finds.
func (m *Model) TargetGroupsOf(svc *Service) []*TargetGroup {
	var all []*TargetGroup
	for _, t := range m.targets[svc.Object.Name] {
		if SameNamespace(t.Object.Namespace, svc.Object.Namespace) {
			all = append(all, t)
		}
	}
	return all
}

// For says whether the settings may be used for a route.
func (p *TargetProps) For(r *Route) bool {
	o := r.Object
	return (p.Kind == "" || p.Kind == o.Kind) && (p.Space == "" || SameNamespace(p.Space, o.Namespace)) && (p.Name == "" || p.Name == o.Name)
}
