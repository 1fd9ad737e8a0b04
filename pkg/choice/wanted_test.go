package choice_test

import (
	"testing"

	"github.com/kauth-dev/kauth/pkg/choice"
	"github.com/kauth-dev/kauth/pkg/testenv/streams"
)

// plainStream is a workload without a gate, which would get one by its labels, and its Service.
const plainStream = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: prom, namespace: ns}
spec: {template: {metadata: {labels: {app: prometheus}}, spec: {containers: [{name: c, image: prom, ports: [{containerPort: 9090}]}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: s, namespace: ns}
spec: {selector: {app: prometheus}, ports: [{port: 9090}]}
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
		{"left out by its Service", "name: s, namespace: ns", "name: s, namespace: ns, annotations: {kauth.dev/gate: disabled}", "", true},
		{"an auth proxy to which nothing leads", "image: prom", "image: quay.io/oauth2-proxy/oauth2-proxy:v7", "by default", false},
		{"a hook", "{name: prom, namespace: ns}", "{name: prom, namespace: ns, annotations: {helm.sh/hook: test}}", "", false},
	} {
		_, m := streams.Resolve(t, streams.Spoil(t, plainStream, c.old, c.new))
		if reason, left := choice.Wanted(m, m.Workloads[0]); reason != c.reason || (left != nil) != c.left {
			t.Errorf("%s: %q, left out: %v", c.name, reason, left != nil)
		}
	}
}
