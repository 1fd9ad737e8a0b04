package field_test

import (
	"testing"

	"github.com/kauth-dev/kauth/pkg/filters/field"
	"github.com/kauth-dev/kauth/pkg/filters/filtertest"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

func TestSet(t *testing.T) {
	set := field.Set{Field: manifest.P("spec", "check", "path"), Value: manifest.Text("/health")}
	const head = "kind: X\nmetadata: {name: x}\n"
	filtertest.Run(t, []filtertest.Case{
		{Name: "absent", Filter: set, In: head, Want: head + "spec:\n  check:\n    path: /health\n"},
		{Name: "null", Filter: set, In: head + "spec:\n  check:\n", Want: head + "spec:\n  check:\n    path: /health\n"},
		{Name: "flow style", Filter: set, In: head + "spec: {check: {port: 1}}\n", Want: head + "spec: {check: {port: 1, path: /health}}\n"},
		{
			Name: "commented value", Filter: set, In: head + "spec:\n  check:\n    path: '/' # why\n", Want: head + "spec:\n  check:\n    path: '/health' # why\n",
		},
		{Name: "already there", Filter: set, In: head + "spec: {check: {path:  /health}}\n", Want: head + "spec: {check: {path:  /health}}\n"},
		{
			Name: "a number in a list", Filter: field.Set{Field: manifest.P("spec", "ports", 0, "hostPort"), Value: manifest.Number(0)},
			In: head + "spec:\n  ports:\n  - hostPort: 80\n", Want: head + "spec:\n  ports:\n  - hostPort: 0\n",
		},
		{Name: "two objects, one meant", Filter: set, In: head + "---\n" + head, Want: head + "spec:\n  check:\n    path: /health\n---\n" + head},
		{Name: "a list in the way", Filter: set, In: head + "spec: []\n", Err: "spec.check: not there"},
		{Name: "an item that is not there", Filter: field.Set{Field: manifest.P("spec", 0, "x"), Value: manifest.Number(0)}, In: head + "spec: [1]\n", Err: "spec[0]"},
	})
}

func TestPrepend(t *testing.T) {
	const head = "kind: X\nmetadata: {name: x}\n"
	item := func() field.Prepend {
		return field.Prepend{Field: manifest.P("spec", "routes", 0, "list"), Item: manifest.Mapping("name", manifest.Text("new"))}
	}
	filtertest.Run(t, []filtertest.Case{
		{Name: "absent", Filter: item(), In: head + "spec:\n  routes:\n  - a: 1\n", Want: head + "spec:\n  routes:\n  - a: 1\n    list:\n    - name: new\n"},
		{Name: "null", Filter: item(), In: head + "spec:\n  routes:\n  - list:\n    a: 1\n", Want: head + "spec:\n  routes:\n  - list:\n    - name: new\n    a: 1\n"},
		{Name: "empty", Filter: item(), In: head + "spec:\n  routes:\n  - list: []\n", Want: head + "spec:\n  routes:\n  - list:\n    - name: new\n"},
		{Name: "flow style", Filter: item(), In: head + "spec: {routes: [{list: [{name: old}, x]}]}\n", Want: head + "spec: {routes: [{list: [{name: new}, {name: old}, x]}]}\n"},
		{
			Name: "comments", Filter: item(), In: head + "spec:\n  routes:\n  - list:\n      # first\n      - name: old # why\n      - x\n",
			Want: head + "spec:\n  routes:\n  - list:\n      - name: new\n      # first\n      - name: old # why\n      - x\n",
		},
		{
			Name: "the same name already", Filter: item(), In: head + "spec:\n  routes:\n  - list:\n    - name: new\n",
			Want: head + "spec:\n  routes:\n  - list:\n    - name: new\n    - name: new\n",
		},
		{
			Name: "two objects, one meant", Filter: item(), In: head + "spec: {routes: [{list: [x]}]}\n---\n" + head + "spec: {routes: [{list: [x]}]}\n",
			Want: head + "spec: {routes: [{list: [{name: new}, x]}]}\n---\n" + head + "spec: {routes: [{list: [x]}]}\n",
		},
		{Name: "an alias", Filter: item(), In: head + "a: &a [x]\nspec: {routes: [{list: *a}]}\n", Err: "a YAML alias"},
		{Name: "an anchor", Filter: item(), In: head + "spec: {routes: [{list: &a [x]}], other: *a}\n", Err: "has the YAML anchor &a"},
		{Name: "no list", Filter: item(), In: head + "spec: {routes: [{list: x}]}\n", Err: "expected"},
	})
}
