package balancer

import (
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// What the controller of the Azure Application Gateway reads of an Ingress, for all its backends at once
// (Azure/application-gateway-kubernetes-ingress:docs/annotations.md). Without them it asks as the readiness probe does.
const (
	appgwPrefix   = "appgw.ingress.kubernetes.io/"
	appgwPath     = appgwPrefix + "health-probe-path"
	appgwPort     = appgwPrefix + "health-probe-port"
	appgwCodes    = appgwPrefix + "health-probe-status-codes"
	appgwProtocol = appgwPrefix + "backend-protocol"
)

var appgwClasses = map[string]bool{"azure-application-gateway": true, "azure/application-gateway": true}

func isAppGateway(route *topology.Route) bool {
	for key := range route.Annotations {
		if strings.HasPrefix(key, appgwPrefix) {
			return true
		}
	}
	return appgwClasses[route.Class]
}

// azureHealth makes an Application Gateway ask the gates. What an annotation says reaches all backends of the Ingress, so
// with others among them it is not changed but reported.
func (f *fitting) azureHealth(route *topology.Route, all bool) {
	have, want := route.Annotations, map[string]string{}
	g := f.GateBehind(route)
	if !f.alike(route, manifest.P("metadata", "annotations")) {
		return
	}
	if _, on := have[appgwPath]; on {
		want[appgwPath] = g.Config.HealthPath
	}
	if _, on := have[appgwPort]; on && f.onePort(route) {
		want[appgwPort] = strconv.Itoa(g.Port)
	}
	if protocol, on := have[appgwProtocol]; on && !strings.EqualFold(protocol, g.Scheme()) || !on && g.TLS() {
		want[appgwProtocol] = g.Scheme()
	}
	if codes := have[appgwCodes]; codes != "" {
		f.codes(route.Object, manifest.P("metadata", "annotations", appgwCodes), codes, func() { want[appgwCodes] = "200" })
	}
	for _, key := range []string{appgwPath, appgwPort, appgwCodes, appgwProtocol} {
		value, changes := want[key]
		switch {
		case !changes || have[key] == value:
		case all:
			f.annotate(route.Object, have, key, value)
		default:
			f.Find(finding.Warning, route.Object, manifest.P("metadata", "annotations", key), "give the gated backends an Ingress of their own, with "+value,
				"reaches backends without a gate too, and does not fit those with one")
		}
	}
}

// onePort says whether all gates behind a route listen on one port, and refuses the route otherwise.
func (f *fitting) onePort(route *topology.Route) bool {
	first := f.GateBehind(route)
	for _, way := range f.MovedWays(route) {
		if g := f.GateOf(way.Workload); g.Port != first.Port {
			f.Find(finding.Error, route.Object, manifest.P("metadata", "annotations", appgwPort), "take it away, give both gates one port with --port, or each a route of its own",
				"is said once for all backends, but the gates of %s and %s listen on %d and %d", first.Ref().Short(), g.Ref().Short(), first.Port, g.Port)
			return false
		}
	}
	return true
}

// azureService does so for a Service that is an Azure load balancer itself
// (kubernetes-sigs/cloud-provider-azure:docs/topics/loadbalancer.md). A probe of the port alone is left at that.
func (f *fitting) azureService(svc *topology.Service) {
	const prefix = "service.beta.kubernetes.io/"
	have, g := svc.Annotations, f.Behind(svc)
	set := func(path, protocol string) {
		if _, on := have[path]; on || strings.HasPrefix(strings.ToLower(have[protocol]), "http") {
			f.annotate(svc.Object, have, path, g.Config.HealthPath)
		}
		if asked := strings.ToLower(have[protocol]); strings.HasPrefix(asked, "http") && asked != g.Scheme() {
			f.annotate(svc.Object, have, protocol, g.Scheme())
		}
	}
	set(prefix+"azure-load-balancer-health-probe-request-path", prefix+"azure-load-balancer-health-probe-protocol")
	if _, on := have[prefix+"azure-load-balancer-health-probe-request-path"]; on {
		f.otherPorts(svc, prefix+"azure-load-balancer-health-probe-request-path")
	}
	for _, port := range svc.Ports {
		if one := prefix + "port_" + strconv.Itoa(port.Number) + "_health-probe_"; f.Moved(port) {
			set(one+"request-path", one+"protocol")
		}
	}
}
