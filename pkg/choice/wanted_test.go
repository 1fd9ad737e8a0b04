package choice_test

import (
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/choice"
	"github.com/kauth-dev/kauth/pkg/testenv/streams"
)

// ungatedStream is a workload whose gate nothing says to be one of kauth.
const ungatedStream = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: prom, namespace: ns}
spec:
  template:
    metadata: {labels: {app: prometheus}}
    spec:
      containers:
      - {name: prometheus, image: prom, ports: [{name: web, containerPort: 9090}]}
      - {name: kauth-proxy, image: gate, args: [--upstream=http://127.0.0.1:9090, --users-file=/x], ports: [{name: kauth, containerPort: 8181}]}
      - {name: config-reloader, image: "quay.io/prometheus-operator/prometheus-config-reloader:v1", ports: [{name: reloader, containerPort: 8080}]}
      - {name: oauth, image: "quay.io/oauth2-proxy/oauth2-proxy:v7", ports: [{name: oauth, containerPort: 4180}]}
---
apiVersion: v1
kind: Service
metadata: {name: s, namespace: ns}
spec:
  type: NodePort
  selector: {app: prometheus}
  ports: [{name: a, port: 1, targetPort: kauth}, {name: b, port: 2, targetPort: web}, {name: c, port: 3, targetPort: reloader}, {name: d, port: 4, targetPort: oauth}, {name: e, port: 5, targetPort: 7777}]
`

func TestWanted(t *testing.T) {
	for _, c := range []struct {
		name, old, new, reason string
		left                   bool
	}{
		{"by its labels", "", "", "by default", false},
		{"unknown program", "app: prometheus", "app: other", "", false},
		{"asked for by its Service", "name: s, namespace: ns", "name: s, namespace: ns, annotations: {kauth.dev/gate: enabled}", "as the annotation of Service ns/s asks", false},
		{"left out", "{name: prom, namespace: ns}", "{name: prom, namespace: ns, annotations: {kauth.dev/gate: disabled}}", "", true},
		{"a hook", "{name: prom, namespace: ns}", "{name: prom, namespace: ns, annotations: {helm.sh/hook: test}}", "", false},
	} {
		text := streams.Spoil(t, ungatedStream, c.old, c.new) // which sees that it is there
		if c.old != "" {
			text = strings.ReplaceAll(ungatedStream, c.old, c.new)
		}
		_, m := streams.Resolve(t, text)
		if reason, left := choice.Wanted(m, m.Workloads[0]); reason != c.reason || (left != nil) != c.left {
			t.Errorf("%s: %q, left out: %v", c.name, reason, left != nil)
		}
	}
}
