package balancer

import (
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// RefuseHealth refuses a load balancer on a way that asks the application at its end for its health and takes it away when
// that says 401. The hint is what to do about it.
func RefuseHealth(d *plan.Draft, way *topology.Way, hint string) {
	route, svc := way.Route, way.Service
	refuse := func(o *manifest.Object, codes string, field manifest.Path, who string) {
		if codes != "" && acceptsCode(codes, 401) {
			d.Find(finding.Warning, o, field, hint, "the health checks of %s take 401 for healthy, which calls an application healthy that nobody asked", who)
			return
		}
		d.Find(finding.Error, o, field, hint, "%s asks %s for its health and is told 401 from now on, so it would take the application out", who, way.Workload.Object.Ref.Short())
	}
	codes := func(key string) string {
		if codes, on := svc.Annotations[key]; on {
			return codes
		}
		return route.Annotations[key]
	}
	switch {
	case svc == nil:
	case route == nil:
		if key := asksService(svc); key != "" {
			refuse(svc.Object, svc.Annotations[nlbSuccessCodes], manifest.P("metadata", "annotations", key), "the load balancer")
		}
	case route.ALB:
		refuse(route.Object, codes(albSuccessCodes), nil, "the ALB")
	case route.AWS:
		refuse(route.Object, targetCodes(d.Model, svc), nil, "the AWS load balancer")
	case isAppGateway(route):
		refuse(route.Object, route.Annotations[appgwPrefix+"health-probe-status-codes"], nil, "the Application Gateway")
	case isGKE(route):
		refuse(route.Object, "", nil, "the load balancer of GKE")
	}
}

// asksService is the annotation by which a Service that is a load balancer asks over HTTP for health, "" where none does.
func asksService(svc *topology.Service) string {
	for _, key := range []string{nlbHealthProtocol, "service.beta.kubernetes.io/azure-load-balancer-health-probe-protocol"} {
		if strings.HasPrefix(strings.ToLower(svc.Annotations[key]), "http") {
			return key
		}
	}
	for _, key := range []string{nlbHealthPath, "service.beta.kubernetes.io/azure-load-balancer-health-probe-request-path"} {
		if _, on := svc.Annotations[key]; on {
			return key
		}
	}
	return ""
}

// targetCodes are the codes that the TargetGroupConfiguration of a Service takes for healthy.
func targetCodes(m *topology.Model, svc *topology.Service) string {
	for _, t := range m.TargetGroupsOf(svc) {
		return manifest.String(t.Object.Node, "spec", "defaultConfiguration", "healthCheckConfig", "matcher", "httpCode")
	}
	return ""
}
