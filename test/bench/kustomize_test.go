package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// BenchmarkKustomize lets `kustomize build` make the change that kauth makes, by JSON patches that name what to change,
// which somebody would have to write by hand. It neither looks for ways in nor proves anything. A patch is written once
// for all objects of one kind and name, whatever their namespace, as that is the fastest way to say it.
func BenchmarkKustomize(b *testing.B) {
	stream, err := os.ReadFile(filepath.Join(testenv.Shared(b), "manifests/kube-prometheus-stack/alb.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	kauth, kustomize := build(b), testenv.Tool(b, "kustomize")
	chart := output(b, kauth, stream)
	for _, c := range []struct {
		name string
		in   []byte
		made func() []patch
	}{
		{"chart", stream, func() []patch { return patches(b, stream, chart) }},
		{"chart-x10", apart(stream, 10), func() []patch { return patches(b, stream, chart) }},
		{"routes-1000", routes(1000), func() []patch { return patches(b, routes(1), output(b, kauth, routes(1))) }},
		{"routes-3000", routes(3000), func() []patch { return patches(b, routes(1), output(b, kauth, routes(1))) }},
		{"routes-10000", routes(10000), func() []patch { return patches(b, routes(1), output(b, kauth, routes(1))) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			dir := b.TempDir()
			file := filepath.Join(dir, "in.yaml")
			text, err := yaml.Marshal(map[string]any{"resources": []string{"in.yaml"}, "patches": c.made()})
			if err != nil {
				b.Fatal(err)
			}
			for name, content := range map[string][]byte{file: c.in, filepath.Join(dir, "kustomization.yaml"): text} {
				if err := os.WriteFile(name, content, 0o600); err != nil {
					b.Fatal(err)
				}
			}
			if len(c.in) < 1<<20 { // the change is the same, or there is nothing to compare
				if diff := cmp.Diff(objects(b, output(b, kauth, c.in)), objects(b, output(b, kustomize, nil, "build", dir))); diff != "" {
					b.Fatalf("kustomize makes another change than kauth:\n%s", diff)
				}
			}
			b.Run("kauth", func(b *testing.B) { process(b, file, kauth) })
			if c.name == "routes-10000" {
				return // its time grows with the square of their number: this would take it minutes
			}
			b.Run("kustomize", func(b *testing.B) { process(b, os.DevNull, kustomize, "build", dir) })
		})
	}
}

// routes returns a workload that is gated, and Ingresses to it.
func routes(n int) []byte {
	var text bytes.Buffer
	text.WriteString(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: prom
spec:
  selector: {matchLabels: {app: prom}}
  template:
    metadata:
      labels: {app: prom, app.kubernetes.io/name: prometheus}
    spec:
      containers:
      - name: server
        image: prom/prometheus
        ports: [{containerPort: 9090, name: web}]
---
apiVersion: v1
kind: Service
metadata:
  name: prom
spec:
  selector: {app: prom}
  ports:
  - {name: http, port: 80, targetPort: 9090}
`)
	for i := range n {
		fmt.Fprintf(&text, `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: route-%d
spec:
  rules:
  - host: h%d.example.com
    http:
      paths:
      - path: /
        pathType: Prefix
        backend: {service: {name: prom, port: {number: 80}}}
`, i, i)
	}
	return text.Bytes()
}

// apart is repeat with names of their own for objects without a namespace, two of which kustomize does not take.
func apart(stream []byte, times int) []byte {
	var all []string
	for i := range times {
		for doc := range strings.SplitSeq(string(stream), "\n---\n") {
			if strings.Contains(doc, "\n  namespace: monitoring\n") {
				doc = strings.ReplaceAll(doc, "namespace: monitoring\n", fmt.Sprintf("namespace: monitoring-%d\n", i))
			} else {
				doc = strings.Replace(doc, "\n  name: ", fmt.Sprintf("\n  name: x%d-", i), 1)
			}
			all = append(all, strings.TrimSuffix(doc, "\n"))
		}
	}
	return []byte(strings.Join(all, "\n---\n") + "\n")
}

// output runs a program once.
func output(b *testing.B, name string, in []byte, args ...string) []byte {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), name, args...)
	var complaint bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &complaint
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("%v\n%s", err, complaint.String())
	}
	return out
}

// objects reads a stream, by kind, namespace and name.
func objects(b *testing.B, stream []byte) map[string]any {
	b.Helper()
	all := map[string]any{}
	for doc := range strings.SplitSeq("\n"+string(stream), "\n---") {
		var o struct {
			Kind     string
			Metadata struct{ Namespace, Name string }
		}
		var whole any
		if err := yaml.Unmarshal([]byte(doc+"\n"), &o); err != nil {
			b.Fatal(err)
		}
		if err := yaml.Unmarshal([]byte(doc+"\n"), &whole); err != nil {
			b.Fatal(err)
		}
		if m, ok := whole.(map[string]any); ok { // kustomize drops annotations that are there and empty
			if metadata, ok := m["metadata"].(map[string]any); ok && (metadata["annotations"] == nil || reflect.DeepEqual(metadata["annotations"], map[string]any{})) {
				delete(metadata, "annotations")
			}
		}
		if o.Kind != "" {
			all[o.Kind+" "+o.Metadata.Namespace+"/"+o.Metadata.Name] = whole
		}
	}
	return all
}

// A patch is an entry of a kustomization's patches.
type patch struct {
	Target target `json:"target"`
	Patch  string `json:"patch"`
}

type target struct {
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
}

// patches returns what makes out of in. The one route of routes stands for all.
func patches(b *testing.B, in, out []byte) []patch {
	b.Helper()
	before, after := objects(b, in), objects(b, out)
	var all []patch
	for _, key := range sorted(before) {
		var ops []map[string]any
		operations("", before[key], after[key], &ops)
		if len(ops) == 0 {
			continue
		}
		text, err := json.Marshal(ops)
		if err != nil {
			b.Fatal(err)
		}
		kind, name, _ := strings.Cut(key, " ")
		p := patch{target{kind, "^" + name[strings.Index(name, "/")+1:] + "$"}, string(text)}
		if strings.HasPrefix(name, "/route-") {
			p.Target.Name = ""
		}
		all = append(all, p)
	}
	return all
}

// operations lists the steps of a JSON patch, RFC 6902.
func operations(at string, before, after any, ops *[]map[string]any) {
	if b, ok := before.(map[string]any); ok {
		if a, ok := after.(map[string]any); ok {
			for _, k := range sorted(a) {
				path := at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(k)
				if old, ok := b[k]; ok {
					operations(path, old, a[k], ops)
				} else {
					*ops = append(*ops, map[string]any{"op": "add", "path": path, "value": a[k]})
				}
			}
			return
		}
	}
	if b, ok := before.([]any); ok {
		if a, ok := after.([]any); ok && len(a) >= len(b) {
			for i := range a {
				if i < len(b) {
					operations(fmt.Sprintf("%s/%d", at, i), b[i], a[i], ops)
				} else {
					*ops = append(*ops, map[string]any{"op": "add", "path": at + "/-", "value": a[i]})
				}
			}
			return
		}
	}
	if !reflect.DeepEqual(before, after) {
		*ops = append(*ops, map[string]any{"op": "replace", "path": at, "value": after})
	}
}

func sorted(m map[string]any) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
