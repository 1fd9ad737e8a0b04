// Package stranger owns judging objects of kinds that kauth does not know: whether their kind may be a route, and whether
// they name a Service as something to lead to. It reads only.
package stranger

import (
	"slices"
	"strings"
)

// knownGroups are the API groups whose kinds topology reads, or which lead nowhere from outside, but for oddKinds. Groups
// of Kubernetes itself count too; they have no dot, or end in .k8s.io.
var knownGroups = []string{
	"monitoring.coreos.com", "traefik.io", "traefik.containo.us", "networking.istio.io", "security.istio.io", "route.openshift.io",
	"projectcontour.io", "kauth.dev", "contour.heptio.com", "elbv2.k8s.aws", "gateway.k8s.aws", "cert-manager.io", "operator.victoriametrics.com",
	"cloud.google.com",
}

var oddKinds = map[string]bool{"EnvoyFilter": true, "ExtensionService": true}

// Known says whether kauth knows what a kind does: topology reads it, or it is no way in.
func Known(group, kind string) bool {
	return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") || slices.Contains(knownGroups, group) && !oddKinds[kind]
}

// RouteGroups are API groups, none of which kauth reads, whose objects lead from outside to Services: their ingress
// controllers, gateways and tunnels. docs/verify.md names them in its ClusterRole.
var RouteGroups = []string{
	"apisix.apache.org", "cis.f5.com", "configuration.konghq.com", "consul.hashicorp.com", "core.haproxy.org", "gateway.envoyproxy.io",
	"gateway.kgateway.dev", "gateway.nginx.org", "gateway.solo.io", "getambassador.io", "gloo.solo.io", "http.keda.sh", "ingress.k8s.ngrok.com",
	"ingress.v1.haproxy.org", "ingress.v3.haproxy.org", "k8s.nginx.org", "networking.cfargotunnel.com", "ngrok.k8s.ngrok.com", "tailscale.com",
	"tyk.tyk.io", "voyager.appscode.com", "x.getambassador.io", "zalando.org",
}

// routeEnds are how kinds of routes are called in groups that nobody has heard of.
var routeEnds = []string{
	"Route", "RouteGroup", "RouteTable", "Ingress", "Mapping", "VirtualServer", "TransportServer", "VirtualService", "VirtualHost", "Upstream",
	"HTTPProxy", "TCPProxy", "ReverseProxy", "EnvoyConfig", "EnvoyFilter", "LocalRedirectPolicy", "ExtensionService", "Tunnel", "TunnelBinding",
}

// IsRoute says whether a kind is one of routes by its group, or looks like one by its name.
func IsRoute(group, kind string) bool {
	if Harmless(group) != "" && !mixed[group] {
		return false
	}
	return slices.Contains(RouteGroups, group) || slices.ContainsFunc(routeEnds, func(end string) bool {
		return strings.HasSuffix(kind, end) || strings.HasSuffix(kind, end+"TCP") || strings.HasSuffix(kind, end+"UDP")
	})
}

// harmless are groups whose objects lead nobody from outside to a Service, and what they are instead. A group with a dot
// before it stands for all that end so.
var harmless = map[string]string{
	"acme.cert-manager.io":              "certificates; its solvers are Ingresses and HTTPRoutes, which are read",
	"argoproj.io":                       "deployments; their routes are objects of other kinds",
	".fluxcd.io":                        "deployments",
	".cattle.io":                        "management of clusters",
	".crossplane.io":                    "resources outside the cluster",
	".cluster.x-k8s.io":                 "machines of clusters",
	".external-secrets.io":              "Secrets",
	"external-secrets.io":               "Secrets",
	"bitnami.com":                       "Secrets",
	"secrets-store.csi.x-k8s.io":        "Secrets",
	"kyverno.io":                        "policies of admission",
	".kyverno.io":                       "policies of admission",
	".gatekeeper.sh":                    "policies of admission",
	"wgpolicyk8s.io":                    "reports of policies",
	"aquasecurity.github.io":            "reports of scans",
	"velero.io":                         "backups",
	"longhorn.io":                       "disks",
	".rook.io":                          "disks",
	"keda.sh":                           "numbers of pods; it asks Services, and leads nobody there",
	"eventing.keda.sh":                  "events of keda",
	"karpenter.sh":                      "nodes",
	"karpenter.k8s.aws":                 "nodes",
	"vpcresources.k8s.aws":              "addresses of pods",
	"crd.k8s.amazonaws.com":             "addresses of pods",
	"cilium.io":                         "policies and addresses of pods, one object for each pod",
	"crd.projectcalico.org":             "policies and addresses of pods",
	"projectcalico.org":                 "policies and addresses of pods",
	"whereabouts.cni.cncf.io":           "addresses of pods",
	"k8s.cni.cncf.io":                   "networks of pods",
	"metallb.io":                        "addresses of Services",
	"grafana.integreatly.org":           "what Grafana shows, and asks",
	"logging.banzaicloud.io":            "logs",
	"opentelemetry.io":                  "telemetry",
	"jaegertracing.io":                  "telemetry",
	"telemetry.istio.io":                "telemetry",
	"extensions.istio.io":               "plugins of proxies",
	"policy.linkerd.io":                 "requests inside the mesh",
	"linkerd.io":                        "requests inside the mesh",
	"split.smi-spec.io":                 "requests inside the mesh",
	"specs.smi-spec.io":                 "requests inside the mesh",
	"tekton.dev":                        "jobs",
	"operators.coreos.com":              "installation of operators",
	"config.openshift.io":               "settings of the cluster",
	"packages.operators.coreos.com":     "installation of operators",
	"machineconfiguration.openshift.io": "nodes",
}

// mixed are harmless groups with some kinds of routes among theirs.
var mixed = map[string]bool{"cilium.io": true}

// Harmless returns why no object of a group is a way in, but for those that IsRoute names, "" where that is not known.
func Harmless(group string) string {
	if why := harmless[group]; why != "" {
		return why
	}
	for rest := group; rest != ""; {
		_, after, found := strings.Cut(rest, ".")
		if !found {
			return ""
		}
		if why := harmless["."+after]; why != "" {
			return why
		}
		rest = after
	}
	return ""
}
