package annotation_test

import (
	"testing"

	"github.com/kauth-dev/kauth/pkg/filters/annotation"
	"github.com/kauth-dev/kauth/pkg/filters/filtertest"
)

func TestFilter(t *testing.T) {
	set := annotation.Filter{Key: "a.b/c", Value: "new"}
	const head = "kind: Ingress\nmetadata:\n  name: x\n"
	filtertest.Run(t, []filtertest.Case{
		{Name: "absent", Filter: set, In: head, Want: head + "  annotations:\n    a.b/c: new\n"},
		{Name: "no metadata", Filter: set, In: "kind: Ingress\n", Want: "kind: Ingress\nmetadata:\n  annotations:\n    a.b/c: new\n"},
		{Name: "null", Filter: set, In: head + "  annotations:\n", Want: head + "  annotations:\n    a.b/c: new\n"},
		{Name: "empty", Filter: set, In: head + "  annotations: {}\n", Want: head + "  annotations:\n    a.b/c: new\n"},
		{Name: "flow style", Filter: set, In: head + "  annotations: {x: y}\n", Want: head + "  annotations: {x: y, a.b/c: new}\n"},
		{
			Name: "commented value", Filter: set,
			In:   head + "  annotations:\n    a.b/c: 'old' # why\n    # last\n",
			Want: head + "  annotations:\n    a.b/c: 'new' # why\n    # last\n",
		},
		{Name: "already there", Filter: set, In: head + "  annotations: {a.b/c:   new}\n", Want: head + "  annotations: {a.b/c:   new}\n"},
		{Name: "block scalar", Filter: set, In: head + "  annotations:\n    a.b/c: |\n      old\n", Want: head + "  annotations:\n    a.b/c: new\n"},
		{
			Name: "looks like another type", Filter: annotation.Filter{Key: "port", Value: "8181"},
			In: head, Want: head + "  annotations:\n    port: \"8181\"\n",
		},
		{
			Name: "two objects, one meant", Filter: set,
			In:   head + "---\n" + head,
			Want: head + "  annotations:\n    a.b/c: new\n---\n" + head,
		},
		{Name: "a sequence in the way", Filter: set, In: head + "  annotations: [1]\n", Err: "metadata.annotations: expected a mapping"},
		{Name: "an alias in the way", Filter: set, In: head + "  labels: &l {}\n  annotations: *l\n", Err: "metadata.annotations: a YAML alias (*l)"},
		{Name: "an anchor on the way", Filter: set, In: head + "  annotations: &a {}\nspec: *a\n", Err: "metadata.annotations: has the YAML anchor &a"},
		{Name: "a merge key in the way", Filter: set, In: "x: &x {annotations: {k: v}}\nkind: Ingress\nmetadata:\n  <<: *x\n", Err: "metadata.annotations: comes from a YAML merge key"},
		{Name: "value is no text", Filter: set, In: head + "  annotations: {a.b/c: [1]}\n", Err: "expected a plain value"},
	})
}
