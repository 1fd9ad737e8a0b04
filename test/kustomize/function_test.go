package kustomize

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const transformer = "resources: [rendered.yaml]\ntransformers: [function.yaml]\n"

// function is a functionConfig that makes kustomize run kauth, of a kind and with more fields.
func function(t *testing.T, api, kind, more string) string {
	t.Helper()
	return fmt.Sprintf(`apiVersion: %s
kind: %s
metadata:
  name: kauth
  annotations:
    config.kubernetes.io/function: |
      exec:
        path: %s
%s`, api, kind, program(t), more)
}

func gates(t *testing.T, more string) string {
	t.Helper()
	return function(t, "kauth.dev/v1alpha1", "Gates", more)
}

// TestFunctionGivesWhatInjectGives: kustomize with kauth as its function makes of a chart what inject makes of it. Only
// the record of what was there differs, for kustomize writes the objects anew before kauth sees them.
func TestFunctionGivesWhatInjectGives(t *testing.T) {
	charts(t, func(t *testing.T, text string, flags []string) {
		more := "defaults: {realm: Staff}\n"
		if len(flags) > 0 {
			kind, name, _ := strings.Cut(flags[1], "/")
			more += fmt.Sprintf("gates: [{target: {kind: %s, name: %s}}]\n", kind, name)
		}
		dir := write(t, "rendered.yaml", text, "kustomization.yaml", transformer, "function.yaml", gates(t, more))
		out, errs, err := build(t, dir)
		if err != nil {
			t.Fatalf("kustomize build: %v\n%s", err, errs)
		}
		want := must(t, dir, text, program(t), append(flags, "--realm", "Staff")...)
		if !strings.Contains(out, "--realm=Staff") {
			t.Fatal("the function gated nothing")
		}
		if diff := cmp.Diff(withoutRecord(t, want), withoutRecord(t, out)); diff != "" {
			t.Errorf("kustomize build makes something else (-inject +kustomize):\n%s", diff)
		}
		again := must(t, dir, out, program(t), append(flags, "--realm", "Staff")...)
		if diff := cmp.Diff(withoutRecord(t, out), withoutRecord(t, again)); diff != "" {
			t.Errorf("inject makes something else of the function's output:\n%s", diff)
		}
		if diff := cmp.Diff(objects(t, text), objects(t, must(t, dir, out, program(t), "eject"))); diff != "" {
			t.Errorf("eject does not take out what the function put in:\n%s", diff)
		}
	})
}

// withoutRecord is objects without the annotation kauth.dev/undo.
func withoutRecord(t *testing.T, text string) map[string]any {
	t.Helper()
	all := objects(t, text)
	for _, o := range all {
		metadata, _ := o.(map[string]any)["metadata"].(map[string]any)
		annotations, _ := metadata["annotations"].(map[string]any)
		delete(annotations, "kauth.dev/undo")
		if len(annotations) == 0 {
			delete(metadata, "annotations")
		}
	}
	return all
}

const small = `apiVersion: apps/v1
kind: Deployment
metadata: {name: prom}
spec:
  selector: {matchLabels: {app: prom}}
  template:
    metadata: {labels: {app: prom, app.kubernetes.io/name: prometheus}}
    spec: {containers: [{name: server, image: prom/prometheus, ports: [{containerPort: 9090}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: prom}
spec: {selector: {app: prom}, ports: [{name: http, port: 80, targetPort: 9090}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: prom}
spec: {rules: [{host: a.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: prom, port: {number: 80}}}}]}}]}
`

func TestFunctionOfAConfigMap(t *testing.T) {
	config := function(t, "v1", "ConfigMap", "data: {realm: From the map, users-secret: staff, gate: \"deploy/prom:9090\", port: \"9000\"}\n")
	out, errs, err := build(t, write(t, "rendered.yaml", small, "kustomization.yaml", transformer, "function.yaml", config))
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	for _, want := range []string{"- --realm=From the map\n", "- --users-secret=staff\n", "- --listen=:9000\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// TestFunctionRefuses: what kauth refuses makes kustomize fail, and print nothing.
func TestFunctionRefuses(t *testing.T) {
	for _, c := range []struct{ name, config, text, want string }{
		{"unknown field", gates(t, "defaults: {relm: Staff}\n"), small, `functionConfig: defaults.relm: unknown field; did you mean "realm"?`},
		{"no such gate", gates(t, "gates: [{target: {kind: Deployment, name: other}}]\n"), small, "functionConfig: gates[0].target: no workload of this stream matches"},
		{"a mode that is none", gates(t, "defaults: {mode: proxy}\n"), small, `functionConfig: defaults.mode: "proxy" is not a mode; use sidecar, ingress or native`},
		{"unknown flag", function(t, "v1", "ConfigMap", "data: {relm: x}\n"), small, `functionConfig: data.relm: not a flag of kauth; did you mean "realm"?`},
		{"other kind", function(t, "example.com/v1", "Thing", ""), small, `functionConfig: apiVersion: "example.com/v1", but settings are of kauth.dev/v1alpha1 Gates`},
		{"open way", gates(t, ""), strings.ReplaceAll(small, "service: {name: prom", "service: {name: nobody"), `Ingress prom: spec.rules[0].http.paths[0].backend: no Service "nobody"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, err := build(t, write(t, "rendered.yaml", c.text, "kustomization.yaml", transformer, "function.yaml", c.config))
			if err == nil || out != "" || !strings.Contains(errs, "kauth: error: "+c.want) {
				t.Errorf("err %v, stdout %q, stderr %q; want an error with %q", err, out, errs, c.want)
			}
		})
	}
}
