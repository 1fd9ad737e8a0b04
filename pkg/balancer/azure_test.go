package balancer_test

import (
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/choice"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/planner"
	"github.com/kauth-dev/kauth/pkg/testenv/streams"
)

const azureStream = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec: {template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c, ports: [{name: web, containerPort: 80}]}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: b}
spec: {template: {metadata: {labels: {app: b}}, spec: {containers: [{name: c, ports: [{name: web, containerPort: 80}]}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {selector: {app: a}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: b}
spec: {selector: {app: b}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i, annotations: {appgw.ingress.kubernetes.io/health-probe-port: '80'}}
spec:
  rules:
  - http:
      paths:
      - {path: /a, backend: {service: {name: a, port: {number: 80}}}}
      - {path: /b, backend: {service: {name: b, port: {number: 80}}}}
`

// The Application Gateway asks all backends of an Ingress at one port: the gates' where they have the same, and else none fits.
func TestProbePortOfAzure(t *testing.T) {
	for _, c := range []struct{ name, old, changed, want, wrong string }{
		{"one port", "", "", "8181", ""},
		{
			"another in one pod", "{name: b}\nspec: {template: {metadata: {labels: {app: b}}, spec: {containers: [{name: c, ports: [{name: web, containerPort: 80}",
			"{name: b}\nspec: {template: {metadata: {labels: {app: b}}, spec: {containers: [{name: c, ports: [{name: web, containerPort: 80}, {name: x, containerPort: 8181}", "",
			`Ingress i: metadata.annotations["appgw.ingress.kubernetes.io/health-probe-port"]: is said once for all backends, but the gates of Deployment a and Deployment b listen on 8181 and 8183; take it away, give both gates one port with --port, or each a route of its own`,
		},
	} {
		s, m := streams.Resolve(t, streams.Spoil(t, azureStream, c.old, c.changed))
		var targets []choice.Target
		for _, text := range []string{"deploy/a:web", "deploy/b:web"} {
			target, err := choice.ParseTarget(text)
			if err != nil {
				t.Fatal(err)
			}
			targets = append(targets, target)
		}
		p := planner.Make(m, s, planner.Options{Targets: targets, Version: "v1"})
		var wrong []string
		for _, f := range finding.Errors(p.Findings) {
			wrong = append(wrong, f.String())
		}
		if got := strings.Join(wrong, "\n"); got != c.wrong {
			t.Errorf("%s: %q, want %q", c.name, got, c.wrong)
		}
		got := ""
		for _, a := range p.Annotations {
			if strings.HasSuffix(a.Key, "health-probe-port") {
				got = a.Value
			}
		}
		if got != c.want {
			t.Errorf("%s: port %q, want %q", c.name, got, c.want)
		}
	}
}
