package kustomize

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/patches"
)

// TestAnyDifference: whatever differs between two streams, kustomize makes the one of the other with the patches. What
// inject does today is a part of it.
func TestAnyDifference(t *testing.T) {
	const head = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a.b, namespace: \"n\"}\n"
	for _, c := range []struct{ name, before, after string }{
		{"keys with a slash and a tilde", head + "spec: {a: 1}\n", head + "spec: {a: 1, x/y: {p~q: 2}}\n"},
		{"items that change, come and go", head + "spec: {a: [{name: x, v: 1}, {name: y, v: 2}, 3]}\n", head + "spec: {a: [{name: x, v: 9, w: [1]}, {name: z}], b: [1, 2]}\n"},
		{"more items", head + "spec: {a: [1]}\n", head + "spec: {a: [1, 2, {b: c}]}\n"},
		{"other types", head + "spec: {a: 1, b: {c: d}, e: \"1\", f: \"true\"}\n", head + "spec: {a: \"1\", b: [c], e: 1, f: true}\n"},
		{"fields that go", head + "spec: {a: 1, b: {c: d, e: f}, g: [1]}\n", head + "spec: {b: {e: f}}\n"},
		{"no value before", head + "spec: {a: null, b: {c: null}, d: [{e: null}]}\n", head + "spec: {a: {x: 1}, b: {c: [1]}, d: [{e: 2}]}\n"},
		{"texts that look like something else", head + "spec: {a: x}\n", head + "spec: {a: x, b: \"0x10\", c: \"1e3\", d: \"no\", e: \"null\", f: \"12:30\", g: \"\", h: \"a: b\\n# c\\n\"}\n"},
		{"empty collections", head + "spec: {a: {}, b: []}\n", head + "spec: {a: {x: 1}, b: [1], c: {}, d: []}\n"},
		{"anchors", head + "spec: {a: &x {b: 1}, c: *x, d: 1}\n", head + "spec: {a: &x {b: 1}, c: *x, d: 2}\n"},
		{"the same name elsewhere", head + "spec: {a: 1}\n---\n" + strings.ReplaceAll(head, "namespace: \"n\"", "namespace: m") + "spec: {a: 1}\n---\n" + strings.ReplaceAll(head, "a.b", "aXb") + "spec: {a: 1}\n", head + "spec: {a: 2}\n---\n" + strings.ReplaceAll(head, "namespace: \"n\"", "namespace: m") + "spec: {a: 1}\n---\n" + strings.ReplaceAll(head, "a.b", "aXb") + "spec: {a: 1}\n"},
		{"items of a List", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {x: \"1\"}}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {x: \"2\"}}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {w: z}}\n"},
		{"new objects", head + "spec: {a: 1}\n", head + "spec: {a: 1}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: new, namespace: \"n\"}\nspec: {ports: [{port: 1}]}\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: new, namespace: \"n\"}\nspec: {podSelector: {}}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := write(t, "rendered.yaml", c.before, "kustomization.yaml", component)
			after, err := manifest.Read([]byte(c.after))
			if err != nil {
				t.Fatal(err)
			}
			files, err := patches.Of([]byte(c.before), after, "v1")
			if err != nil {
				t.Fatal(err)
			}
			if err := patches.Write(filepath.Join(dir, "kauth"), files); err != nil {
				t.Fatal(err)
			}
			out, errs, err := build(t, dir)
			written, _ := os.ReadFile(filepath.Join(dir, "kauth", "kustomization.yaml"))
			if err != nil {
				t.Fatalf("kustomize build: %v\n%s\n%s", err, errs, written)
			}
			want := c.after
			if strings.HasPrefix(want, "apiVersion: v1\nkind: List\n") { // which kustomize takes apart
				_, items, _ := strings.Cut(want, "items:\n- ")
				want = strings.ReplaceAll(items, "\n- ", "\n---\n")
			}
			if diff := cmp.Diff(objects(t, want), objects(t, out)); diff != "" {
				t.Errorf("kustomize makes something else (-want +got):\n%s\nof\n%s", diff, written)
			}
		})
	}
}
