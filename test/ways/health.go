package ways

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// health looks at what tells load balancers of GKE and Azure how to ask for the health of the gates that routes lead to: it
// fits them, or a finding names it. By itself GKE's Ingress asks as the readiness probe does, which the gate has; its
// Gateways ask for /, and so must be told.
func (r Run) health(after *World, gates map[string]Gate) []string {
	var wrong []string
	for _, w := range after.Ways {
		g, gated := gates[w.Workload]
		if !gated || w.Port != g.Port || w.Maybe || w.Hardly || w.Service == "" {
			continue
		}
		i := slices.IndexFunc(after.Doors, func(d Door) bool { return d.String() == w.Door })
		s := after.service(w.Service)
		if s == nil {
			continue
		}
		switch route := after.Doors[i].Object; route.Kind {
		case "HTTPRoute":
			wrong = append(wrong, r.gkeGateway(after, route, s, g)...)
		case "Ingress":
			if class := route.annotation("kubernetes.io/ingress.class"); strings.HasPrefix(class, "gce") {
				wrong = append(wrong, r.gkeIngress(after, route, s, w, g)...)
			}
			path := route.annotation("appgw.ingress.kubernetes.io/health-probe-path")
			if path != "" && path != g.Health && !r.named(route) {
				wrong = append(wrong, fmt.Sprintf("%s: Azure asks for %s, the gate answers %s", route, path, g.Health))
			}
		}
	}
	slices.Sort(wrong)
	return slices.Compact(wrong)
}

func (w *World) service(at string) *Object {
	ns, n, _ := strings.Cut(at, "/")
	if all := w.services[name{ns, n}]; len(all) == 1 {
		return all[0]
	}
	return nil
}

// named says whether a finding is about an object.
func (r Run) named(o *Object) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.about(o) })
}

// gkeGateway wants a HealthCheckPolicy behind a Gateway of GKE, and one that fits wherever there is one.
func (r Run) gkeGateway(w *World, route, s *Object, g Gate) []string {
	want, found := "http", false
	if g.TLS {
		want = "https"
	}
	var wrong []string
	for _, o := range w.Objects {
		if o.Kind != "HealthCheckPolicy" || !asks(o, s) {
			continue
		}
		found = true
		config, _ := dig(o.Map, "spec", "default", "config").(Map)
		kind := strings.ToLower(text(config, "type"))
		check, _ := config[kind+"HealthCheck"].(Map)
		port := number(check, "port")
		fits := (kind == want && text(check, "requestPath") == g.Health || kind == "tcp") && (port == 0 || port == g.Port)
		if !fits && !r.named(o) {
			wrong = append(wrong, fmt.Sprintf("%s: %v does not ask the gate behind %s", o, config, s))
		}
	}
	if !found && !r.Unsure && w.onGKE(route) {
		wrong = append(wrong, fmt.Sprintf("%s: no HealthCheckPolicy, so that GKE asks the gate behind %s for /", route, s))
	}
	return wrong
}

// onGKE says whether a route hangs on a Gateway that GKE makes a load balancer for, of this cluster alone.
func (w *World) onGKE(route *Object) bool {
	for _, ref := range entries(entry{"", route.Map}, "spec", "parentRefs") {
		ns := text(ref.m, "namespace")
		if ns == "" {
			ns = route.NS
		}
		for _, o := range w.Objects {
			class := text(o.Map, "spec", "gatewayClassName")
			if o.Kind == "Gateway" && o.NS == ns && o.Name == text(ref.m, "name") && strings.HasPrefix(class, "gke-l7-") && !strings.HasSuffix(class, "-mc") {
				return true
			}
		}
	}
	return false
}

// gkeIngress wants the BackendConfig of the port that leads to the gate, where it says how to ask, to say what fits.
func (r Run) gkeIngress(w *World, route, s *Object, way Way, g Gate) []string {
	var names struct {
		Default string
		Ports   map[string]string
	}
	said := s.annotation("cloud.google.com/backend-config")
	if said == "" || json.Unmarshal([]byte(said), &names) != nil {
		return nil
	}
	var wrong []string
	for _, sp := range servicePorts(s) {
		if !slices.ContainsFunc(w.Pods, func(p *Pods) bool { return p.Workload.String() == way.Workload && p.target(sp) == g.Port }) {
			continue
		}
		config := names.Ports[sp.Name]
		if config == "" {
			config = names.Ports[strconv.Itoa(sp.Number)]
		}
		if config == "" {
			config = names.Default
		}
		for _, o := range w.Objects {
			path := text(o.Map, "spec", "healthCheck", "requestPath")
			if o.Kind == "BackendConfig" && o.Name == config && o.NS == s.NS && path != "" && path != g.Health && !r.named(o) {
				wrong = append(wrong, fmt.Sprintf("%s: asks for %s, the gate behind %s answers %s", o, path, route, g.Health))
			}
		}
	}
	return wrong
}
