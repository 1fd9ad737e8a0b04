package patches_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/patches"
)

func read(t *testing.T, text string) *manifest.Stream {
	t.Helper()
	s, err := manifest.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// said is what a set says, a line for each patch, operation and added object.
func said(set *patches.Set) string {
	var lines []string
	for _, p := range set.Patches {
		lines = append(lines, p.Object.Short())
		if p.Merge != nil {
			lines = append(lines, "  merge "+strings.Join(flat(p.Merge, ""), " "))
		}
		for _, op := range p.Ops {
			line := "  " + op.Op + " /" + strings.Join(op.Path, "/")
			if op.Value != nil {
				line += " " + op.Value.Value + strings.TrimPrefix(op.Value.Tag, "!!")
			}
			lines = append(lines, line)
		}
	}
	for _, o := range set.Added {
		lines = append(lines, "added "+o.Short())
	}
	return strings.Join(lines, "\n")
}

// flat are the scalars and lists of a merge, each with its path.
func flat(n *yaml.Node, at string) []string {
	if n.Kind != yaml.MappingNode {
		return []string{at + "=" + n.Value}
	}
	var leaves []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		leaves = append(leaves, flat(n.Content[i+1], at+"/"+n.Content[i].Value)...)
	}
	return leaves
}

const object = "kind: X\nmetadata: {name: a}\n"

// TestMake is about which change is said as a merge, which as operations, and what guards these.
func TestMake(t *testing.T) {
	for _, c := range []struct{ name, before, after, want string }{
		{"nothing", object, object, ""},
		{"only how it is written", object + "spec: {a: 1}\n", "{kind: X, metadata: {name: a}, spec: {a: 1}}\n", ""},
		{"a field more", object + "spec: {}\n", object + "spec: {a: 1}\n", "X a\n  merge /spec/a=1"},
		{"a field of a mapping that was not there", object, object + "spec: {a: {b: 1}}\n", "X a\n  merge /spec/a/b=1"},
		{"a value", object + "spec: {a: 1}\n", object + "spec: {a: 2}\n", "X a\n  test /spec/a 1int\n  replace /spec/a 2int"},
		{"a value of another type", object + "spec: {a: \"1\"}\n", object + "spec: {a: 1}\n", "X a\n  test /spec/a 1str\n  replace /spec/a 1int"},
		{"a field that had no value", object + "spec: {a: }\n", object + "spec: {a: 1}\n", "X a\n  merge /spec/a=1"},
		{"a field less", object + "spec: {a: 1, b: 2}\n", object + "spec: {b: 2}\n", "X a\n  test /spec/a 1int\n  remove /spec/a"},
		{"an item more", object + "spec: {a: [1]}\n", object + "spec: {a: [1, 2]}\n", "X a\n  add /spec/a/- 2int"},
		{"items less", object + "spec: {a: [1, 2, 3]}\n", object + "spec: {a: [1]}\n", "X a\n  remove /spec/a/2\n  remove /spec/a/1"},
		{"a list that was not there", object, object + "a: [1]\n", "X a\n  test /a nullnull\n  add /a seq"},
		{"a list for a value", object + "a: 1\n", object + "a: [1]\n", "X a\n  test /a 1int\n  replace /a seq"},
		{
			"below a list: guarded by what the item says of itself", object + "ports: [{name: http, port: 80, targetPort: 9090}]\n", object + "ports: [{name: http, port: 80, targetPort: kauth}]\n",
			"X a\n  test /ports/0/name httpstr\n  test /ports/0/port 80int\n  test /ports/0/targetPort 9090int\n  replace /ports/0/targetPort kauthstr",
		},
		{
			"a field more of an item", object + "ports: [{port: 80}, {port: 81}]\n", object + "ports: [{port: 80, name: web}, {port: 81}]\n",
			"X a\n  test /ports/0/port 80int\n  add /ports/0/name webstr",
		},
		{"an object more", object, object + "---\nkind: Z\nmetadata: {name: b, namespace: m}\n", "added Z m/b"},
		{
			"one name in two namespaces", "kind: X\nmetadata: {name: a, namespace: m}\nspec: {a: 1}\n---\nkind: X\nmetadata: {name: a, namespace: o}\nspec: {a: 1}\n",
			"kind: X\nmetadata: {name: a, namespace: m}\nspec: {a: 1}\n---\nkind: X\nmetadata: {name: a, namespace: o}\nspec: {a: 2}\n",
			"X o/a\n  test /spec/a 1int\n  replace /spec/a 2int",
		},
		{
			"one name of two kinds, and in another order", object + "a: 1\n---\nkind: Z\nmetadata: {name: a}\na: 1\n", "kind: Z\nmetadata: {name: a}\na: 2\n---\n" + object + "a: 1\n",
			"Z a\n  test /a 1int\n  replace /a 2int",
		},
		{"what an alias stands for is said where it stands in full", object + "a: &x {b: 1}\nc: *x\n", object + "a: &x {b: 2}\nc: *x\n", "X a\n  test /a/b 1int\n  replace /a/b 2int"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, err := patches.Make(read(t, c.before), read(t, c.after))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, said(set)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	t.Run("an object without a name", func(t *testing.T) {
		_, err := patches.Make(read(t, "kind: X\nmetadata: {generateName: a-}\na: 1\n"), read(t, "kind: X\nmetadata: {generateName: a-}\na: 2\n"))
		if err == nil || !strings.Contains(err.Error(), "metadata.name: none, so no patch can name it; give it one") {
			t.Errorf("error %v", err)
		}
	})
}

// TestFiles is about how a set is printed.
func TestFiles(t *testing.T) {
	const top = "# Written by kauth patches v1; do not edit. Use it as one of the components of a kustomization.\napiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
	for _, c := range []struct{ name, before, after, want string }{
		{"nothing", object, object, top + "patches: []\n"},
		{
			"names and keys with special characters", "apiVersion: rbac.authorization.k8s.io/v1\nkind: X\nmetadata: {name: \"system:a.b\", annotations: {a/b: c}}\nlist: [{\"x~y/z\": 1}]\n",
			"apiVersion: rbac.authorization.k8s.io/v1\nkind: X\nmetadata: {name: \"system:a.b\", annotations: {a/b: c, d/e: \"f: #g\"}}\nlist: [{\"x~y/z\": 2}]\n",
			top + `patches:
- patch: |
    apiVersion: rbac.authorization.k8s.io/v1
    kind: X
    metadata:
      name: system:a.b
      annotations:
        d/e: "f: #g"
- target:
    group: rbac.authorization.k8s.io
    version: v1
    kind: X
    name: system:a\.b
  patch: |
    - op: test
      path: /list/0/x~0y~1z
      value: 1
    - op: replace
      path: /list/0/x~0y~1z
      value: 2
`,
		},
		{
			"texts that YAML 1.1 takes for something else", object, object + "spec: {a: \"n\", b: \"on\", c: \"1_0\", d: \"text\\n\", e: \"null\"}\n",
			top + "patches:\n- patch: |\n    apiVersion: \"\"\n    kind: X\n    metadata:\n      name: a\n    spec:\n      a: \"n\"\n      b: \"on\"\n      c: \"1_0\"\n      d: \"text\\n\"\n      e: \"null\"\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, err := patches.Make(read(t, c.before), read(t, c.after))
			if err != nil {
				t.Fatal(err)
			}
			files, err := set.Files("v1")
			if err != nil {
				t.Fatal(err)
			}
			if len(files) != 1 || files[0].Name != patches.Kustomization {
				t.Fatalf("%d files", len(files))
			}
			if diff := cmp.Diff(c.want, string(files[0].Text)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	t.Run("added objects", func(t *testing.T) {
		set, err := patches.Make(read(t, object), read(t, object+"---\n# a comment\napiVersion: v1\nkind: Z\nmetadata: {name: b, namespace: m} # why\n---\nkind: Z\nmetadata: {name: b, namespace: o}\n"))
		if err != nil {
			t.Fatal(err)
		}
		files, err := set.Files("v1")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range files {
			got = append(got, fmt.Sprintf("%s: %s", f.Name, f.Text))
		}
		want := []string{
			"resources.yaml: # Written by kauth patches v1; do not edit.\n---\napiVersion: v1\nkind: Z\nmetadata:\n  name: b\n  namespace: m\n---\nkind: Z\nmetadata:\n  name: b\n  namespace: o\n",
			"kustomization.yaml: " + top + "resources:\n- resources.yaml\npatches: []\n",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}
