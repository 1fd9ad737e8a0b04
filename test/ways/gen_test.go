package ways

import (
	"fmt"
	"math/rand/v2"
)

// A gen builds random topologies. Most of what it makes is sound; each kind of fault is rare, so that most streams are
// gated and every fault is met in thousands of them.
type gen struct {
	*rand.Rand
	ns        string // of the release
	told      bool   // kauth is told the release's namespace
	items     []item
	workloads []*made
	services  []*made
	targets   []string // --gate
	file      string   // kauth.yaml, "" for none
	asked     []asked  // by the file
}

// made is something that others can refer to.
type made struct {
	name, ns string
	kind     string
	labels   Map
	ports    []Map // containers' ports, or a Service's
	pods     string
}

// topology returns a random stream.
func topology(seed uint64) *gen {
	g := &gen{Rand: rand.New(rand.NewPCG(seed, 1)), ns: "mon"}
	g.told = g.chance(0.5)
	for i := range 1 + g.IntN(3) {
		g.workload(i)
	}
	for i, w := range g.workloads {
		for k := range 1 + g.IntN(2) {
			g.service(fmt.Sprintf("s%d%d", i, k), w)
		}
	}
	if g.chance(0.2) {
		g.strangeService()
	}
	for i := range 1 + g.IntN(5) {
		g.route(fmt.Sprintf("r%d", i))
	}
	if g.chance(0.25) {
		g.cloud()
	}
	if g.chance(0.2) {
		g.settings()
	}
	if g.chance(0.2) {
		g.policy()
	}
	if g.chance(0.3) {
		g.add(Map{"apiVersion": "v1", "kind": "ConfigMap", "metadata": g.meta("c", g.ns), "data": Map{"x": "---\nkind: Service\n", "y": "8181"}})
	}
	g.Shuffle(len(g.items), func(i, j int) { g.items[i], g.items[j] = g.items[j], g.items[i] })
	return g
}

func (g *gen) chance(p float64) bool { return g.Float64() < p }

func pick[T any](g *gen, from ...T) T { return from[g.IntN(len(from))] }

// meta names an object; objects of the release's namespace need not say so.
func (g *gen) meta(name, ns string) Map {
	m := Map{"name": name}
	if ns != g.ns || g.chance(0.5) {
		m["namespace"] = ns
	}
	return m
}

func (g *gen) add(o Map) { g.items = append(g.items, item{o: o, style: g.style()}) }

func note(o Map, key, value string) {
	m := o["metadata"].(Map)
	if m["annotations"] == nil {
		m["annotations"] = Map{}
	}
	m["annotations"].(Map)[key] = value
}

func (g *gen) workload(i int) {
	w := &made{name: fmt.Sprintf("w%d", i), ns: pick(g, g.ns, g.ns, g.ns, "web")}
	if i > 0 && g.chance(0.1) {
		w.name = "w0" // the same name elsewhere, or of another kind
	}
	w.labels = Map{"app": w.name, "tier": pick(g, "a", "b")}
	w.kind = pick(g, "Deployment", "Deployment", "StatefulSet", "DaemonSet", "Prometheus", "Alertmanager", "ThanosRuler", "PrometheusAgent", "Pod", "ReplicaSet", "Job", "CronJob")
	if g.chance(0.03) || i > 0 && w.name == "w0" && g.chance(0.3) { // also one of a family
		w.labels["leader"] = "true" // one that others get at run time
	}
	for _, other := range g.workloads {
		if other.name == w.name && other.ns == w.ns && other.kind == w.kind {
			return
		}
	}
	g.workloads = append(g.workloads, w)
	switch w.kind {
	case "Prometheus", "Alertmanager", "ThanosRuler", "PrometheusAgent":
		g.operated(w)
		return
	}
	spec := Map{"containers": g.containers(w)}
	if g.chance(0.02) {
		spec["hostNetwork"] = true
	}
	o := Map{"apiVersion": "apps/v1", "kind": w.kind, "metadata": g.meta(w.name, w.ns)}
	template := Map{"metadata": Map{"labels": w.labels}, "spec": spec}
	if w.kind == "Job" || w.kind == "CronJob" {
		spec["restartPolicy"] = pick(g, "Never", "OnFailure")
	}
	switch w.kind {
	case "Pod":
		o["apiVersion"], o["spec"] = "v1", spec
		o["metadata"].(Map)["labels"] = w.labels
	case "Job":
		o["apiVersion"], o["spec"] = "batch/v1", Map{"template": template}
	case "CronJob":
		o["apiVersion"], o["spec"] = "batch/v1", Map{"schedule": "@daily", "jobTemplate": Map{"spec": Map{"template": template}}}
	default:
		o["spec"] = Map{"selector": Map{"matchLabels": Map{"app": w.name}}, "template": template}
	}
	switch how := g.IntN(10); {
	case how < 4 || i == 0 && how < 6:
		w.labels["app.kubernetes.io/name"], w.labels["app.kubernetes.io/component"] = "prometheus", "server"
	case how < 7:
		note(o, "kauth.dev/gate", "enabled")
	case how < 8:
		target := w.kind + "/" + w.name
		if len(w.ports) > 1 || g.chance(0.3) {
			target += fmt.Sprintf(":%d", w.ports[0]["containerPort"])
		}
		g.targets = append(g.targets, target)
	}
	if g.chance(0.01) {
		note(o, "helm.sh/hook", "post-install")
	}
	g.add(o)
}

func (g *gen) containers(w *made) []any {
	port := func(number int, names ...string) Map {
		p := Map{"containerPort": number}
		if name := pick(g, append(names, "")...); name != "" {
			p["name"] = name
		}
		if g.chance(0.2) {
			p["protocol"] = "TCP"
		}
		return p
	}
	w.ports = []Map{port(pick(g, 9090, 9090, 8080, 3000, 8181), "web", "http")}
	if g.chance(0.15) {
		w.ports = append(w.ports, port(pick(g, 10901, 8182, 7070), "grpc", "debug"))
	}
	if g.chance(0.05) {
		w.ports = append(w.ports, Map{"containerPort": pick(g, 9090, 9094), "name": "gossip", "protocol": "UDP"})
	}
	if g.chance(0.03) {
		w.ports[0]["hostPort"] = 31000
	}
	main := Map{"name": "main", "image": "example.com/app:1"}
	var all []any
	if g.chance(0.15) { // the other ports are another container's
		main["ports"] = anys(w.ports[:1])
		rest := append([]Map{port(4180, "oauth")}, w.ports[1:]...)
		w.ports = append(w.ports[:1:1], rest...)
		all = append(all, Map{"name": "side", "image": pick(g, "example.com/side:1", "quay.io/oauth2-proxy/oauth2-proxy:v7"), "ports": anys(rest)})
	} else {
		main["ports"] = anys(w.ports)
	}
	return append([]any{main}, all...)
}

func anys(from []Map) []any {
	all := make([]any, len(from))
	for i, m := range from {
		all[i] = m
	}
	return all
}

func (g *gen) operated(w *made) {
	spec := Map{"replicas": 1}
	app, set, number, web := "prometheus", "prometheus-"+w.name, 9090, "web"
	switch w.kind {
	case "Alertmanager":
		app, set, number = "alertmanager", "alertmanager-"+w.name, 9093
	case "ThanosRuler":
		app, set, number = "thanos-ruler", "thanos-ruler-"+w.name, 10902
	case "PrometheusAgent":
		app, set = "prometheus-agent", "prom-agent-"+w.name
	}
	if g.chance(0.3) {
		web = "http-web"
		spec["portName"] = web
	}
	w.pods = set
	w.labels = Map{"app.kubernetes.io/name": app, "app.kubernetes.io/instance": w.name}
	w.ports = []Map{{"containerPort": number, "name": web}}
	if w.kind == "Prometheus" && g.chance(0.2) {
		spec["thanos"] = Map{}
		w.ports = append(w.ports, Map{"containerPort": 10901, "name": "grpc"})
	}
	if w.kind != "ThanosRuler" && g.chance(0.1) {
		w.ports = append(w.ports, Map{"containerPort": 8080, "name": "reloader-web"})
	}
	if g.chance(0.2) {
		spec["podMetadata"] = Map{"labels": Map{"tier": "a", "app.kubernetes.io/name": "mine"}}
		w.labels["tier"] = "a"
	}
	if g.chance(0.1) {
		spec["listenLocal"] = true
	}
	if g.chance(0.15) {
		spec["shards"] = 2
		if w.kind == "Alertmanager" || w.kind == "ThanosRuler" {
			delete(spec, "shards")
		}
	}
	o := Map{"apiVersion": "monitoring.coreos.com/v1", "kind": w.kind, "metadata": g.meta(w.name, w.ns), "spec": spec}
	if w.kind == "PrometheusAgent" {
		o["apiVersion"] = "monitoring.coreos.com/v1alpha1"
	}
	if g.chance(0.1) {
		note(o, "kauth.dev/gate", "disabled")
	}
	g.add(o)
}
