package balancer

import (
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// A HealthCheckPolicy says how the load balancer behind a GKE Gateway asks for the health of one Service, on all ports of
// it that routes use. Without one it asks for / on the port that serves, over HTTP or what appProtocol says, whatever the
// readiness probe is (GoogleCloudPlatform/gke-gateway-api:apis/networking/v1/healthcheck_types.go,
// cloud.google.com/kubernetes-engine/docs/how-to/configure-gateway-resources).
const (
	gkeGroup = "networking.gke.io"
	gkeCheck = "HealthCheckPolicy"
)

// gkePolicies are the kinds of GKE that say how its load balancers treat a Service, and lead nowhere.
var gkePolicies = map[string]bool{gkeCheck: true, "GCPBackendPolicy": true, "GCPGatewayPolicy": true, "GCPSessionAffinityPolicy": true}

// IsPolicy says whether an object only says how a load balancer treats a Service, and leads nowhere.
func IsPolicy(o *manifest.Object) bool { return o.Group == gkeGroup && gkePolicies[o.Kind] }

// gkeGateway makes a GKE Gateway ask the gate behind a Service: by its HealthCheckPolicy, which is edited where there is
// one, and added where the stream says that the Gateway is one of GKE. It says whether either was so.
func (f *fitting) gkeGateway(route *topology.Route, svc *topology.Service) bool {
	checks := f.Model.HealthChecksOf(svc)
	if len(checks) == 0 && !route.GKE {
		return false
	}
	if f.gkeAsked[svc] {
		return true
	}
	f.gkeAsked[svc] = true
	g := f.Behind(svc)
	if g.TLS() {
		f.speakGKE(svc)
	}
	for _, o := range checks {
		f.gkePolicy(o, g)
		f.gkeOtherPorts(o, svc)
	}
	if len(checks) == 0 {
		f.addGKEPolicy(svc, g)
	}
	return true
}

// gkeAsks are the blocks of a HealthCheckPolicy by its type. Just that of the type may be there.
var gkeAsks = map[string]string{"TCP": "tcpHealthCheck", "HTTP": "httpHealthCheck", "HTTPS": "httpsHealthCheck", "HTTP2": "http2HealthCheck"}

// gkePolicy plans the edits of a HealthCheckPolicy. Its type is only set where none is: another one wants another block.
func (f *fitting) gkePolicy(o *manifest.Object, g *plan.Gate) {
	config, want := manifest.P("spec", "default", "config"), strings.ToUpper(g.Scheme())
	have := o.TextAt(config.With("type"))
	switch {
	case have == "" && len(keysAt(o, config)) == 0:
		have = want
		f.SetText(o, config.With("type"), want)
	case have == "":
		have = "none"
	}
	block := config.With(gkeAsks[have])
	if h2 := have == "HTTP2" && g.TLS(); have != want && have != "TCP" && !h2 { // a gate that speaks TLS speaks HTTP/2 with it
		f.Find(finding.Warning, o, config.With("type"), "write config: {type: "+want+", "+gkeAsks[want]+": {requestPath: "+g.Config.HealthPath+"}}",
			"is %s, but the gate speaks %s", have, want)
		return
	}
	if have != "TCP" {
		f.SetText(o, block.With("requestPath"), g.Config.HealthPath)
		if text := o.TextAt(block.With("response")); text != "" {
			f.Find(finding.Warning, o, block.With("response"), "take it out", "is a text that the application answers, and the gate does not")
		}
	}
	if o.HasAt(block.With("port")) && o.TextAt(block.With("portSpecification")) != "USE_SERVING_PORT" {
		f.SetNumber(o, block.With("port"), strconv.Itoa(g.Port))
	}
}

// keysAt are the entries of the mapping at a path; none where there is nothing, or no value.
func keysAt(o *manifest.Object, field manifest.Path) []*yaml.Node {
	n := o.At(field)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	return n.Content
}

// gkeOtherPorts warns where routes use ports of the Service that do not lead to the gate: the policy is for these too.
func (f *fitting) gkeOtherPorts(o *manifest.Object, svc *topology.Service) {
	for _, hit := range f.Model.Selected(svc) {
		for _, way := range f.Model.WaysTo(hit.Workload) {
			if way.Service == svc && way.ServicePort != nil && way.Route != nil && strings.HasPrefix(way.Route.Object.Group, "gateway.") && !f.Rerouted(way.Route)[way.Backend] {
				f.Find(finding.Warning, o, manifest.P("spec", "targetRef"), "give that port a Service of its own",
					"is for port %d too, which %s uses, and which does not lead to the gate", way.ServicePort.Number, way.Route.Object.Short())
			}
		}
	}
}

// addGKEPolicy plans a HealthCheckPolicy for a Service that has none.
func (f *fitting) addGKEPolicy(svc *topology.Service, g *plan.Gate) {
	text, asks := manifest.Text, strings.ToUpper(g.Scheme())
	config := manifest.Mapping("type", text(asks), gkeAsks[asks], manifest.Mapping("requestPath", text(g.Config.HealthPath)))
	target := manifest.Mapping("group", text(""), "kind", text("Service"), "name", text(svc.Object.Name))
	f.Additions = append(f.Additions, &plan.Addition{Beside: svc.Object, Node: manifest.Mapping(
		"apiVersion", text(gkeGroup+"/v1"), "kind", text(gkeCheck), "metadata", manifest.MetadataBeside(svc.Object, svc.Object.Name+"-kauth", nil),
		"spec", manifest.Mapping("default", manifest.Mapping("config", config), "targetRef", target))})
	f.Find(finding.Info, svc.Object, nil, "where it has one that is not in this stream, edit that, for GKE takes the oldest",
		"gets a HealthCheckPolicy, so that the load balancer of GKE asks the gate for %s", g.Config.HealthPath)
}

// speakGKE makes a GKE Gateway speak HTTPS to the gate: by the appProtocol of the Service's port.
func (f *fitting) speakGKE(svc *topology.Service) {
	const https = "HTTPS"
	if port := f.PortOf(svc); port != nil {
		port.Speaks = https
	}
	for _, port := range svc.Ports {
		if field := port.Field.With("appProtocol"); f.Moved(port) && !strings.EqualFold(svc.Object.TextAt(field), https) {
			f.SetText(svc.Object, field, https)
		}
	}
}

// gkeUnused warns of HealthCheckPolicies for Services with a gate that no route of the stream leads through to it: routes
// from elsewhere may use the gate's port, or go on to use the old one.
func (f *fitting) gkeUnused() {
	for _, svc := range f.Model.Services {
		if f.gkeAsked[svc] || f.PortOf(svc) == nil && !f.movesOf(svc) {
			continue
		}
		for _, o := range f.Model.HealthChecksOf(svc) {
			f.Find(finding.Warning, o, manifest.P("spec", "targetRef"), "where one elsewhere uses that port, have it ask for "+f.Behind(svc).Config.HealthPath,
				"is for port %s of Service %q too, which leads to the gate, and no route of this stream says who uses which", topology.PortText(f.gatePortNumber(svc), f.gatePortName(svc)), svc.Object.Name)
		}
	}
}

// gkeReads says whether a policy of GKE tells the Gateway how to speak to a Service.
func (f *fitting) gkeReads(route *topology.Route, svc *topology.Service) bool {
	return route.GKE || len(f.Model.HealthChecksOf(svc)) > 0
}
