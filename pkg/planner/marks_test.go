package planner_test

import (
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/planner"
)

// TestMarks is about the annotation kauth.dev/gate in each place where it counts.
func TestMarks(t *testing.T) {
	mark := func(text, value string) string {
		return strings.Replace(text, "metadata: {name", "metadata: {annotations: {kauth.dev/gate: "+value+"}, name", 1)
	}
	app := workload("ports: [{containerPort: 80}, {name: side, containerPort: 81}]")
	template := strings.Replace(app, "{metadata: {labels", "{metadata: {annotations: {kauth.dev/gate: enabled}, labels", 1)
	svc, ing := service("s", "selector: {app: d}, ports: [{port: 80}]"), ingress("i", "", path("s", 80))
	routed := strings.Replace(ing, "annotations: {}", "annotations: {kauth.dev/gate: enabled}", 1)
	side := service("side", "type: NodePort, selector: {app: d}, ports: [{port: 81, targetPort: side}]")
	for _, c := range []struct{ name, text, gate, want string }{ // want: gated, or an error
		{"nowhere", app + svc + ing, "", ""},
		{"workload", mark(app, "enabled") + svc + ing, "", "gated"},
		{"pod template", template + svc + ing, "", "gated"},
		{"Service", app + mark(svc, "enabled") + ing, "", "gated"},
		{"route", app + svc + routed, "", "gated"},
		{"route to nothing", app + routed, "", "Ingress i: metadata.annotations[\"kauth.dev/gate\"]: enables nothing"},
		{"Service of nothing", app + mark(service("s", "selector: {app: x}, ports: [{port: 80}]"), "enabled"), "", "Service s: metadata.annotations[\"kauth.dev/gate\"]: enables nothing"},
		{"disabled, and named", mark(app, "disabled") + svc, "deploy/d:80", "remove one of the two"},
		{"disabled by the Service, and named", app + mark(svc, "disabled"), "deploy/d:80", "remove one of the two"},
		{"a side door", app + svc + ing + side, "deploy/d:80", "Service side: spec.ports[0]: leads to port 81 (side) of Deployment d, but the gate stands before port 80"},
		{"a side door that is left open", app + svc + ing + mark(side, "disabled"), "deploy/d:80", "gated"},
		{"a label", strings.Replace(app, "{app: d}", "{app: d, kauth.dev/gate: enabled}", 1), "", "a label, which kauth does not read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := makePlan(t, c.text, planner.Options{Targets: target(t, c.gate), AllowNone: true})
			got := errorsOf(p)
			if got == "" && len(p.Gates) == 1 {
				got = "gated"
			}
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
