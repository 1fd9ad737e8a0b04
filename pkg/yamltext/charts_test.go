package yamltext

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// charts returns the documents of the real charts, as Helm renders them.
func charts(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testenv.Shared(t), "manifests", "*", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no charts %s: %v", pattern, err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for i, doc := range splitDocuments(raw) {
			out[fmt.Sprintf("%s/%s#%d", filepath.Base(filepath.Dir(f)), filepath.Base(f), i)] = doc
		}
	}
	return out
}

func splitDocuments(raw []byte) [][]byte {
	var docs [][]byte
	start := 0
	for p := 0; p < len(raw); {
		if bytes.HasPrefix(raw[p:], []byte("---")) && p > start {
			docs = append(docs, raw[start:p])
			start = p
		}
		i := bytes.IndexByte(raw[p:], '\n')
		if i < 0 {
			break
		}
		p += i + 1
	}
	return append(docs, raw[start:])
}

// find calls f for each value below n whose key is key.
func find(n *yaml.Node, key string, f func(v *yaml.Node)) {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == key {
			f(c)
		}
		find(c, key, f)
	}
}

const sidecar = `name: guard
image: "example.org/guard:v1"
args:
- --listen=:8181
- --realm=A realm
ports:
- name: guard
  containerPort: 8181
readinessProbe:
  httpGet: {path: /readyz, port: 8182}
volumeMounts: []
`

// guard does to a document what the filters do to a workload.
func guard(t testing.TB, root *yaml.Node) {
	find(root, "metadata", func(m *yaml.Node) {
		if m.Kind != yaml.MappingNode {
			return
		}
		done := false
		find(&yaml.Node{Kind: yaml.MappingNode, Content: m.Content}, "annotations", func(a *yaml.Node) {
			if done = true; a.Kind == yaml.MappingNode {
				a.Content = append(a.Content, fresh(t, `guard/port: "8181"`).Content...)
			}
		})
		if !done {
			m.Content = append(m.Content, fresh(t, "annotations:\n  guard/port: \"8181\"").Content...)
		}
	})
	find(root, "containers", func(c *yaml.Node) {
		if c.Kind == yaml.SequenceNode {
			c.Content = append(c.Content, fresh(t, sidecar))
		}
	})
	find(root, "targetPort", func(p *yaml.Node) {
		if p.Kind == yaml.ScalarNode {
			p.Value += "8"
		}
	})
}

// unguard takes out again what guard put in, with before as the model of what was there.
func unguard(now, before *yaml.Node) {
	if now.Kind == yaml.ScalarNode && before.Kind == yaml.ScalarNode {
		now.Value = before.Value
	}
	if len(now.Content) > len(before.Content) {
		now.Content = now.Content[:len(before.Content)]
	}
	for i := range now.Content {
		unguard(now.Content[i], before.Content[i])
	}
}

func TestMergeCharts(t *testing.T) {
	for name, raw := range charts(t, "*.yaml") {
		doc, err := Parse(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if doc == nil || content(doc).Kind != yaml.MappingNode {
			continue
		}
		for _, variant := range []struct {
			name string
			raw  []byte
		}{
			{name, raw},
			{name + " crlf", bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))},
			{name + " cut", bytes.TrimRight(raw, "\n")},
		} {
			checkChart(t, variant.name, variant.raw)
		}
	}
}

func checkChart(t *testing.T, name string, raw []byte) {
	t.Helper()
	doc, err := Parse(raw)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	after := Clone(doc)
	guard(t, content(after))
	out, err := Merge(raw, doc, after)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if lost := missingLine(string(raw), string(out)); lost != "" {
		t.Errorf("%s: the line %q was touched", name, lost)
	}
	got, err := Parse(out)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if err := verify(content(after), content(got)); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	back := Clone(got)
	unguard(content(back), content(doc))
	restored, err := Merge(out, got, back)
	if err != nil {
		t.Errorf("%s: undo: %v", name, err)
		return
	}
	if !bytes.Equal(restored, raw) && !strippedEnd(raw, doc) {
		t.Errorf("%s: not the same after undoing", name)
	}
}

// missingLine returns the first line of before that is not found in after in the same order, edited places aside.
func missingLine(before, after string) string {
	lines := strings.Split(after, "\n")
	for line := range strings.SplitSeq(before, "\n") {
		if strings.Contains(line, "targetPort:") || strings.Contains(line, "{}") {
			continue
		}
		i := 0
		for i < len(lines) && strings.TrimSuffix(lines[i], "\r") != strings.TrimSuffix(line, "\r") {
			i++
		}
		if i == len(lines) {
			return line
		}
		lines = lines[i+1:]
	}
	return ""
}

func BenchmarkMerge(b *testing.B) {
	for name, raw := range charts(b, "deployment-alb.yaml") {
		if !bytes.Contains(raw, []byte("kind: Deployment")) || !bytes.Contains(raw, []byte("prometheus-server")) {
			continue
		}
		doc, err := Parse(raw)
		if err != nil {
			b.Fatal(err)
		}
		after := Clone(doc)
		guard(b, content(after))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Merge(raw, doc, after); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+" parse only", func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				if _, err := Parse(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
