package eject_test

import (
	"bytes"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/filters/annotation"
	"github.com/kauth-dev/kauth/pkg/filters/eject"
	"github.com/kauth-dev/kauth/pkg/filters/filtertest"
	"github.com/kauth-dev/kauth/pkg/filters/route"
	"github.com/kauth-dev/kauth/pkg/filters/service"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

// TestThereAndBack records each edit, writes the text, reads it again, ejects, and wants the first bytes back.
func TestThereAndBack(t *testing.T) {
	port := service.AddPort{Name: "kauth", Number: 8181, Target: "kauth", Names: []service.NewName{{Field: manifest.P("spec", "ports", 0), Name: "web"}}}
	move := service.Retarget{Field: manifest.P("spec", "ports", 0), Target: "kauth"}
	note := annotation.Filter{Key: "note", Value: "new: \"text\"\nof two lines"}
	reroute := route.Filter{Field: manifest.P("spec", "port"), Port: manifest.Number(8181)}
	for _, c := range []struct {
		name, in string
		filter   yaml.Filter
	}{
		{"field absent", "kind: Service\nspec:\n  ports:\n  - port: 80\n", port},
		{"field null", "kind: Service\nmetadata:\n  annotations:\nspec:\n  ports:\n  - {port: 80}\n", port},
		{"empty mapping", "kind: Service\nmetadata:\n  annotations: {} # none\nspec:\n  ports: [{port: 80}]\n", port},
		{"flow style", "{kind: Service, spec: {ports: [{port: 80}]}}\n", port},
		{"commented value", "kind: Service\nspec:\n  ports:\n  - port: 80\n    targetPort: 9090 # app\n", move},
		{"null value", "kind: Service\nspec:\n  ports:\n  - port: 80\n    targetPort: ~\n", move},
		{"plain value in flow style", "kind: X\nmetadata: {annotations: {note: old, z: z}}\n", note},
		{"single quotes", "kind: X\nmetadata: {annotations: {note: 'it''s'}}\n", note},
		{"quoted number", "kind: X\nspec: {port: \"80\"}\n", reroute},
		{"carriage returns", "kind: X\r\nspec:\r\n  port: 80\r\n", reroute},
		{"no final newline", "kind: X\nspec:\n  port: 80", reroute},
		{"folded", "kind: X\nmetadata:\n  annotations:\n    note: >-\n      a\n        b\n\n      c\n    z: z\n", note},
		{"folded on one line", "kind: X\nmetadata:\n  annotations:\n    note: >-\n      a\n", note},
		{"folded with its last break", "kind: X\nmetadata:\n  annotations:\n    note: >\n      a\n      b\nspec: {}\n", note},
		{"literal with its last break", "kind: X\nmetadata:\n  annotations:\n    note: | # why\n      a\n\n      b\n\nspec: {}\n", note},
		{"literal on one line", "kind: X\nmetadata:\n  annotations:\n    note: |\n      a\n    z: z\n", note},
		{"literal that keeps its breaks", "kind: X\nmetadata:\n  annotations:\n    note: |+\n      a\n\n    z: z\n", note},
		{"quotes over two lines", "kind: X\nmetadata:\n  annotations:\n    note: \"a\n      b\"\n", note},
		{"plain over two lines", "kind: X\nmetadata:\n  annotations:\n    note: a\n      b\n", note},
		{"escapes", "kind: X\nmetadata:\n  annotations:\n    note: \"\\x41\"\n", note},
		{"folded with carriage returns", "kind: X\r\nmetadata:\r\n  annotations:\r\n    note: >-\r\n      a\r\n      b\r\n", note},
		{"json", "{\"kind\": \"X\", \"spec\": {\"port\": \"web\"}}\n", reroute},
		{"two objects", "kind: X\nspec: {port: 80}\n---\nkind: Y\nspec: {port: 80}\n", reroute},
	} {
		t.Run(c.name, func(t *testing.T) {
			marked := record(t, c.in, c.filter)
			if !strings.Contains(marked, gateconf.AnnotationUndo) {
				t.Fatalf("no record in:\n%s", marked)
			}
			s, err := manifest.Read([]byte(marked))
			if err != nil {
				t.Fatal(err)
			}
			o := s.Objects()[0]
			o.Edit()
			if _, err := (eject.Filter{}).Filter(o.RNode()); err != nil {
				t.Fatal(err)
			}
			if got := text(t, s); got != c.in {
				t.Errorf("got %q\nwant %q\nby way of\n%s", got, c.in, marked)
			}
		})
	}
}

func record(t *testing.T, in string, f yaml.Filter) string {
	t.Helper()
	s, err := manifest.Read([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	o := s.Objects()[0]
	o.Edit()
	mark := annotation.Filter{Key: gateconf.AnnotationUndo}
	for _, f := range []yaml.Filter{f, mark} {
		if _, err := f.Filter(o.RNode()); err != nil {
			t.Fatal(err)
		}
	}
	if mark.Value, err = eject.Record(o.Doc.Source, o.Before(), o.Node); err != nil {
		t.Fatal(err)
	}
	if _, err := mark.Filter(o.RNode()); err != nil {
		t.Fatal(err)
	}
	return text(t, s)
}

func text(t *testing.T, s *manifest.Stream) string {
	t.Helper()
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := s.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestFilter(t *testing.T) {
	with := func(lines ...string) string {
		return "kind: X\nmetadata:\n  annotations:\n    kauth.dev/undo: |-\n      " + strings.Join(lines, "\n      ") + "\nspec:\n  a: 1\n"
	}
	filtertest.Run(t, []filtertest.Case{
		{Name: "no record", Filter: eject.Filter{}, In: "kind: X\nspec: {a: 1}\n", Want: "kind: X\nspec: {a: 1}\n"},
		{Name: "delete", Filter: eject.Filter{}, In: with("del metadata.annotations", "del spec.a"), Want: "kind: X\nmetadata: {}\nspec: {}\n"},
		{Name: "gone already", Filter: eject.Filter{}, In: with("del metadata.annotations", "del spec.b", "set spec.a 2"), Want: "kind: X\nmetadata: {}\nspec:\n  a: 2\n"},
		{
			Name: "somebody else's annotation stays", Filter: eject.Filter{}, In: with("prune metadata.annotations", `del metadata.annotations["kauth.dev/undo"]`, "prune spec", "del spec.b"),
			Want: "kind: X\nmetadata: {}\nspec:\n  a: 1\n",
		},
		{
			Name: "what was empty is not empty any more", Filter: eject.Filter{},
			In:   "kind: X\nmetadata:\n  annotations:\n    kauth.dev/undo: |-\n      set metadata.annotations {}\n      del metadata.annotations[\"kauth.dev/undo\"]\n    other: x\n",
			Want: "kind: X\nmetadata:\n  annotations:\n    other: x\n",
		},
		{Name: "edited since", Filter: eject.Filter{}, In: with("set spec.b 2"), Err: "spec.b: not there; this object was edited after kauth"},
		{Name: "unknown line", Filter: eject.Filter{}, In: with("add spec.a"), Err: `"add spec.a": none of del, prune, set and quoted`},
		{Name: "no path", Filter: eject.Filter{}, In: with("set"), Err: `"" is not the path of a field`},
		{Name: "too much", Filter: eject.Filter{}, In: with("del spec.a 2"), Err: "more than a path"},
		{Name: "not a Go string", Filter: eject.Filter{}, In: with("quoted spec.a x"), Err: "invalid syntax"},
		{Name: "not YAML", Filter: eject.Filter{}, In: with("set spec.a [1"), Err: "set spec.a [1"},
		{
			Name: "key with a blank", Filter: eject.Filter{}, In: with(`del spec["no such key"]`, "del metadata.annotations", "set spec.a 'b c'"),
			Want: "kind: X\nmetadata: {}\nspec:\n  a: 'b c'\n",
		},
	})
}
