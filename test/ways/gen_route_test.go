package ways

import (
	"encoding/json"
	"fmt"
)

// route adds a route of a random kind.
func (g *gen) route(name string) {
	kinds := []func(string) Map{
		g.ingress, g.ingress, g.ingress, g.oldIngress, g.alb, g.alb, g.httpRoute, g.httpRoute, g.ingressRoute, g.traefikService, g.middleware,
		g.virtualService, g.openshift, g.httpProxy, g.binding,
	}
	if g.chance(0.05) {
		kinds = []func(string) Map{g.unguardable}
	}
	o := pick(g, kinds...)(name)
	if g.chance(0.02) {
		note(o, "kauth.dev/gate", pick(g, "disabled", "enabled"))
	}
	if g.chance(0.02) {
		note(o, "helm.sh/hook", "post-install")
	}
	g.add(o)
}

// to is a Service that a route leads to.
func (g *gen) to() *made {
	s := pick(g, g.services...)
	switch g.IntN(100) {
	case 0:
		return &made{name: "missing", ns: s.ns, ports: s.ports}
	case 1:
		return &made{name: s.name, ns: "third", ports: s.ports}
	}
	return s
}

// number and either choose a port of the Service, rarely one that is not there.
func (g *gen) number(s *made) int {
	if g.chance(0.01) {
		return 99
	}
	n, _ := pick(g, s.ports...)["port"].(int)
	return n
}

func (g *gen) either(s *made) any {
	if name, ok := pick(g, s.ports...)["name"]; ok && g.chance(0.5) {
		return name
	}
	return g.number(s)
}

// near is a Service of the namespace, for routes that cannot lead elsewhere.
func (g *gen) near(ns string) *made {
	var all []*made
	for _, s := range g.services {
		if s.ns == ns {
			all = append(all, s)
		}
	}
	if len(all) == 0 || g.chance(0.01) {
		return &made{name: "missing", ns: ns, ports: []Map{{"port": 80}}}
	}
	return pick(g, all...)
}

func (g *gen) backend(s *made) Map {
	port := Map{}
	switch p := g.either(s).(type) {
	case int:
		port["number"] = p
	default:
		port["name"] = p
	}
	return Map{"service": Map{"name": s.name, "port": port}}
}

func (g *gen) ingress(name string) Map {
	s := g.to()
	spec := Map{}
	if g.chance(0.3) {
		spec["defaultBackend"] = g.backend(g.near(s.ns))
	}
	if len(spec) == 0 || g.chance(0.7) {
		paths := []any{Map{"path": "/", "pathType": "Prefix", "backend": g.backend(s)}}
		if g.chance(0.3) {
			paths = append(paths, Map{"path": "/x", "pathType": "Exact", "backend": g.backend(g.near(s.ns))})
		}
		if g.chance(0.1) {
			paths = append(paths, Map{"path": "/b", "pathType": "Exact", "backend": Map{"resource": Map{"kind": "Bucket", "name": "b"}}})
		}
		spec["rules"] = []any{Map{"host": "x.example.com", "http": Map{"paths": paths}}, Map{"host": "empty.example.com"}}
	}
	o := Map{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": g.meta(name, s.ns), "spec": spec}
	if g.chance(0.3) {
		spec["ingressClassName"] = pick(g, "alb", "nginx", "traefik")
	}
	if g.chance(0.2) {
		note(o, "alb.ingress.kubernetes.io/healthcheck-path", "/-/healthy")
		note(o, "alb.ingress.kubernetes.io/healthcheck-port", pick(g, "traffic-port", "9090"))
	}
	if g.chance(0.03) {
		note(o, "nginx.ingress.kubernetes.io/default-backend", g.near(s.ns).name)
	}
	return o
}

func (g *gen) oldIngress(name string) Map {
	s := g.to()
	b := Map{"serviceName": s.name, "servicePort": g.either(s)}
	spec := Map{"rules": []any{Map{"http": Map{"paths": []any{Map{"path": "/", "backend": b}}}}}}
	if g.chance(0.3) {
		spec = Map{"backend": b}
	}
	return Map{"apiVersion": pick(g, "extensions/v1beta1", "networking.k8s.io/v1beta1"), "kind": "Ingress", "metadata": g.meta(name, s.ns), "spec": spec}
}

func (g *gen) alb(name string) Map {
	s := g.to()
	var groups []any
	for range 1 + g.IntN(2) {
		b := g.near(s.ns)
		port := g.either(b)
		if g.chance(0.3) {
			port = fmt.Sprint(port)
		}
		groups = append(groups, Map{pick(g, "serviceName", "ServiceName"): b.name, pick(g, "servicePort", "ServicePort"): port, "weight": g.IntN(3)})
	}
	if g.chance(0.1) {
		groups = append(groups, Map{"targetGroupARN": "arn:aws:x", "weight": 1})
	}
	action := Map{"type": "forward", pick(g, "forwardConfig", "ForwardConfig"): Map{"targetGroups": groups}}
	if g.chance(0.2) {
		action = Map{"type": "redirect", "redirectConfig": Map{"protocol": "HTTPS"}}
	}
	text, _ := json.Marshal(action)
	use := Map{"service": Map{"name": "act", "port": Map{"name": "use-annotation"}}}
	paths := []any{Map{"path": "/*", "pathType": "ImplementationSpecific", "backend": use}}
	if g.chance(0.5) {
		paths = append(paths, Map{"path": "/*", "pathType": "ImplementationSpecific", "backend": g.backend(s)})
	}
	o := Map{
		"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": g.meta(name, s.ns),
		"spec": Map{"ingressClassName": "alb", "rules": []any{Map{"http": Map{"paths": paths}}}},
	}
	note(o, "alb.ingress.kubernetes.io/actions.act", string(text))
	return o
}

func (g *gen) ref(s *made, ns string) Map {
	m := Map{"name": s.name, "port": g.number(s)}
	if s.ns != ns || g.chance(0.3) {
		m["namespace"] = s.ns
	}
	return m
}

func (g *gen) httpRoute(name string) Map {
	ns := pick(g, g.ns, "web")
	var refs []any
	for range 1 + g.IntN(2) {
		r := g.ref(g.to(), ns)
		if g.chance(0.4) {
			r["weight"] = g.IntN(3)
		}
		refs = append(refs, r)
	}
	rule := Map{"backendRefs": refs}
	if g.chance(0.2) {
		rule["filters"] = []any{Map{"type": "RequestMirror", "requestMirror": Map{"backendRef": g.ref(g.to(), ns)}}}
	}
	parent := Map{"name": "gw"}
	if g.chance(0.1) {
		parent = Map{"kind": "Service", "name": g.to().name} // the mesh only
	}
	rules := []any{Map{"filters": []any{Map{"type": "RequestRedirect", "requestRedirect": Map{"scheme": "https"}}}}, rule}
	return Map{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": g.meta(name, ns), "spec": Map{
		"parentRefs": []any{parent}, "rules": rules,
	}}
}
