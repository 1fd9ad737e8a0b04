package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/manifest"
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

	// Of a LoadBalancer Service (LBC:docs/guide/service/annotations.md); the alb.ingress keys do nothing there.
	nlbPrefix         = "service.beta.kubernetes.io/aws-load-balancer-"
	nlbHealthPath     = nlbPrefix + "healthcheck-path"
	nlbHealthPort     = nlbPrefix + "healthcheck-port"
	nlbHealthProtocol = nlbPrefix + "healthcheck-protocol"
	nlbProtocol       = nlbPrefix + "backend-protocol"
)

// health makes load balancers ask the gate for the application's health, and speak the gate's protocol to it.
func (p *planner) health() {
	p.nlbHealth()
	for _, route := range p.model.Routes {
		moved := p.rerouted[route]
		if len(moved) == 0 {
			continue
		}
		services := p.servicesOf(route)
		if route.ALB {
			p.albHealth(route, services, len(moved) == len(route.Backends))
		}
		p.speak(route, services)
		if route.Object.Kind == "HTTPRoute" {
			p.find(Info, route.Object, nil, "where the Gateway is an AWS one, set healthCheckPath to "+p.behind(services[0]).Config.HealthPath+" in a TargetGroupConfiguration of the Service",
				"a load balancer that asks for / to learn about health is told 401 from now on")
		}
	}
}

// nlbHealth does the same for the Services that are load balancers themselves.
func (p *planner) nlbHealth() {
	for _, mv := range p.Moves {
		svc := mv.Service
		have := svc.Annotations
		if _, on := have[nlbHealthPath]; on {
			p.annotate(svc.Object, have, nlbHealthPath, p.behind(svc).Config.HealthPath)
		}
		if port := have[nlbHealthPort]; port != "" && port != "traffic-port" {
			p.annotate(svc.Object, have, nlbHealthPort, "traffic-port")
		}
		p.speakNLB(svc)
	}
}

// servicesOf returns the Services through which a route leads to gates, in the order of its backends.
func (p *planner) servicesOf(route *topology.Route) []*topology.Service {
	var all []*topology.Service
	for _, way := range p.model.WaysOf(route) {
		if p.rerouted[route][way.Backend] && !slices.Contains(all, way.Service) {
			all = append(all, way.Service)
		}
	}
	return all
}

// albHealth sets the health annotations of an ALB Ingress. They stand on the Ingress where all its backends are gates,
// which all want the same, else on each Service, for on the Ingress they would reach the other backends as well.
func (p *planner) albHealth(route *topology.Route, services []*topology.Service, all bool) {
	for _, svc := range services {
		first, g := p.behind(services[0]), p.behind(svc)
		all = all && g.tls() == first.tls() && g.Config.HealthPath == first.Config.HealthPath
	}
	for _, svc := range services {
		g := p.behind(svc)
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
		if g.tls() { // which is not what a load balancer speaks when nothing is said
			protocol = "HTTPS"
		}
		for _, rule := range []struct{ key, want, unsaid string }{
			{albHealthPort, "traffic-port", "traffic-port"}, {albHealthProtocol, protocol, "HTTP"}, {albProtocol, protocol, "HTTP"}, {albVersion, "HTTP1", "HTTP1"},
		} {
			if !strings.EqualFold(orDefault(effective(rule.key), rule.unsaid), rule.want) {
				set(rule.key, rule.want)
			}
		}
		codes := effective(albSuccessCodes)
		switch {
		case codes == "":
		case !acceptsCode(codes, 200):
			set(albSuccessCodes, "200")
		case acceptsCode(codes, 401):
			holder := route.Object
			if _, on := svc.Annotations[albSuccessCodes]; on {
				holder = svc.Object
			}
			p.find(Warning, holder, manifest.P("metadata", "annotations", albSuccessCodes), "set it to \"200\"; the gate's health path needs no password",
				"accepts 401, which calls an application healthy that nobody asked")
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
	p.Annotations = append(p.Annotations, &Annotation{Object: o, Key: key, Value: value})
	if exists {
		p.find(Info, o, manifest.P("metadata", "annotations", key), "", "was %q, is now %q, so that the load balancer asks the gate", old, value)
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
