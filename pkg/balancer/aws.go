package balancer

import (
	"cmp"
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Keys of a LoadBalancer Service (LBC:docs/guide/service/annotations.md); the alb.ingress keys do nothing there.
const (
	nlbPrefix         = "service.beta.kubernetes.io/aws-load-balancer-"
	nlbHealthPath     = nlbPrefix + "healthcheck-path"
	nlbHealthPort     = nlbPrefix + "healthcheck-port"
	nlbHealthProtocol = nlbPrefix + "healthcheck-protocol"
	nlbSuccessCodes   = nlbPrefix + "healthcheck-success-codes"
	nlbProtocol       = nlbPrefix + "backend-protocol"
)

// serviceHealth makes the Services that are load balancers themselves ask the gate. What asks over TCP alone, which is
// the default, is left at that.
func (f *fitting) serviceHealth() {
	for _, svc := range f.MovedServices() {
		have := svc.Annotations
		_, path := have[nlbHealthPath]
		if path || strings.HasPrefix(strings.ToLower(have[nlbHealthProtocol]), "http") {
			f.annotate(svc.Object, have, nlbHealthPath, f.Behind(svc).Config.HealthPath)
			f.otherPorts(svc, nlbHealthPath)
		}
		if port := have[nlbHealthPort]; port != "" && port != "traffic-port" {
			f.annotate(svc.Object, have, nlbHealthPort, "traffic-port")
		}
		if codes := have[nlbSuccessCodes]; codes != "" {
			f.codes(svc.Object, manifest.P("metadata", "annotations", nlbSuccessCodes), codes, func() { f.annotate(svc.Object, have, nlbSuccessCodes, "200") })
		}
		f.azureService(svc)
		f.speakNLB(svc)
	}
}

// otherPorts warns where a load balancer's one health path reaches ports that do not lead to a gate.
func (f *fitting) otherPorts(svc *topology.Service, key string) {
	for _, port := range svc.Ports {
		if !f.Moved(port) && cmp.Or(port.Protocol, "TCP") == "TCP" {
			f.Find(finding.Warning, svc.Object, manifest.P("metadata", "annotations", key), "give that port a Service of its own",
				"reaches port %d too, which does not lead to the gate and may not know this path", port.Number)
		}
	}
}

// codes plans the codes that a health check accepts: 200 must be among them, and 401 should not.
func (f *fitting) codes(o *manifest.Object, field manifest.Path, codes string, set func()) {
	switch {
	case !acceptsCode(codes, 200):
		set()
	case acceptsCode(codes, 401):
		f.Find(finding.Warning, o, field, "set it to \"200\"; the gate's health path needs no password",
			"accepts 401, which calls an application healthy that nobody asked")
	}
}

// gatewayHealth makes the load balancer behind a Gateway ask the gates, as far as it asks anybody, and can be told.
func (f *fitting) gatewayHealth(route *topology.Route, services []*topology.Service) {
	for _, svc := range services {
		aws, gke := f.awsHealth(route, svc), f.gkeGateway(route, svc)
		if !aws && !gke && route.Object.Kind == "HTTPRoute" {
			path := f.Behind(svc).Config.HealthPath
			f.Find(finding.Info, route.Object, nil, "where the Gateway is an AWS one, set healthCheckPath to "+path+" in a TargetGroupConfiguration of the Service, and where it is one of GKE, requestPath in a HealthCheckPolicy",
				"a load balancer that asks for / to learn about health is told 401 from now on")
		}
	}
}

// awsHealth does so by the TargetGroupConfiguration of the Service, which is edited where there is one, and added where the
// stream says that the Gateway is an AWS one (LBC:docs/guide/gateway/targetgroupconfig.md). It says whether either was so.
func (f *fitting) awsHealth(route *topology.Route, svc *topology.Service) bool {
	found := false
	for _, t := range f.Model.TargetGroupsOf(svc) {
		found = true
		f.targetProps(t.Object, f.Behind(svc), manifest.P("spec", "defaultConfiguration"), true)
		for _, props := range t.Routes {
			if props.For(route) {
				f.targetProps(t.Object, f.Behind(svc), props.Field, t.Object.HasAt(props.Field.With("healthCheckConfig")))
			}
		}
	}
	if !found && route.AWS {
		f.addTargetGroup(svc)
	}
	return found || route.AWS
}

// targetProps plans the settings at one place of a TargetGroupConfiguration. Its block about health is used as a whole,
// so that one is only begun where none of another place would be lost.
func (f *fitting) targetProps(o *manifest.Object, g *plan.Gate, field manifest.Path, health bool) {
	scheme := strings.ToUpper(g.Scheme())
	if text := o.TextAt(field.With("protocol")); text != "" && text != scheme || text == "" && health && g.TLS() {
		f.SetText(o, field.With("protocol"), scheme)
	}
	if text := o.TextAt(field.With("protocolVersion")); text != "" && text != "HTTP1" {
		f.SetText(o, field.With("protocolVersion"), "HTTP1")
	}
	if !health {
		return
	}
	field = field.With("healthCheckConfig")
	f.SetText(o, field.With("healthCheckPath"), g.Config.HealthPath)
	if port := o.TextAt(field.With("healthCheckPort")); port != "" && port != "traffic-port" {
		f.SetText(o, field.With("healthCheckPort"), "traffic-port")
	}
	if text := o.TextAt(field.With("healthCheckProtocol")); text != "" && text != scheme || text == "" && g.TLS() {
		f.SetText(o, field.With("healthCheckProtocol"), scheme)
	}
	code := field.With("matcher", "httpCode")
	if codes := o.TextAt(code); codes != "" {
		f.codes(o, code, codes, func() { f.SetText(o, code, "200") })
	}
}

// addTargetGroup plans a TargetGroupConfiguration for a Service that has none. v1beta1 is what every version of the
// controller that has the kind serves.
func (f *fitting) addTargetGroup(svc *topology.Service) {
	if f.grouped[svc] {
		return
	}
	f.grouped[svc] = true
	text, g := manifest.Text, f.Behind(svc)
	health := manifest.Mapping("healthCheckPath", text(g.Config.HealthPath))
	props := manifest.Mapping("healthCheckConfig", health)
	if g.TLS() {
		health = manifest.Mapping("healthCheckPath", text(g.Config.HealthPath), "healthCheckProtocol", text("HTTPS"))
		props = manifest.Mapping("protocol", text("HTTPS"), "healthCheckConfig", health)
	}
	f.Additions = append(f.Additions, &plan.Addition{Beside: svc.Object, Node: manifest.Mapping(
		"apiVersion", text("gateway.k8s.aws/v1beta1"), "kind", text("TargetGroupConfiguration"),
		"metadata", manifest.MetadataBeside(svc.Object, svc.Object.Name+"-kauth", nil),
		"spec", manifest.Mapping("targetReference", manifest.Mapping("kind", text("Service"), "name", text(svc.Object.Name)), "defaultConfiguration", props))})
	f.Find(finding.Info, svc.Object, nil, "", "gets a TargetGroupConfiguration, so that the AWS load balancer asks the gate for %s", g.Config.HealthPath)
}
