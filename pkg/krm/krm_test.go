package krm_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/krm"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

const head = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n"

// TestOf is about what is taken for a ResourceList, and what its functionConfig is.
func TestOf(t *testing.T) {
	const none = "a list without functionConfig"
	for _, c := range []struct{ name, in, want string }{ // want is the functionConfig's kind, none, or "" for no list
		{"Gates", head + "functionConfig: {apiVersion: kauth.dev/v1alpha1, kind: Gates}\nitems: []\n", "Gates"},
		{"ConfigMap", head + "items: []\nfunctionConfig:\n  apiVersion: v1\n  kind: ConfigMap\n  data: {realm: x}\n", "ConfigMap"},
		{"JSON", `{"apiVersion":"config.kubernetes.io/v1","kind":"ResourceList","functionConfig":{"kind":"Gates"},"items":[]}`, "Gates"},
		{"without one", head + "items: []\n", none},
		{"null", head + "functionConfig: null\nitems: []\n", none},
		{"nothing behind the colon", head + "functionConfig:\nitems: []\n", none},
		{"empty", head + "functionConfig: {}\nitems: []\n", none},
		{"an older version", "apiVersion: config.kubernetes.io/v1alpha1\nkind: ResourceList\n", none},
		{"a plain stream", "kind: Service\nmetadata: {name: a}\n", ""},
		{"a stream that speaks of one", "kind: ConfigMap\ndata: {x: ResourceList}\n", ""},
		{"a List", "kind: List\nitems: [{kind: ResourceList}]\n", ""},
		{"an empty input", "", ""},
		{"only a comment", "# ResourceList\n", ""},
		{"not YAML", head + "items: [\n", ""},
		{"a text", "ResourceList\n", ""},
		{"two documents", head + "---\n" + head, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, list := "", krm.Of([]byte(c.in))
			switch {
			case list == nil:
			case list.FunctionConfig == nil:
				got = none
			default:
				got = manifest.String(list.FunctionConfig, "kind")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestResults is about what findings, and the error of a run, become.
func TestResults(t *testing.T) {
	ref := manifest.Ref{Version: "v1", Kind: "Service", Namespace: "m", Name: "a"}
	warning := finding.Finding{Severity: finding.Warning, Ref: ref, Field: manifest.P("spec", "ports", 0), Message: "odd", Hint: "mend it"}
	stop := finding.Finding{Severity: finding.Error, Ref: ref, Message: "wrong"}
	for _, c := range []struct {
		name     string
		findings []finding.Finding
		failed   error
		want     []krm.Result
	}{
		{"nothing", nil, nil, nil},
		{"a hint belongs to the message", []finding.Finding{warning}, nil, []krm.Result{{Severity: finding.Warning, Ref: ref, Field: warning.Field, Message: "odd; mend it"}}},
		{"an error that is a finding is told once", []finding.Finding{stop}, errors.New(stop.String()), []krm.Result{{Severity: finding.Error, Ref: ref, Message: "wrong"}}},
		{
			"errors that are none, a line each",
			[]finding.Finding{stop},
			errors.Join(errors.New("functionConfig: realm: empty"), errors.New(stop.String()), errors.New("another")),
			[]krm.Result{{Severity: finding.Error, Ref: ref, Message: "wrong"}, {Severity: finding.Error, Message: "functionConfig: realm: empty"}, {Severity: finding.Error, Message: "another"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, krm.Results(c.findings, c.failed)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestAppend is about how results are written, and that nothing else of the list changes.
func TestAppend(t *testing.T) {
	const items = "# kept\nitems: # here\n- {kind: Service, metadata: {name: a}}   # as it came\n"
	for _, c := range []struct {
		name, in string
		results  []krm.Result
		want     string
	}{
		{"none", head + items, nil, head + items},
		{
			"all that a result may have", head + items,
			[]krm.Result{{
				Severity: finding.Error, Message: "wrong: \"x\"",
				Ref:   manifest.Ref{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "m", Name: "a", Source: "base/a.yaml"},
				Field: manifest.P("metadata", "annotations", "a/b"),
			}},
			head + items + `results:
- message: "wrong: \"x\""
  severity: error
  resourceRef:
    apiVersion: apps/v1
    kind: Deployment
    name: a
    namespace: m
  field:
    path: metadata.annotations["a/b"]
  file:
    path: base/a.yaml
`,
		},
		{
			"of the core group, without a namespace", head + items,
			[]krm.Result{{Severity: finding.Info, Message: "so", Ref: manifest.Ref{Version: "v1", Kind: "Service", Name: "a"}}},
			head + items + "results:\n- message: so\n  severity: info\n  resourceRef:\n    apiVersion: v1\n    kind: Service\n    name: a\n",
		},
		{
			"behind those of another function", head + items + "results:\n- message: before\n",
			[]krm.Result{{Severity: finding.Warning, Message: "after"}},
			head + items + "results:\n- message: before\n- message: after\n  severity: warning\n",
		},
		{
			"JSON", `{"kind": "ResourceList", "items": []}` + "\n",
			[]krm.Result{{Severity: finding.Info, Message: "so"}},
			`{"kind": "ResourceList", "items": [], "results": [{"message": "so", "severity": "info"}]}` + "\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := manifest.Read([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if err := krm.Append(s, c.results); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if _, err := s.WriteTo(&out); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, out.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	t.Run("no list", func(t *testing.T) {
		s, err := manifest.Read([]byte("kind: Service\nmetadata: {name: a}\n"))
		if err != nil {
			t.Fatal(err)
		}
		if err := krm.Append(s, nil); err == nil || !strings.Contains(err.Error(), "not a ResourceList") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("results that are no list", func(t *testing.T) {
		s, err := manifest.Read([]byte(head + "items: []\nresults: x\n"))
		if err != nil {
			t.Fatal(err)
		}
		if err := krm.Append(s, []krm.Result{{Message: "so"}}); err == nil {
			t.Error("no error")
		}
	})
}
