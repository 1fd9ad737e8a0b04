package planner

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

// health makes load balancers ask the gate for the application's health, and speak the gate's protocol to it.
func (p *planner) health() {
	p.serviceHealth()
	for _, route := range p.Model.Routes {
		moved := p.Rerouted(route)
		if len(moved) == 0 {
			continue
		}
		services, all := p.servicesOf(route), len(moved) == len(route.Backends)
		switch kind := route.Object.Kind; {
		case route.ALB:
			p.albHealth(route, services, all)
		case kind == "Ingress" && isAppGateway(route):
			p.azureHealth(route, all)
		case kind == "Ingress":
			p.gkeHealth(route)
		case strings.HasPrefix(route.Object.Group, "gateway."):
			p.gatewayHealth(route, services)
		}
		p.speak(route, services)
	}
	p.gkeUnused()
}

// servicesOf returns the Services through which a route leads to gates, in the order of its backends.
func (p *planner) servicesOf(route *topology.Route) []*topology.Service {
	var all []*topology.Service
	for _, way := range p.Model.WaysOf(route) {
		if p.Rerouted(route)[way.Backend] && !slices.Contains(all, way.Service) {
			all = append(all, way.Service)
		}
	}
	return all
}

// albHealth sets the health annotations of an ALB Ingress. They stand on the Ingress where all its backends are gates,
// which all want the same, else on each Service, for on the Ingress they would reach the other backends as well.
func (p *planner) albHealth(route *topology.Route, services []*topology.Service, all bool) {
	for _, svc := range services {
		first, g := p.Behind(services[0]), p.Behind(svc)
		all = all && g.TLS() == first.TLS() && g.Config.HealthPath == first.Config.HealthPath
	}
	for _, svc := range services {
		g := p.Behind(svc)
		onIngress := func(key string) bool { _, on := svc.Annotations[key]; return all && !on }
		set := func(key, value string) {
			if onIngress(key) {
				p.annotate(route.Object, route.Annotations, key, value)
			} else {
				p.annotate(svc.Object, svc.Annotations, key, value)
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
			p.codes(holder, manifest.P("metadata", "annotations", albSuccessCodes), codes, func() { set(albSuccessCodes, "200") })
		}
	}
}

// annotate plans an annotation, once, and reports a value that it replaces.
func (p *planner) annotate(o *manifest.Object, have map[string]string, key, value string) {
	old, exists := have[key]
	if exists && old == value {
		return
	}
	if p.annotated[annotationKey{o, key}] {
		return
	}
	p.annotated[annotationKey{o, key}] = true
	p.Annotations = append(p.Annotations, &plan.Annotation{Object: o, Key: key, Value: value})
	if exists {
		p.Find(finding.Info, o, manifest.P("metadata", "annotations", key), "", "was %q, is now %q, so that the load balancer asks the gate", old, value)
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
