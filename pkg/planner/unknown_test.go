package planner_test

import (
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/planner"
)

// TestUnknown is about kinds that may be ways in for all that kauth knows.
func TestUnknown(t *testing.T) {
	base := workload("ports: [{containerPort: 80}]") + service("prom", "selector: {app: d}, ports: [{port: 80}]")
	for _, c := range []struct{ name, text, want string }{
		{
			"a URL", object("getambassador.io/v2", "Mapping", "m", "spec: {prefix: /, service: 'http://prom.default:80'}"),
			`Mapping m: spec.service: names the Service "prom" of a gated workload, and kauth does not know what a Mapping of getambassador.io does with it`,
		},
		{"in a list", object("k8s.nginx.org/v1", "VirtualServer", "v", "spec: {upstreams: [{name: u, service: prom}]}"), "VirtualServer v: spec.upstreams[0].service: names"},
		{"by an alias", object("x.example.com/v1", "X", "x", "data: &a {b: prom}\nspec: [*a]"), "X x: data.b: names"},
		{"another Service", object("getambassador.io/v2", "Mapping", "m", "spec: {service: prometheus}"), ""},
		{"in the metadata", object("getambassador.io/v2", "Mapping", "prom", "spec: {}"), ""},
		{"a workload", object("argoproj.io/v1", "Rollout", "prom", "spec: {template: {metadata: {labels: {app: x}}, spec: {containers: [{name: prom}]}}}"), ""},
		{"a known kind", object("monitoring.coreos.com/v1", "ServiceMonitor", "m", "spec: {jobLabel: prom}"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, f := range makePlan(t, base+c.text, planner.Options{Targets: target(t, "deploy/d")}).Findings {
				if f.Severity != finding.Info {
					got = append(got, f.String())
				}
			}
			if all := strings.Join(got, "\n"); c.want == "" && all != "" || !strings.HasPrefix(all, c.want) {
				t.Errorf("got %q, want %q", all, c.want)
			}
		})
	}
}
