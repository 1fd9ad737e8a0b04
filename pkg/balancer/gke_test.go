package balancer_test

import (
	"testing"

	"github.com/kauth-dev/kauth/pkg/choice"
	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/planner"
	"github.com/kauth-dev/kauth/pkg/testenv/streams"
	"github.com/kauth-dev/kauth/pkg/topology"
)

const gkeStream = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec: {template: {metadata: {labels: {app: d}}, spec: {containers: [{name: c, ports: [{containerPort: 80}]}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: s, annotations: {cloud.google.com/app-protocols: 'PROTOCOLS', cloud.google.com/backend-config: 'CONFIG'}}
spec: {type: NodePort, selector: {app: d}, ports: [{name: web, port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i, annotations: {kubernetes.io/ingress.class: gce}}
spec: {defaultBackend: {service: {name: s, port: {name: web}}}}
`

// What people wrote into GKE's annotations of JSON: good, of no use, and that which is neither.
func TestJSONOfGKE(t *testing.T) {
	const key = "cloud.google.com/app-protocols"
	for _, c := range []struct{ protocols, config, want string }{
		{"{}", "{}", `{"web":"HTTPS"}`},
		{`{"web":"HTTP","other":"HTTP2"}`, "{}", `{"other":"HTTP2","web":"HTTPS"}`},
		{`{"web":"HTTPS"}`, "{}", ""},
		{"null", "null", `{"web":"HTTPS"}`},
		{"[]", `{"ports":null,"default":"none"}`, ""},
		{"{", "{", ""},
	} {
		text := streams.Spoil(t, streams.Spoil(t, gkeStream, "PROTOCOLS", c.protocols), "CONFIG", c.config)
		s, m := streams.Resolve(t, text)
		p := planner.Make(m, s, planner.Options{
			Targets: []choice.Target{{Kind: "deploy", Name: "d", Port: topology.Port{Number: 80}}}, Settings: config.Settings{TLSSecret: "tls"}, Version: "v1",
		})
		if errs := finding.Errors(p.Findings); len(errs) > 0 {
			t.Fatal(errs)
		}
		got := ""
		for _, a := range p.Annotations {
			if a.Key == key {
				got = a.Value
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.protocols, got, c.want)
		}
	}
}
