package proof_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/proof"
	"github.com/kauth-dev/kauth/pkg/testenv/streams"
)

// standingStream is a workload behind a gate, with every kind of way that leads to it, or past it.
const standingStream = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: prom, namespace: ns, annotations: {kauth.dev/gate: "8181 -> http://127.0.0.1:9090"}}
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
---
apiVersion: v1
kind: Service
metadata: {name: later, namespace: ns}
spec: {type: NodePort, selector: {app: prometheus, role: leader}, ports: [{port: 1, targetPort: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: left, namespace: ns, annotations: {kauth.dev/allow-open: "spec.ports[0]: leads there"}}
spec: {type: NodePort, selector: {app: prometheus}, ports: [{name: a, port: 1, targetPort: web}, {name: b, port: 2, targetPort: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: out, namespace: ns, annotations: {kauth.dev/gate: disabled}}
spec: {type: NodePort, selector: {app: prometheus}, ports: [{port: 1, targetPort: 7777}]}
`

func TestPast(t *testing.T) {
	_, m := streams.Resolve(t, standingStream)
	w := m.Workloads[0]
	s := proof.Stands(w)
	if s.Problem != "" || s.Mode != "sidecar" || s.Port != 9090 {
		t.Fatalf("%+v", s)
	}
	got := map[string]string{}
	for _, way := range m.WaysTo(w) {
		if text, severity := proof.Past(m, way, s.Checked); text != "" {
			got[way.Ref().Name+" "+way.Field().String()] = string(severity) + ": " + text
		}
	}
	want := map[string]string{
		"s spec.ports[1]":     "error: leads to port 9090 (web) of Deployment ns/prom, past the gate",
		"s spec.ports[2]":     "warning: leads to port 8080 (reloader) of Deployment ns/prom, past the gate, where the operator's reloader shows its metrics",
		"s spec.ports[4]":     "error: leads to port 7777 of Deployment ns/prom, past the gate",
		"later spec.ports[0]": "warning: leads to port 9090 (web) of Deployment ns/prom, past the gate, once its pods have the labels that the Service asks for",
		"left spec.ports[0]":  "warning: leads to port 9090 (web) of Deployment ns/prom, past the gate; left open, as --allow-open asked",
		"left spec.ports[1]":  "error: leads to port 9090 (web) of Deployment ns/prom, past the gate",
		"out spec.ports[0]":   "warning: leads to port 7777 of Deployment ns/prom, past the gate; left open, as the annotation kauth.dev/gate asks",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// Without the gate, all that leads there is open.
	open := 0
	for _, way := range m.WaysTo(w) {
		if _, severity := proof.Past(m, way, proof.Checked{Ref: s.Ref}); severity == finding.Error {
			open++
		}
	}
	if open != 4 { // s has three, of which one is its gate's, and left one
		t.Errorf("%d ways are open without a gate, want 4", open)
	}
}

// Where a gate's arguments cannot be read, the ways to it are not called open, and those past it are.
func TestUnsaid(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"a good gate", "", "", ""},
		{"arguments that mean nothing", "--users-file=/x", "--no-such=1", "s spec.ports[0]"},
		{
			"the port of another container", "{name: kauth-proxy, image: gate, args: [--upstream=http://127.0.0.1:9090, --users-file=/x], ports: [{name: kauth, containerPort: 8181}]}",
			"{name: kauth-proxy, image: gate, args: [--no-such]}\n      - {name: other, image: other, ports: [{name: kauth, containerPort: 8181}]}", "",
		},
	} {
		_, m := streams.Resolve(t, streams.Spoil(t, standingStream, c.old, c.new))
		s := proof.Stands(m.Workloads[0])
		var got []string
		for _, way := range m.WaysTo(m.Workloads[0]) {
			if s.Unsaid(way) {
				got = append(got, way.Ref().Name+" "+way.Field().String())
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %q (%s)", c.name, got, s.Problem)
		}
	}
}

func TestStands(t *testing.T) {
	for _, c := range []struct{ name, old, new, mode, problem string }{
		{"as kauth left it", "", "", "sidecar", ""},
		{"no container", "kauth-proxy, image", "other, image", "sidecar", "has no container kauth-proxy"},
		{"no annotation", `kauth.dev/gate: "8181 -> http://127.0.0.1:9090"`, "", "sidecar", ""},
		{"neither", `kauth.dev/gate: "8181 -> http://127.0.0.1:9090"}}`, "}, labels: {kauth-proxy: gone}}", "sidecar", ""},
		{"another port", "8181 -> http://127.0.0.1:9090", "8182 -> http://127.0.0.1:9090", "sidecar", `is marked "8182 -> http://127.0.0.1:9090", but its gate's arguments say "8181 -> http://127.0.0.1:9090"`},
		{"arguments that mean nothing", "--users-file=/x", "--no-such=1", "sidecar", "container kauth-proxy: flag provided but not defined: -no-such"},
		{"a program's name", "args: [--upstream", "args: [/bin/sh, --upstream", "sidecar", "container kauth-proxy: "},
		{"login of the controller", "8181 -> http://127.0.0.1:9090", "ingress -> 9090", "ingress", ""},
		{"login of the application", "8181 -> http://127.0.0.1:9090", "native -> 9090", "native", "*"},
		{"garbage", "8181 -> http://127.0.0.1:9090", " -> ", "sidecar", "is marked"},
		{"enabled only", `"8181 -> http://127.0.0.1:9090"`, "enabled", "sidecar", ""},
	} {
		_, m := streams.Resolve(t, streams.Spoil(t, standingStream, c.old, c.new))
		s := proof.Stands(m.Workloads[0])
		if s.Mode != c.mode || c.problem == "" && s.Problem != "" || c.problem != "*" && !strings.HasPrefix(s.Problem, c.problem) {
			t.Errorf("%s: mode %q, problem %q", c.name, s.Mode, s.Problem)
		}
	}
}
