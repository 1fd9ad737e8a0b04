package stranger_test

import (
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/stranger"
)

// TestIsRoute: kinds by their groups and names, as their projects have them.
func TestIsRoute(t *testing.T) {
	for name, want := range map[[2]string]bool{
		{"apisix.apache.org", "ApisixRoute"}:               true,
		{"configuration.konghq.com", "TCPIngress"}:         true,
		{"k8s.nginx.org", "TransportServer"}:               true,
		{"zalando.org", "RouteGroup"}:                      true,
		{"cilium.io", "CiliumClusterwideEnvoyConfig"}:      true,
		{"cilium.io", "CiliumEndpoint"}:                    false,
		{"networking.istio.io", "EnvoyFilter"}:             true,
		{"networking.internal.knative.dev", "Ingress"}:     true,
		{"corp.example", "WebIngressTCP"}:                  true,
		{"policy.linkerd.io", "HTTPRoute"}:                 false,
		{"kustomize.toolkit.fluxcd.io", "Kustomization"}:   false,
		{"monitoring.coreos.com", "ServiceMonitor"}:        false,
		{"cert-manager.io", "Certificate"}:                 false,
		{"argoproj.io", "Application"}:                     false,
		{"networking.istio.io", "DestinationRule"}:         false,
		{"corp.example", "Routes"}:                         false,
		{"infrastructure.cluster.x-k8s.io", "AzureTunnel"}: false,
	} {
		if got := stranger.IsRoute(name[0], name[1]); got != want {
			t.Errorf("%v: %t", name, got)
		}
	}
}

// TestNamed: what names the Services prom of monitoring and shop of two namespaces, as a route, and as any other object.
func TestNamed(t *testing.T) {
	services := stranger.Services{"monitoring": {"prom": true}, "a": {"shop": true}, "b": {"shop": true}}
	for _, c := range []struct {
		namespace, text string
		route, other    string
	}{
		{"monitoring", "spec: {rules: [{backend: {name: prom, port: 80}}]}", "monitoring/prom at spec.rules[0].backend.name", "monitoring/prom at spec.rules[0].backend.name"},
		{"monitoring", "spec: {service: 'prom:9090'}", "monitoring/prom at spec.service", "monitoring/prom at spec.service"},
		{"edge", "spec: {service: 'http://prom.monitoring:9090/x'}", "monitoring/prom at spec.service", "monitoring/prom at spec.service"},
		{"edge", "spec: {service: prom, port: 80}", "", ""},
		{"edge", "spec: {upstream: {serviceName: prom, serviceNamespace: monitoring, servicePort: 80}}", "monitoring/prom at spec.upstream.serviceName", "monitoring/prom at spec.upstream.serviceName"},
		{"a", "spec: {backend: {service: shop, namespace: b, port: 1}}", "a/shop at spec.backend.service", "b/shop at spec.backend.service"},
		{"monitoring", "spec: {service: prom}", "monitoring/prom at spec.service", ""},
		{"monitoring", "spec: {datasource: {url: 'http://prom:9090'}}", "monitoring/prom at spec.datasource.url", ""},
		{"monitoring", "spec: {triggers: [{serverAddress: 'http://prom.monitoring.svc:9090'}]}", "monitoring/prom at spec.triggers[0].serverAddress", ""},
		{"monitoring", "spec: {serviceAccountName: prom, port: 1}", "monitoring/prom at spec.serviceAccountName", ""},
		{"monitoring", "spec: {service: prometheus, port: 1}", "", ""},
		{"monitoring", "metadata: {service: prom, port: 1}", "", ""},
		{"edge", "spec: {backend: 'monitoring/prom:80'}", "monitoring/prom at spec.backend", "monitoring/prom at spec.backend"},
		{"", "spec: {services: [{name: prom, namespace: monitoring, ports: [1]}]}", "monitoring/prom at spec.services[0].name", "monitoring/prom at spec.services[0].name"},
	} {
		n := yaml.MustParse(c.text).YNode()
		for route, want := range map[bool]string{true: c.route, false: c.other} {
			got := ""
			if hit := services.Named(n, c.namespace, route); hit != nil {
				got = hit.Namespace + "/" + hit.Name + " at " + hit.Field.String()
			}
			if got != want {
				t.Errorf("%s in %q, route %t: %q, want %q", c.text, c.namespace, route, got, want)
			}
		}
	}
}
