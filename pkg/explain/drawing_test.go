package explain_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/explain"
	"github.com/kauth-dev/kauth/pkg/inject"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/planner"
	"github.com/kauth-dev/kauth/pkg/testenv"
)

// oddNames are syntax for Mermaid, DOT, HTML, Markdown or terminals, or otherwise hard on who draws them.
var oddNames = []string{
	"end", "subgraph", "n1", `a"b`, "a]b", "[x", "x;y", "{b}", "(c)", "|pipe|", "-->", "a\nb", `a\nb\N\G\`, "%% comment",
	`%%{init: {"theme":"dark"}}%%`, "1. one", "- dash", "*st*ar_", "`tick`", "$$x^2$$", "fa:fa-car", "@{shape: x}", "www.example.com",
	"[l](javascript:alert(1))", "#35;", "&amp;&lt;", "&", "<b>bold</b>", "<script>alert(1)</script>", "über-日本-😀", "\x1b[31mred\u202e",
	`"]:::gate --> n1`, strings.Repeat("x", 253), "\ue000\ufeff\u00ad",
}

// oddStream is a Prometheus with its Service and Ingress for each odd name, and a way to a Service that is not there.
func oddStream(t *testing.T) []byte {
	t.Helper()
	type m = map[string]any
	var docs bytes.Buffer
	for i, name := range oddNames {
		app := m{"app": "a" + strings.Repeat("a", i), "app.kubernetes.io/name": "prometheus"}
		meta := m{"name": name, "namespace": oddNames[i/2]}
		backend := func(service string) m { return m{"service": m{"name": service, "port": m{"number": 80}}} }
		for _, o := range []m{
			{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": m{"template": m{
				"metadata": m{"labels": app}, "spec": m{"containers": []m{{"name": name, "image": "x", "ports": []m{{"containerPort": 9090}}}}},
			}}},
			{"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": m{"selector": app, "ports": []m{{"name": name, "port": 80, "targetPort": 9090}}}},
			{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta, "spec": m{"rules": []m{{"host": name, "http": m{"paths": []m{
				{"path": "/" + name, "backend": backend(name)}, {"path": "/gone", "backend": backend(name + "-gone")},
			}}}}}},
		} {
			text, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			docs.Write(append(text, "\n---\n"...))
		}
	}
	return docs.Bytes()
}

// streams are real charts, by their files, and the odd one.
func streams(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{"odd names": oddStream(t)}
	files, err := filepath.Glob(filepath.Join(testenv.Shared(t), "manifests", "*", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".values.yaml") {
			continue
		}
		if all[filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file)], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func draw(t *testing.T, in []byte) (*explain.Drawing, *plan.Plan) {
	t.Helper()
	m, p, err := inject.Plan(in, inject.Options{Options: planner.Options{Version: "v1", AllowNone: true}})
	if err != nil {
		t.Fatal(err)
	}
	return explain.Draw(m, p), p
}

// TestGraphviz: the real dot draws every stream without a word, and each finding is in its picture.
func TestGraphviz(t *testing.T) {
	dot := testenv.Tool(t, "dot")
	for name, in := range streams(t) {
		t.Run(name, func(t *testing.T) {
			d, p := draw(t, in)
			var text, said, picture bytes.Buffer
			if err := d.DOT(&text); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), dot, "-Tsvg")
			cmd.Stdin, cmd.Stdout, cmd.Stderr = &text, &picture, &said
			if err := cmd.Run(); err != nil || said.Len() > 0 {
				t.Fatalf("dot: %v, %s", err, said.String())
			}
			severity := regexp.MustCompile(`>(?:error|warning|info):`)
			if got := len(severity.FindAllString(picture.String(), -1)); got != len(p.Findings) {
				t.Errorf("%d findings in the picture, want %d", got, len(p.Findings))
			}
		})
	}
}

// mermaidLine is what a line of a flowchart may be: ids are numbers of ours, and a label holds nothing but plain characters,
// codes and line breaks.
var mermaidLine = regexp.MustCompile(`^(?:%%\{init: \{"flowchart": \{"wrappingWidth": 360\}\}\}%%|flowchart LR|` +
	` *n\d+\["(?:[a-zA-Z0-9 ,./-]|#\d+;|<br/>|[⛔⚠ℹ] )+"\]:::(?:outside|route|gate|application|open)|` +
	` *subgraph s\d+\["(?:[a-zA-Z0-9 ,./-]|#\d+;)*"\]| *end|` +
	`  n\d+ (?:-->|-\.->|==>)(?:\|"(?:today|with kauth)"\|)? n\d+|  classDef [a-z]+ [-a-z0-9:#,]+|  class s\d+ frame|  linkStyle \d+ [-a-z0-9:#,]+)$`)

func TestMermaidHoldsNoSyntaxOfNames(t *testing.T) {
	for name, in := range streams(t) {
		t.Run(name, func(t *testing.T) {
			d, p := draw(t, in)
			var text bytes.Buffer
			if err := d.Mermaid(&text); err != nil {
				t.Fatal(err)
			}
			notes := 0
			for line := range strings.Lines(text.String()) {
				if !mermaidLine.MatchString(strings.TrimSuffix(line, "\n")) {
					t.Errorf("%s", line)
				}
				notes += strings.Count(line, "<br/>⛔ ") + strings.Count(line, "<br/>⚠ ") + strings.Count(line, "<br/>ℹ ")
			}
			if notes != len(p.Findings) {
				t.Errorf("%d findings, want %d", notes, len(p.Findings))
			}
		})
	}
}

// TestText: each finding is said once, colours are all that they add, and no name brings codes of its own.
func TestText(t *testing.T) {
	sgr, code := regexp.MustCompile("\x1b\\[[0-9]+m"), regexp.MustCompile(`[\x00-\x09\x0b-\x1f\x7f-\x{9f}\x{202e}]`)
	finding := regexp.MustCompile(`(?m)^ +(?:error|warning|info) +`)
	for name, in := range streams(t) {
		t.Run(name, func(t *testing.T) {
			d, p := draw(t, in)
			var text, colored bytes.Buffer
			if err := d.Text(&text, false); err != nil {
				t.Fatal(err)
			}
			if err := d.Text(&colored, true); err != nil {
				t.Fatal(err)
			}
			if bad := code.FindString(text.String()); bad != "" {
				t.Errorf("code %q in plain text", bad)
			}
			if len(d.Groups) > 0 && text.Len() == colored.Len() {
				t.Error("no colours")
			}
			if sgr.ReplaceAllString(colored.String(), "") != text.String() {
				t.Error("colours change the text")
			}
			if got := len(finding.FindAllString(text.String(), -1)); got != len(p.Findings) {
				t.Errorf("%d findings, want %d", got, len(p.Findings))
			}
		})
	}
}
