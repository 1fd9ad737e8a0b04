package ways

import "fmt"

func (g *gen) traefikRef(s *made, ns string) Map {
	m := g.ref(s, ns)
	m["port"] = g.either(s)
	if g.chance(0.2) {
		m["kind"] = "Service"
	}
	if g.chance(0.05) {
		m["healthCheck"] = Map{"path": "/-/healthy", "port": 9090}
	}
	return m
}

func (g *gen) ingressRoute(name string) Map {
	ns := pick(g, g.ns, "web")
	services := []any{g.traefikRef(g.to(), ns)}
	if g.chance(0.2) {
		services = append(services, Map{"name": "api@internal", "kind": "TraefikService"})
	}
	return Map{
		"apiVersion": pick(g, "traefik.io/v1alpha1", "traefik.containo.us/v1alpha1"), "kind": "IngressRoute", "metadata": g.meta(name, ns),
		"spec": Map{"routes": []any{Map{"match": "Host(`x`)", "kind": "Rule", "services": services}}},
	}
}

func (g *gen) traefikService(name string) Map {
	ns := pick(g, g.ns, "web")
	spec := Map{"weighted": Map{"services": []any{g.traefikRef(g.to(), ns), g.traefikRef(g.to(), ns)}}}
	if g.chance(0.4) {
		mirroring := g.traefikRef(g.to(), ns)
		mirroring["mirrors"] = []any{g.traefikRef(g.to(), ns)}
		spec = Map{"mirroring": mirroring}
	} else if g.chance(0.3) {
		spec = Map{"failover": Map{"service": g.traefikRef(g.to(), ns), "fallback": g.traefikRef(g.to(), ns)}}
	} else if g.chance(0.3) {
		spec = Map{"highestRandomWeight": Map{"services": []any{g.traefikRef(g.to(), ns)}}}
	}
	return Map{"apiVersion": "traefik.io/v1alpha1", "kind": "TraefikService", "metadata": g.meta(name, ns), "spec": spec}
}

func (g *gen) middleware(name string) Map {
	s := g.to()
	return Map{
		"apiVersion": "traefik.io/v1alpha1", "kind": "Middleware", "metadata": g.meta(name, s.ns),
		"spec": Map{"errors": Map{"status": []any{"500"}, "query": "/e", "service": g.traefikRef(s, s.ns)}},
	}
}

func (g *gen) virtualService(name string) Map {
	ns := pick(g, g.ns, "web")
	destination := func() Map {
		s := g.to()
		host := s.name
		if s.ns != ns || g.chance(0.3) {
			host += "." + s.ns + ".svc.cluster.local"
		}
		d := Map{"host": host}
		if len(s.ports) > 1 || g.chance(0.6) {
			d["port"] = Map{"number": g.number(s)}
		}
		return d
	}
	http := Map{"route": []any{Map{"destination": destination(), "weight": 100}}}
	if g.chance(0.2) {
		http["mirror"] = destination()
	}
	if g.chance(0.1) {
		http["mirrors"] = []any{Map{"destination": destination()}}
	}
	spec := Map{"hosts": []any{"x.example.com"}, "gateways": []any{"gw"}, "http": []any{http}}
	switch g.IntN(10) {
	case 0:
		delete(spec, "gateways") // only the mesh
	case 1:
		spec["gateways"] = []any{"mesh", "other/gw"}
	case 2:
		delete(spec, "gateways") // another delegates to it
		delete(spec, "hosts")
	}
	return Map{"apiVersion": pick(g, "networking.istio.io/v1", "networking.istio.io/v1beta1"), "kind": "VirtualService", "metadata": g.meta(name, ns), "spec": spec}
}

func (g *gen) openshift(name string) Map {
	s := g.to()
	spec := Map{"to": Map{"kind": "Service", "name": s.name, "weight": 100}}
	port := pick(g, s.ports...)
	switch n := g.IntN(4); {
	case n == 0 && port["name"] != nil:
		spec["port"] = Map{"targetPort": port["name"]}
	case n == 1:
		spec["port"] = Map{"targetPort": 9090}
	case len(s.ports) > 1:
		spec["port"] = Map{"targetPort": port["name"]}
	}
	if g.chance(0.1) {
		spec["alternateBackends"] = []any{Map{"kind": "Service", "name": g.near(s.ns).name, "weight": 1}}
	}
	if g.chance(0.1) {
		spec["tls"] = Map{"termination": pick(g, "edge", "reencrypt")}
	}
	return Map{"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": g.meta(name, s.ns), "spec": spec}
}

func (g *gen) httpProxy(name string) Map {
	s := g.to()
	services := []any{Map{"name": s.name, "port": g.number(s)}}
	if g.chance(0.2) {
		b := g.near(s.ns)
		services = append(services, Map{"name": b.name, "port": g.number(b), "mirror": true})
	}
	route := Map{"services": services}
	if g.chance(0.1) {
		route["healthCheckPolicy"] = Map{"path": "/-/healthy"}
	}
	if g.chance(0.02) {
		services[0].(Map)["protocol"] = "h2c"
	}
	return Map{"apiVersion": "projectcontour.io/v1", "kind": "HTTPProxy", "metadata": g.meta(name, s.ns), "spec": Map{
		"virtualhost": Map{"fqdn": "x"}, "routes": []any{route},
	}}
}

func (g *gen) binding(name string) Map {
	s := g.to()
	return Map{"apiVersion": "elbv2.k8s.aws/v1beta1", "kind": "TargetGroupBinding", "metadata": g.meta(name, s.ns), "spec": Map{
		"serviceRef": Map{"name": s.name, "port": g.either(s)}, "targetGroupARN": "arn:aws:x",
	}}
}

// unguardable makes a route with a protocol that no HTTP proxy can guard.
func (g *gen) unguardable(name string) Map {
	s := g.to()
	meta, ref := g.meta(name, s.ns), Map{"name": s.name, "port": g.number(s)}
	rules := Map{"rules": []any{Map{"backendRefs": []any{ref}}}}
	gateway := func(kind, version string) Map {
		return Map{"apiVersion": "gateway.networking.k8s.io/" + version, "kind": kind, "metadata": meta, "spec": rules}
	}
	stream := Map{"apiVersion": "v1", "kind": "ConfigMap", "metadata": g.meta(name, "ingress-nginx"), "data": Map{"9000": fmt.Sprintf("%s/%s:%d", s.ns, s.name, g.number(s))}}
	return pick(g, gateway("GRPCRoute", "v1"), stream, gateway("TCPRoute", "v1alpha2"), gateway("TLSRoute", "v1alpha2"),
		Map{"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRouteTCP", "metadata": meta, "spec": Map{"routes": []any{Map{"services": []any{ref}}}}},
		Map{"apiVersion": "projectcontour.io/v1", "kind": "HTTPProxy", "metadata": meta, "spec": Map{"tcpproxy": Map{"services": []any{ref}}}})
}

// aws makes the routes of the Gateway API those of an AWS load balancer.
func (g *gen) aws() {
	g.add(Map{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": Map{"name": "alb"}, "spec": Map{"controllerName": "gateway.k8s.aws/alb"}})
	for _, ns := range []string{g.ns, "web"} {
		g.add(Map{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": g.meta("gw", ns), "spec": Map{"gatewayClassName": "alb"}})
	}
	if s := pick(g, g.services...); g.chance(0.5) {
		g.add(Map{"apiVersion": "gateway.k8s.aws/v1beta1", "kind": "TargetGroupConfiguration", "metadata": g.meta("tg", s.ns), "spec": Map{
			"targetReference":      Map{"kind": "Service", "name": s.name},
			"defaultConfiguration": Map{"protocol": "HTTPS", "healthCheckConfig": Map{"healthCheckPath": "/", "healthCheckPort": "9090"}},
		}})
	}
}
