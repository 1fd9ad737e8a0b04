package route_test

import (
	"testing"

	"github.com/kauth-dev/kauth/pkg/filters/filtertest"
	"github.com/kauth-dev/kauth/pkg/filters/route"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

func TestFilter(t *testing.T) {
	byNumber := route.Filter{Field: manifest.P("spec", "port", "number"), Port: manifest.Number(8181)}
	byName := route.Filter{Field: manifest.P("spec", "port"), Port: manifest.Text("kauth")}
	filtertest.Run(t, []filtertest.Case{
		{Name: "block", Filter: byNumber, In: "kind: R\nspec:\n  port:\n    number: 80\n", Want: "kind: R\nspec:\n  port:\n    number: 8181\n"},
		{Name: "flow style", Filter: byNumber, In: "kind: R\nspec: {port: {number: 80}}\n", Want: "kind: R\nspec: {port: {number: 8181}}\n"},
		{Name: "quoted number", Filter: byNumber, In: "kind: R\nspec: {port: {number: \"80\"}}\n", Want: "kind: R\nspec: {port: {number: 8181}}\n"},
		{Name: "commented value", Filter: byNumber, In: "kind: R\nspec:\n  port:\n    number: 80   # web\n", Want: "kind: R\nspec:\n  port:\n    number: 8181   # web\n"},
		{Name: "already moved", Filter: byNumber, In: "kind: R\nspec: {port:  {number: 8181}}\n", Want: "kind: R\nspec: {port:  {number: 8181}}\n"},
		{Name: "absent", Filter: byNumber, In: "kind: R\nspec:\n  host: prom\n", Want: "kind: R\nspec:\n  host: prom\n  port:\n    number: 8181\n"},
		{Name: "null", Filter: byNumber, In: "kind: R\nspec:\n  port: null\n", Want: "kind: R\nspec:\n  port:\n    number: 8181\n"},
		{Name: "name", Filter: byName, In: "kind: R\nspec:\n  port: web\n", Want: "kind: R\nspec:\n  port: kauth\n"},
		{Name: "two objects, one meant", Filter: byName, In: "kind: R\nspec: {port: web}\n---\nkind: R\nspec: {port: web}\n", Want: "kind: R\nspec: {port: kauth}\n---\nkind: R\nspec: {port: web}\n"},
		{Name: "alias", Filter: byNumber, In: "kind: R\nx: &x 80\nspec: {port: {number: *x}}\n", Err: "a YAML alias (*x)"},
		{Name: "anchor", Filter: byNumber, In: "kind: R\nspec: {port: {number: &x 80}}\ny: *x\n", Err: "has the YAML anchor &x"},
	})
}

func TestFilterInsideJSON(t *testing.T) {
	at := func(port manifest.Path) route.Filter {
		return route.Filter{Field: manifest.P("metadata", "annotations", "a"), Inner: port, Port: manifest.Number(8181)}
	}
	second := manifest.P("groups", 1, "port")
	const head = "kind: Ingress\nmetadata:\n  annotations:\n    a: "
	named := at(second)
	named.Port = manifest.Text("kauth")
	filtertest.Run(t, []filtertest.Case{
		{
			Name: "number", Filter: at(second),
			In:   head + `'{"groups":[{"port":80},{"port": 80, "weight":1}]}'` + "\n",
			Want: head + `'{"groups":[{"port":80},{"port": 8181, "weight":1}]}'` + "\n",
		},
		{
			Name: "numeric text stays text", Filter: at(second),
			In:   head + `'{"groups":[{"port":80},{"port":"80"}]}'` + "\n",
			Want: head + `'{"groups":[{"port":80},{"port":"8181"}]}'` + "\n",
		},
		{
			Name: "name", Filter: named,
			In:   head + `'{"groups":[{"port":80},{"port":"web"}]}'` + "\n",
			Want: head + `'{"groups":[{"port":80},{"port":"kauth"}]}'` + "\n",
		},
		{
			Name: "block scalar", Filter: at(second),
			In:   head + "|\n      {\n        \"groups\": [{}, {\"port\": 80}]\n      }\n",
			Want: head + "|\n      {\n        \"groups\": [{}, {\"port\": 8181}]\n      }\n",
		},
		{Name: "not there", Filter: at(second), In: head + `'{"groups":[{"port":80}]}'` + "\n", Err: "groups[1].port: not there"},
		{Name: "no annotation", Filter: at(second), In: "kind: Ingress\nmetadata: {annotations: {}}\n", Err: "not there"},
	})
}
