// Package balancer owns what is told to whoever stands before a gate, be it a load balancer or an ingress controller: where
// to ask for the health of the application, and which protocol to speak.
package balancer

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Keys of the AWS load balancer controller that may stand on the Service as well as on the Ingress, where the Service
// wins key by key (LBC:docs/guide/ingress/annotations.md).
const (
	albHealthPath     = topology.ALBPrefix + "healthcheck-path"
	albHealthPort     = topology.ALBPrefix + "healthcheck-port"
	albHealthProtocol = topology.ALBPrefix + "healthcheck-protocol"
	albSuccessCodes   = topology.ALBPrefix + "success-codes"
	albProtocol       = topology.ALBPrefix + "backend-protocol"
	albVersion        = topology.ALBPrefix + "backend-protocol-version"
)

// Fit makes load balancers ask the gates for the applications' health, and speak the gates' protocol to them.
func Fit(d *plan.Draft) {
	f := &fitting{Draft: d, annotated: map[annotation]bool{}, grouped: map[*topology.Service]bool{}, gkeAsked: map[*topology.Service]bool{}}
	f.serviceHealth()
	for _, route := range f.Model.Routes {
		moved := f.Rerouted(route)
		if len(moved) == 0 {
			continue
		}
		services, all := f.servicesOf(route), len(moved) == len(route.Backends)
		switch kind := route.Object.Kind; {
		case route.ALB:
			f.albHealth(route, services, all)
		case kind == "Ingress" && isAppGateway(route):
			f.azureHealth(route, all)
		case kind == "Ingress":
			f.gkeHealth(route)
		case strings.HasPrefix(route.Object.Group, "gateway."):
			f.gatewayHealth(route, services)
		}
		f.speak(route, services)
	}
	f.gkeUnused()
}

// fitting is a Draft, and what was seen to already.
type fitting struct {
	*plan.Draft
	annotated map[annotation]bool        // annotations that are planned
	grouped   map[*topology.Service]bool // Services that get a TargetGroupConfiguration
	gkeAsked  map[*topology.Service]bool // Services whose HealthCheckPolicy is seen to
}

// annotation is one of an object, by its key.
type annotation struct {
	object *manifest.Object
	key    string
}

// servicesOf returns the Services through which a route leads to gates, in the order of its backends.
func (f *fitting) servicesOf(route *topology.Route) []*topology.Service {
	var all []*topology.Service
	for _, way := range f.Model.WaysOf(route) {
		if f.Rerouted(route)[way.Backend] && !slices.Contains(all, way.Service) {
			all = append(all, way.Service)
		}
	}
	return all
}

// albHealth sets the health annotations of an ALB Ingress. They stand on the Ingress where all its backends are gates,
// which all want the same, else on each Service, for on the Ingress they would reach the other backends as well.
func (f *fitting) albHealth(route *topology.Route, services []*topology.Service, all bool) {
	for _, svc := range services {
		first, g := f.Behind(services[0]), f.Behind(svc)
		all = all && g.TLS() == first.TLS() && g.Config.HealthPath == first.Config.HealthPath
	}
	for _, svc := range services {
		g := f.Behind(svc)
		onIngress := func(key string) bool { _, on := svc.Annotations[key]; return all && !on }
		set := func(key, value string) {
			if onIngress(key) {
				f.annotate(route.Object, route.Annotations, key, value)
			} else {
				f.annotate(svc.Object, svc.Annotations, key, value)
			}
		}
		effective := func(key string) string {
			if value, on := svc.Annotations[key]; on {
				return value
			}
			return route.Annotations[key]
		}
		set(albHealthPath, g.Config.HealthPath)
		protocol := "HTTP"
		if g.TLS() { // which is not what a load balancer speaks when nothing is said
			protocol = "HTTPS"
		}
		for _, rule := range []struct{ key, want, unsaid string }{
			{albHealthPort, "traffic-port", "traffic-port"}, {albHealthProtocol, protocol, "HTTP"}, {albProtocol, protocol, "HTTP"}, {albVersion, "HTTP1", "HTTP1"},
		} {
			if !strings.EqualFold(cmp.Or(effective(rule.key), rule.unsaid), rule.want) {
				set(rule.key, rule.want)
			}
		}
		if codes := effective(albSuccessCodes); codes != "" {
			holder := route.Object
			if _, on := svc.Annotations[albSuccessCodes]; on {
				holder = svc.Object
			}
			f.codes(holder, manifest.P("metadata", "annotations", albSuccessCodes), codes, func() { set(albSuccessCodes, "200") })
		}
	}
}

// annotate plans an annotation, once, and reports a value that it replaces.
func (f *fitting) annotate(o *manifest.Object, have map[string]string, key, value string) {
	old, exists := have[key]
	if exists && old == value {
		return
	}
	if f.annotated[annotation{o, key}] {
		return
	}
	f.annotated[annotation{o, key}] = true
	f.Annotations = append(f.Annotations, &plan.Annotation{Object: o, Key: key, Value: value})
	if exists {
		f.Find(finding.Info, o, manifest.P("metadata", "annotations", key), "", "was %q, is now %q, so that the load balancer asks the gate", old, value)
	}
}

// acceptsCode says whether a list of codes and ranges, such as "200,300-399", holds a code.
func acceptsCode(codes string, code int) bool {
	for item := range strings.SplitSeq(codes, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(item), "-")
		if !isRange {
			high = low
		}
		from, err1 := strconv.Atoi(strings.TrimSpace(low))
		to, err2 := strconv.Atoi(strings.TrimSpace(high))
		if err1 == nil && err2 == nil && from <= code && code <= to {
			return true
		}
	}
	return false
}
