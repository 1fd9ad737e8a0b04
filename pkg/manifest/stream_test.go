package manifest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

func raws(t *testing.T, in string) []string {
	t.Helper()
	var all []string
	for _, raw := range split([]byte(in)) {
		all = append(all, string(raw))
	}
	return all
}

func TestSplit(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     []string
	}{
		{"one", "a: 1\n", []string{"a: 1\n"}},
		{"two", "a: 1\n---\nb: 2\n", []string{"a: 1\n", "---\nb: 2\n"}},
		{"leading separator", "---\na: 1\n---\n", []string{"---\na: 1\n", "---\n"}},
		{"no final newline", "a: 1\n---\nb: 2", []string{"a: 1\n", "---\nb: 2"}},
		{"separator ends the input", "a: 1\n---", []string{"a: 1\n", "---"}},
		{"CRLF", "a: 1\r\n---\r\nb: 2\r\n", []string{"a: 1\r\n", "---\r\nb: 2\r\n"}},
		{"comment on the separator", "a: 1\n--- # x\nb: 2\n", []string{"a: 1\n", "--- # x\nb: 2\n"}},
		{"block scalar with three dashes", "a: |\n  x\n  ---\n  y\nb: 1\n", []string{"a: |\n  x\n  ---\n  y\nb: 1\n"}},
		{"four dashes are none", "a: 1\n----\n", []string{"a: 1\n----\n"}},
		{"document end", "a: 1\n...\nb: 2\n", []string{"a: 1\n...\n", "b: 2\n"}},
		{"document end, then separator", "a: 1\n...\n---\nb: 2\n", []string{"a: 1\n...\n", "---\nb: 2\n"}},
		{"empty documents stay", "---\n---\n# c\n---\na: 1\n", []string{"---\n", "---\n# c\n", "---\na: 1\n"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, raws(t, tc.in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzSplitJoin(f *testing.F) {
	for _, seed := range []string{"", "a", "---", "a: 1\n---\nb: |\n  ---\n---\r\n...\n", "\n---\n", "...", "....\n--- \n---x\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		parts := split(in)
		if got := bytes.Join(parts, nil); !bytes.Equal(got, in) {
			t.Fatalf("split then join of %q gives %q", in, got)
		}
		for i, part := range parts {
			if len(part) == 0 {
				t.Fatalf("part %d of %q is empty", i, in)
			}
			if again := split(part); len(again) != 1 {
				t.Fatalf("part %q of %q splits again into %q", part, in, again)
			}
		}
	})
}

const valid = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 1}]}\n"

func TestReadRefuses(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"nothing", "", "the input is empty"},
		{"blanks", " \n\t\n", "the input is empty"},
		{"invalid UTF-8", valid + "---\na: \xff\n", "line 6: byte 0xff is not UTF-8"},
		{"NUL", valid + "---\na: \x00\n", "line 6: a NUL byte"},
		{"prose", "hello world\n", `line 1: not a Kubernetes object: expected fields such as apiVersion and kind, found the text "hello world"`},
		{"sequence", valid + "---\n- a\n", "line 6: not a Kubernetes object: expected fields such as apiVersion and kind, found a sequence"},
		{"no kind", "apiVersion: v1\nmetadata: {name: a}\n", "line 1: no kind"},
		{"cut in a flow", valid + "---\nkind: ConfigMap\nmetadata: {name: a, lab", "line 6: not valid YAML: did not find"},
		{"cut in quotes", valid + "---\nkind: ConfigMap\nmetadata:\n  name: \"a", "not valid YAML"},
		{"cut in quotes before a separator", "kind: ConfigMap\nx: \"a\n---\nkind: Service\n", "line 2: not valid YAML: found unexpected end"},
		{"tab", valid + "---\nkind: ConfigMap\nmetadata:\n\tname: a\n", "line 8: not valid YAML"},
		{"tab in a kind that has no part", "kind: PrometheusRule\nspec:\n\tgroups: []\n", "not valid YAML"},
		{"duplicate key", "kind: Service\nkind: Ingress\n", `line 2: the key "kind" stands twice in one mapping`},
		{"duplicate key by escape", "kind: ConfigMap\n\"\\u006bind\": Ingress\n", `line 2: the key "kind" stands twice`},
		{"duplicate key deep down", "kind: Service\nmetadata:\n  name: a\n  name: b\n", `line 4: the key "name" stands twice`},
		{"what Helm takes for a separator", "kind: ConfigMap\n---x: 1\n", `line 2: starts with "---x: 1", which Helm takes for a document separator`},
		{"two at once", "a\n---\nb\n", "line 3: not a Kubernetes object"},
		{"ResourceList with company", valid + "---\napiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n", "line 6: a KRM ResourceList, and other documents beside it"},
		{"cut in a stream of Helm's", "---\n# Source: x/templates/a.yaml\n" + strings.TrimSuffix(valid, "\n") + "\nstatus:\n  port: 90", "line 8 (x/templates/a.yaml): ends without a newline"},
		{"cut in a stream of Helm 4's", "kind: Service\nmetadata: {annotations: {postrenderer.helm.sh/postrender-filename: a}}\nx: 90", "line 3: ends without a newline"},
		{"cut in a block scalar", valid + "---\nkind: ConfigMap\ndata:\n  a: |\n    some te", "line 9: ends without a newline"},
		{"source in the error", "---\n# Source: x/templates/a.yaml\nkind: Service\nmetadata: [\n", "(x/templates/a.yaml): not valid YAML"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := Read([]byte(tc.in)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestObjects(t *testing.T) {
	in := "# only a comment\n---\n" + valid + `---
kind: ConfigMap
metadata:
  name: not parsed
---
apiVersion: v1
kind: List
items:
- {apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, namespace: n}}
- apiVersion: v1
  kind: ServiceList
  items: [{apiVersion: v1, kind: Service, metadata: {name: s}}]
---
{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "json", "annotations": {"postrenderer.helm.sh/postrender-filename": "c/x.yaml"}}}
---
null
`
	s, err := Read([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range s.Objects() {
		got = append(got, o.String())
	}
	want := []string{"Service a", "Ingress n/i", "Service s", "Deployment json (c/x.yaml)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var out bytes.Buffer
	if _, err := s.WriteTo(&out); err != nil || out.String() != in {
		t.Errorf("written as %q, %v", out.String(), err)
	}
}

func TestReadWithoutFinalNewline(t *testing.T) {
	for _, in := range []string{strings.TrimSuffix(valid, "\n"), "kind: Service\nmetadata:\n  name: a", `{"kind": "Service"}`, valid + "---", valid + "# c"} {
		if _, err := Read([]byte(in)); err != nil {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestPlainKind(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"kind: ConfigMap\n", "ConfigMap"},
		{"---\n# c\napiVersion: v1\nkind: Secret\r\nx: 1\n", "Secret"},
		{"a: |\n  kind: Service\nkind: Role\n", "Role"},
		{"kind: Role # c\n", ""},
		{"kind: \"Role\"\n", ""},
		{"kind: Role\nkind: Ingress\n", ""},
		{"kind: Role\n\"kind\": Ingress\n", ""},
		{"{kind: Role}\n", ""},
		{"kind: Role\n{x: 1}\n", ""},
		{"kind : Role\n", ""},
		{"? kind\n: Role\n", ""},
		{"--- {kind: Role}\n", ""},
		{"a: 1\n", ""},
	} {
		if got, _ := plainKind([]byte(tc.in)); got != tc.want {
			t.Errorf("plainKind(%q) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestCommitEditsOneOfTwo(t *testing.T) {
	in := "kind: Service\nmetadata:\n  name: a # keep\n---\nkind: Service\nmetadata: {name:   b}\n"
	s, err := Read([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	o := s.Objects()[0]
	o.Edit()
	if err := Put(o.Node, P("metadata", "annotations"), "k", Text("1")); err != nil {
		t.Fatal(err)
	}
	if At(o.Before(), P("metadata", "annotations")) != nil {
		t.Error("Before shows the edit")
	}
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	_, _ = s.WriteTo(&out)
	want := "kind: Service\nmetadata:\n  name: a # keep\n  annotations:\n    k: \"1\"\n---\nkind: Service\nmetadata: {name:   b}\n"
	if out.String() != want {
		t.Errorf("got %q", out.String())
	}
	if got := String(s.Objects()[0].Node, "metadata", "annotations", "k"); got != "1" {
		t.Errorf("the tree was not read anew: %q", got)
	}
}

func TestPathText(t *testing.T) {
	for _, tc := range []struct {
		path Path
		want string
	}{
		{P("spec", "rules", 0, "host"), "spec.rules[0].host"},
		{P("metadata", "annotations", "a.b/c"), `metadata.annotations["a.b/c"]`},
		{P("spec", "containers", Named("web"), "ports", 2), `spec.containers[name="web"].ports[2]`},
		{P("a", "", `q"\x`), `a[""]["q\"\\x"]`},
	} {
		if got := tc.path.String(); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
		back, err := ParsePath(tc.want)
		if diff := cmp.Diff(tc.path, back); err != nil || diff != "" {
			t.Errorf("ParsePath(%s): %v %s", tc.want, err, diff)
		}
	}
	for _, bad := range []string{"", "a..b", "a[", "a[x]", `a["x]`, "a b", "[name=x]", "a[99999999999]"} {
		if p, err := ParsePath(bad); err == nil {
			t.Errorf("ParsePath(%q) = %v, want an error", bad, p)
		}
	}
}

func parsed(t *testing.T, text string) *yaml.Node {
	t.Helper()
	s, err := Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Objects()[0].Node
}

func TestFieldFollowsAliasesAndMergeKeys(t *testing.T) {
	n := parsed(t, "kind: X\nbase: &b {a: 1, c: 2}\nover: {<<: *b, c: 3}\nlist: {<<: [*b, {d: 4}], e: 5}\nself: *b\n")
	for _, tc := range []struct {
		path []string
		want string
	}{
		{[]string{"over", "a"}, "1"}, {[]string{"over", "c"}, "3"}, {[]string{"list", "d"}, "4"}, {[]string{"self", "c"}, "2"}, {[]string{"over", "x"}, ""},
	} {
		if got := String(n, tc.path...); got != tc.want {
			t.Errorf("%v: %q, want %q", tc.path, got, tc.want)
		}
	}
	if diff := cmp.Diff(map[string]string{"a": "1", "c": "3"}, Map(n, "over")); diff != "" {
		t.Error(diff)
	}
	if At(n, P("over", "a")) != nil {
		t.Error("At follows a merge key: what it returns would be shared")
	}
}

func TestEditingRefusesAliases(t *testing.T) {
	n := parsed(t, "kind: X\nbase: &b {a: 1}\none: &c x\nmetadata: {annotations: *b, name: *c}\nspec: [1]\n")
	if err := Put(n, P("metadata", "annotations"), "k", Text("v")); err == nil || !strings.Contains(err.Error(), "metadata.annotations: a YAML alias (*b)") {
		t.Errorf("Put: %v", err)
	}
	if err := SetField(At(n, P("metadata")), "name", Text("v")); err == nil || !strings.Contains(err.Error(), "name: a YAML alias (*c)") {
		t.Errorf("SetField: %v", err)
	}
	if err := Put(n, P("spec"), "k", Text("v")); err == nil || !strings.Contains(err.Error(), "spec: expected a mapping, found a sequence") {
		t.Errorf("Put into a sequence: %v", err)
	}
	if err := Append(n, P("kind"), Text("v")); err == nil || !strings.Contains(err.Error(), "kind: expected a sequence") {
		t.Errorf("Append to a scalar: %v", err)
	}
}
