package ways

// cloud makes routes those of a load balancer that has to be told how to ask for health, and adds what tells it today.
func (g *gen) cloud() {
	switch g.IntN(4) {
	case 0:
		g.aws()
	case 1:
		g.gke()
	case 2:
		g.gce()
	default:
		g.azure()
	}
}

// gke makes the routes of the Gateway API those of a GKE Gateway.
func (g *gen) gke() {
	class := pick(g, "gke-l7-global-external-managed", "gke-l7-rilb", "gke-l7-gxlb-mc", "ours")
	if class == "ours" && g.chance(0.5) {
		g.add(Map{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": Map{"name": class}, "spec": Map{"controllerName": "networking.gke.io/gateway"}})
	}
	for _, ns := range []string{g.ns, "web"} {
		g.add(Map{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": g.meta("gw", ns), "spec": Map{"gatewayClassName": class}})
	}
	for i, s := range g.services {
		if i > 2 || g.chance(0.5) {
			continue
		}
		config := Map{
			"type":            "HTTP",
			"httpHealthCheck": Map{"portSpecification": "USE_FIXED_PORT", "port": 9090, "requestPath": "/-/healthy"},
		}
		switch g.IntN(4) {
		case 0:
			config = Map{"type": "HTTPS", "httpsHealthCheck": Map{"requestPath": "/-/healthy"}}
		case 1:
			config = Map{"type": "TCP", "tcpHealthCheck": Map{"port": 9090}}
		}
		policy := Map{"config": config}
		if g.chance(0.2) {
			policy = Map{"logConfig": Map{"enabled": true}}
		}
		g.add(Map{"apiVersion": "networking.gke.io/v1", "kind": "HealthCheckPolicy", "metadata": g.meta("hc"+s.name, s.ns), "spec": Map{
			"default": policy, "targetRef": Map{"group": "", "kind": "Service", "name": s.name},
		}})
	}
}

// gce adds BackendConfigs to Services that an Ingress of GKE may lead to.
func (g *gen) gce() {
	for _, it := range g.items {
		if unclaimed(it.o) && g.chance(0.7) {
			note(it.o, "kubernetes.io/ingress.class", "gce")
		}
		if it.o["kind"] == "Service" && g.chance(0.5) {
			note(it.o, "cloud.google.com/backend-config", pick(g, `{"default":"bc"}`, `{"ports":{"http":"bc","web":"bc"}}`, `{"ports": {"80":"bc"}}`))
			note(it.o, "cloud.google.com/app-protocols", pick(g, `{"http":"HTTPS"}`, `{"web":"HTTP"}`))
		}
	}
	for _, ns := range []string{g.ns, "web"} {
		check := Map{"requestPath": "/-/healthy"}
		if g.chance(0.5) {
			check["port"], check["type"] = 9090, pick(g, "HTTP", "HTTPS")
		}
		g.add(Map{"apiVersion": "cloud.google.com/v1", "kind": "BackendConfig", "metadata": g.meta("bc", ns), "spec": pick(g, Map{"healthCheck": check}, Map{"timeoutSec": 40})})
	}
}

// unclaimed says whether an object is an Ingress that says nothing of another controller.
func unclaimed(o Map) bool {
	return o["kind"] == "Ingress" && text(o, "spec", "ingressClassName") == "" && len(texts(o, "metadata", "annotations")) == 0
}

// azure makes Ingresses those of an Application Gateway, and Services those of Azure's load balancer.
func (g *gen) azure() {
	for _, it := range g.items {
		if unclaimed(it.o) && g.chance(0.7) {
			note(it.o, "kubernetes.io/ingress.class", "azure/application-gateway")
			note(it.o, "appgw.ingress.kubernetes.io/health-probe-path", "/-/healthy")
			if g.chance(0.5) {
				note(it.o, "appgw.ingress.kubernetes.io/health-probe-port", "9090")
				note(it.o, "appgw.ingress.kubernetes.io/health-probe-status-codes", pick(g, "200-399", "301", "401"))
			}
			if g.chance(0.3) {
				note(it.o, "appgw.ingress.kubernetes.io/backend-protocol", pick(g, "http", "https"))
			}
		}
		if it.o["kind"] == "Service" && g.chance(0.3) {
			note(it.o, "service.beta.kubernetes.io/azure-load-balancer-health-probe-request-path", "/-/healthy")
			note(it.o, "service.beta.kubernetes.io/port_80_health-probe_protocol", pick(g, "http", "https", "tcp"))
		}
	}
}
