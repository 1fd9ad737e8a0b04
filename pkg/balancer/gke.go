package balancer

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// What GKE reads of a Service behind an Ingress: JSON, by the names or numbers of its ports
// (kubernetes/ingress-gce:pkg/annotations/service.go). Without a BackendConfig that says more, it asks for health as
// the readiness probe of the container does that has the port, and that of the gate is true.
var (
	gkeBackendConfig = []string{"cloud.google.com/backend-config", "beta.cloud.google.com/backend-config"}
	gkeProtocols     = []string{"cloud.google.com/app-protocols", "service.alpha.kubernetes.io/app-protocols"}
)

func isGKE(route *topology.Route) bool { return strings.HasPrefix(route.Class, "gce") }

// gkeHealth makes the load balancer of GKE ask the gate, and speak its protocol.
func (f *fitting) gkeHealth(route *topology.Route) {
	for _, way := range f.MovedWays(route) {
		svc, old := way.Service, way.ServicePort
		now := old.Name
		if port := f.PortOf(svc); port != nil {
			now = port.Name
		}
		for _, key := range gkeBackendConfig {
			if text := svc.Annotations[key]; text != "" {
				f.gkeBackend(way, key, text, now)
			}
		}
		f.gkeProtocol(svc, f.GateOf(way.Workload), now, isGKE(route))
	}
}

func (f *fitting) gkeBackend(way *topology.Way, key, text, now string) {
	svc, old := way.Service, way.ServicePort
	var config struct {
		Default string            `json:"default,omitempty"`
		Ports   map[string]string `json:"ports,omitempty"`
	}
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		f.Find(finding.Warning, svc.Object, manifest.P("metadata", "annotations", key), "write it as GKE reads it", "not valid JSON: %v", err)
		return
	}
	name := cmp.Or(cmp.Or(config.Ports[old.Name], config.Ports[strconv.Itoa(old.Number)]), config.Default)
	if name == "" {
		return
	}
	if now != old.Name && config.Ports[now] == "" && name != config.Default {
		config.Ports[now] = name
		f.annotateJSON(svc.Object, svc.Annotations, key, config)
	}
	named := slices.DeleteFunc(slices.Clone(f.Kinds("BackendConfig")), func(o *manifest.Object) bool { return o.Name != name })
	configs := topology.Beside(named, svc.Object.Namespace)
	for _, o := range configs {
		f.backendConfig(o, way)
	}
	if len(configs) > 0 {
		return
	}
	f.Find(finding.Warning, svc.Object, manifest.P("metadata", "annotations", key), "where it has a healthCheck, set its requestPath to "+f.GateOf(way.Workload).Config.HealthPath,
		"BackendConfig %q is not in this stream, so that what GKE asks for health cannot be known", name)
}

// backendConfig plans the health check of a BackendConfig; one without a healthCheck asks as the readiness probe does.
func (f *fitting) backendConfig(o *manifest.Object, way *topology.Way) {
	field := manifest.P("spec", "healthCheck")
	if !o.HasAt(field) {
		return
	}
	for _, svc := range f.Model.Services {
		for _, key := range gkeBackendConfig {
			if strings.Contains(svc.Annotations[key], strconv.Quote(o.Name)) && topology.SameNamespace(o.Namespace, svc.Object.Namespace) && f.PortOf(svc) == nil && !f.movesOf(svc) {
				f.Find(finding.Warning, o, field, "give the gated Service one of its own, with requestPath "+f.GateOf(way.Workload).Config.HealthPath,
					"serves %s too, which has no gate, and does not fit the one of %s", svc.Object.Ref.Short(), way.Service.Object.Ref.Short())
				return
			}
		}
	}
	g := f.GateOf(way.Workload)
	f.SetText(o, field.With("requestPath"), g.Config.HealthPath)
	if text := o.TextAt(field.With("type")); text != "" && !strings.EqualFold(text, g.Scheme()) || text == "" && g.TLS() {
		f.SetText(o, field.With("type"), strings.ToUpper(g.Scheme()))
	}
	if port := o.TextAt(field.With("port")); port != "" && port != way.Service.Object.TextAt(way.ServicePort.Field.With("nodePort")) {
		f.SetNumber(o, field.With("port"), strconv.Itoa(g.Port))
	}
}

// movesOf says whether a port of the Service itself moves to a gate.
func (f *fitting) movesOf(svc *topology.Service) bool {
	return slices.ContainsFunc(svc.Ports, f.Moved)
}

// gkeProtocol plans what GKE speaks to the port that leads to the gate: HTTP where nothing is said.
func (f *fitting) gkeProtocol(svc *topology.Service, g *plan.Gate, now string, gke bool) {
	for i, key := range gkeProtocols {
		text, on := svc.Annotations[key]
		if !on && (i > 0 || !gke || !g.TLS()) {
			continue
		}
		var protocols map[string]string
		if on && json.Unmarshal([]byte(text), &protocols) != nil {
			continue // GKE would refuse it, today as well
		}
		want := strings.ToUpper(g.Scheme())
		if have := protocols[now]; have == want || have == "" && want == "HTTP" {
			continue
		}
		if protocols == nil { // nothing is said, or null, which is JSON too
			protocols = map[string]string{}
		}
		protocols[now] = want
		f.annotateJSON(svc.Object, svc.Annotations, key, protocols)
	}
}

func (f *fitting) annotateJSON(o *manifest.Object, have map[string]string, key string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		f.Find(finding.Error, o, manifest.P("metadata", "annotations", key), "", "%v", err)
		return
	}
	f.annotate(o, have, key, string(text))
}
