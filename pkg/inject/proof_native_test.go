package inject

import (
	"bytes"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/planner"
)

const nativeIn = `apiVersion: apps/v1
kind: Deployment
metadata: {name: prom}
spec:
  template:
    metadata: {labels: {app: prometheus}}
    spec:
      containers:
      - name: prometheus
        image: prom/prometheus:v3.14.0
        args: [--config.file=/p.yml]
        ports: [{name: web, containerPort: 9090}]
        readinessProbe: {httpGet: {path: /-/ready, port: web}}
---
apiVersion: v1
kind: Service
metadata: {name: prom}
spec: {type: NodePort, selector: {app: prometheus}, ports: [{port: 9090}]}
`

// TestProofSeesEachNativeEdit takes an application that asks for passwords itself, changes one thing in the output that
// opens the door, or leaves the pod without a probe that works, and wants the proof to see it.
func TestProofSeesEachNativeEdit(t *testing.T) {
	container, spec := manifest.P("spec", "template", "spec", "containers", 0), manifest.P("spec", "template", "spec")
	text := manifest.Text
	for name, change := range map[string]func(*yaml.Node) bool{
		"no argument": func(n *yaml.Node) bool { return manifest.Delete(n, container.With("args", 1)) },
		"another file": func(n *yaml.Node) bool {
			return manifest.Replace(n, container.With("args", 1), text("--web.config.file=/w"))
		},
		"two arguments": func(n *yaml.Node) bool {
			return manifest.Append(n, container.With("args"), text("--web.config.file=/w")) == nil
		},
		"no mount":  func(n *yaml.Node) bool { return manifest.Delete(n, container.With("volumeMounts", 0)) },
		"no volume": func(n *yaml.Node) bool { return manifest.Delete(n, spec.With("volumes", 0)) },
		"another Secret": func(n *yaml.Node) bool {
			return manifest.Replace(n, spec.With("volumes", 0, "secret", "secretName"), text("other-web"))
		},
		"another directory": func(n *yaml.Node) bool {
			return manifest.Replace(n, container.With("volumeMounts", 0, "mountPath"), text("/etc/kauth"))
		},
		"subPath": func(n *yaml.Node) bool {
			return manifest.Put(n, container.With("volumeMounts", 0), "subPath", text("web.yml")) == nil
		},
		"something over it": func(n *yaml.Node) bool {
			mount := manifest.Mapping("name", text("v"), "mountPath", text("/etc/kauth/web/web.yml"), "subPath", text("w"))
			return manifest.Append(n, container.With("volumeMounts"), mount) == nil
		},
		"some keys": func(n *yaml.Node) bool {
			return manifest.Put(n, spec.With("volumes", 0, "secret"), "items", manifest.Sequence()) == nil
		},
		"HTTP probe": func(n *yaml.Node) bool {
			probe := manifest.Mapping("httpGet", manifest.Mapping("port", text("web")))
			return manifest.Replace(n, container.With("readinessProbe"), probe)
		},
		"another port": func(n *yaml.Node) bool {
			return manifest.Append(n, container.With("args"), text("--web.listen-address=:9091")) == nil
		},
		"another program": func(n *yaml.Node) bool { return manifest.Replace(n, container.With("image"), text("nginx:1")) },
	} {
		t.Run(name, func(t *testing.T) {
			s, _, p, err := prepare([]byte(nativeIn), Options{Options: planner.Options{Version: "v1", Settings: config.Settings{Mode: config.ModeNative}}})
			if err != nil || len(finding.Errors(p.Findings)) > 0 {
				t.Fatal(err, p.Findings)
			}
			report := newReport("v1", p)
			if err := apply(s, p, "v1"); err != nil {
				t.Fatal(err)
			}
			if open := prove(s, "", report); len(open) > 0 {
				t.Fatalf("unchanged: %v", open)
			}
			o := s.Objects()[0]
			o.Edit()
			if !change(o.Node) {
				t.Fatal("nothing changed")
			}
			if err := s.Commit(); err != nil {
				t.Fatal(err)
			}
			if open := prove(s, "", report); len(open) == 0 {
				var out bytes.Buffer
				_, _ = s.WriteTo(&out)
				t.Errorf("nothing is said of\n%s", out.String())
			}
		})
	}
}
