package ways

import "slices"

// service adds a Service for a workload.
func (g *gen) service(name string, w *made) {
	s := &made{name: name, ns: w.ns}
	spec := Map{"selector": g.selector(w)}
	switch n := g.IntN(20); {
	case n < 3:
		spec["clusterIP"] = "None"
		if g.chance(0.1) {
			spec["externalIPs"] = []any{"192.0.2.1"} // that nobody serves
		}
	case n < 5:
		spec["type"] = "LoadBalancer"
	case n < 7:
		spec["type"] = "NodePort"
	case n < 8:
		spec["externalIPs"] = []any{"192.0.2.1"}
	case n < 10:
		spec["type"] = "ClusterIP"
	}
	if spec["type"] == "LoadBalancer" || spec["type"] == "NodePort" || spec["externalIPs"] != nil {
		s.kind = "open"
	}
	main := w.ports[0]
	ports := []Map{g.servicePort(main, pick(g, 80, 9090, 443, 8181))}
	if len(w.ports) > 1 && g.chance(0.5) {
		ports = append(ports, g.servicePort(w.ports[1], pick(g, 81, 10901, 8182)))
	}
	if g.chance(0.1) {
		ports = append(ports, g.servicePort(main, 8090)) // a second way to the same port
	}
	for i, p := range ports { // one number twice is not a Service
		for slices.ContainsFunc(ports[:i], func(o Map) bool { return o["port"] == p["port"] && o["protocol"] == p["protocol"] }) {
			p["port"] = p["port"].(int) + 1
		}
	}
	if g.chance(0.03) {
		ports[0]["targetPort"] = pick[any](g, "nope", 7777)
	}
	names := []string{"http", "web", "kauth", "metrics"}
	g.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for i, p := range ports {
		if len(ports) > 1 || g.chance(0.7) {
			p["name"] = names[i]
		}
		if g.chance(0.03) {
			p["appProtocol"] = pick(g, "http", "https", "kubernetes.io/h2c")
		}
	}
	spec["ports"] = anys(ports)
	s.ports = ports
	o := Map{"apiVersion": "v1", "kind": "Service", "metadata": g.meta(name, s.ns), "spec": spec}
	if g.chance(0.05) {
		note(o, "alb.ingress.kubernetes.io/healthcheck-path", "/-/healthy")
	}
	if g.chance(0.02) {
		note(o, "kauth.dev/gate", "disabled")
	}
	if g.chance(0.01) {
		note(o, "helm.sh/hook", "pre-install")
	}
	g.services = append(g.services, s)
	g.add(o)
}

// servicePort leads to a container's port in one of the ways to write it.
func (g *gen) servicePort(to Map, number int) Map {
	p := Map{"port": number}
	name, named := to["name"]
	switch n := g.IntN(10); {
	case n < 4 && named:
		p["targetPort"] = name
	case n < 5:
		p["port"] = to["containerPort"]
	default:
		p["targetPort"] = to["containerPort"]
	}
	if protocol, ok := to["protocol"]; ok {
		p["protocol"] = protocol
	}
	return p
}

// selector finds the workload's pods, by all labels or some, or by the name of one.
func (g *gen) selector(w *made) Map {
	s := Map{}
	for _, k := range []string{"app", "app.kubernetes.io/name", "app.kubernetes.io/instance"} {
		if v, ok := w.labels[k]; ok {
			s[k] = v
		}
	}
	if w.kind != "StatefulSet" && w.pods == "" {
		delete(s, "app.kubernetes.io/name")
	}
	switch n := g.IntN(40); {
	case n < 4 && w.labels["tier"] != nil:
		s["tier"] = w.labels["tier"]
	case n == 5 && w.labels["tier"] != nil:
		s = Map{"tier": w.labels["tier"]} // of several workloads
	case n == 6:
		s["tier"] = "c" // nobody's
	case n == 7, n == 16:
		s["leader"] = "true" // a label that comes at run time
	case n == 14:
		s = Map{"leader": "true"} // alone
	case n == 15 && w.kind == "Job":
		s = Map{pick(g, "job-name", "batch.kubernetes.io/job-name"): w.name}
	case n == 15 && w.kind == "CronJob":
		s["job-name"] = "somebody's" // whose name is made at run time
	case n < 12 && w.kind == "StatefulSet":
		s = Map{podName: w.name + "-0"}
	case n < 12 && w.pods != "":
		s = Map{podName: w.pods + "-0"}
	case n == 13:
		s = Map{podName: w.name + "-x"} // nobody's, or that of a pod with another kind of name
	}
	return s
}

// strangeService adds a Service that leads nowhere that the stream tells, or to somebody else.
func (g *gen) strangeService() {
	s := &made{name: "strange", ns: pick(g, g.ns, "web"), ports: []Map{{"port": 80, "name": "http"}}}
	spec := Map{"ports": anys(s.ports)}
	switch g.IntN(5) {
	case 0:
		spec["type"], spec["externalName"] = "ExternalName", pick(g, "example.com", "s00.mon.svc.cluster.local")
	case 1: // no selector
	case 2:
		spec["selector"] = Map{"app": "nobody"}
	default:
		spec["selector"] = Map{"app": "other"}
		g.add(Map{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": g.meta("other", s.ns), "spec": Map{
			"template": Map{"metadata": Map{"labels": Map{"app": "other"}}, "spec": Map{"containers": []any{Map{
				"name": "x", "image": "x", "ports": []any{Map{"containerPort": 80, "name": "web"}},
			}}}},
		}})
		spec["type"] = pick(g, "ClusterIP", "LoadBalancer")
	}
	g.add(Map{"apiVersion": "v1", "kind": "Service", "metadata": g.meta(s.name, s.ns), "spec": spec})
	if g.chance(0.5) {
		g.services = append(g.services, s)
	}
}

// policy adds a NetworkPolicy for a workload.
func (g *gen) policy() {
	w := pick(g, g.workloads...)
	peers := []any{Map{"namespaceSelector": Map{}}, Map{"podSelector": Map{"matchLabels": Map{"app": "scraper"}}}, Map{"podSelector": Map{}}, Map{"ipBlock": Map{"cidr": "10.0.0.0/8"}}}
	rule := Map{"from": []any{pick(g, peers...)}}
	port := Map{"port": w.ports[0]["containerPort"]}
	if name, ok := w.ports[0]["name"]; ok && g.chance(0.4) {
		port["port"] = name
	}
	if g.chance(0.5) {
		port["protocol"] = "TCP"
	}
	if g.chance(0.1) {
		port = Map{"port": 3000, "endPort": 9999}
	}
	if g.chance(0.8) {
		rule["ports"] = []any{port}
	}
	rules := []any{rule}
	if g.chance(0.3) {
		rules = append(rules, Map{"ports": []any{Map{"port": 7070}}})
	}
	selector := Map{"matchLabels": g.selector(w)}
	if g.chance(0.2) {
		selector = Map{}
	}
	g.add(Map{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": g.meta("np", w.ns), "spec": Map{
		"podSelector": selector, "policyTypes": []any{"Ingress"}, "ingress": rules,
	}})
}
