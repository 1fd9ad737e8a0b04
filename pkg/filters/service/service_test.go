package service_test

import (
	"testing"

	"github.com/kauth-dev/kauth/pkg/filters/filtertest"
	"github.com/kauth-dev/kauth/pkg/filters/service"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

func TestAddPort(t *testing.T) {
	add := service.AddPort{Name: "kauth", Number: 8181, Target: "kauth"}
	secure := add
	secure.Speaks = "HTTPS"
	names := add
	names.Names = []service.NewName{{Field: manifest.P("spec", "ports", 0), Name: "web"}}
	const head = "kind: Service\nspec:\n  ports:\n"
	const added = "  - name: kauth\n    port: 8181\n    targetPort: kauth\n    protocol: TCP\n"
	filtertest.Run(t, []filtertest.Case{
		{Name: "block", Filter: add, In: head + "  - name: web\n    port: 80\n", Want: head + "  - name: web\n    port: 80\n" + added},
		{Name: "with a protocol", Filter: secure, In: head + "  - name: web\n    port: 80\n", Want: head + "  - name: web\n    port: 80\n" + added + "    appProtocol: HTTPS\n"},
		{Name: "unnamed port", Filter: names, In: head + "  - port: 80\n", Want: head + "  - port: 80\n    name: web\n" + added},
		{Name: "null name", Filter: names, In: head + "  - name:\n    port: 80\n", Want: head + "  - name: web\n    port: 80\n" + added},
		{
			Name: "flow style", Filter: names, In: "kind: Service\nspec: {ports: [{port: 80}]}\n",
			Want: "kind: Service\nspec: {ports: [{port: 80, name: web}, {name: kauth, port: 8181, targetPort: kauth, protocol: TCP}]}\n",
		},
		{Name: "commented", Filter: add, In: head + "  # the door\n  - name: web # w\n    port: 80 # p\n  type: ClusterIP\n", Want: head + "  # the door\n  - name: web # w\n    port: 80 # p\n" + added + "  type: ClusterIP\n"},
		{Name: "absent", Filter: add, In: "kind: Service\nspec:\n  clusterIP: None\n", Want: "kind: Service\nspec:\n  clusterIP: None\n  ports:\n  - name: kauth\n    port: 8181\n    targetPort: kauth\n    protocol: TCP\n"},
		{Name: "null", Filter: add, In: "kind: Service\nspec:\n  ports:\n", Want: "kind: Service\nspec:\n  ports:\n  - name: kauth\n    port: 8181\n    targetPort: kauth\n    protocol: TCP\n"},
		{Name: "two objects, one meant", Filter: add, In: head + "  - port: 80\n---\n" + head + "  - port: 80\n", Want: head + "  - port: 80\n" + added + "---\n" + head + "  - port: 80\n"},
		{Name: "alias", Filter: add, In: "kind: Service\nx: &x [{port: 80}]\nspec: {ports: *x}\n", Err: "spec.ports: a YAML alias (*x)"},
		{Name: "merge key", Filter: add, In: "kind: Service\nx: &x {ports: [{port: 80}]}\nspec: {<<: *x}\n", Err: "spec.ports: comes from a YAML merge key"},
	})
}

func TestRetarget(t *testing.T) {
	move := service.Retarget{Field: manifest.P("spec", "ports", 1), Target: "kauth"}
	const head = "kind: Service\nspec:\n  ports:\n  - port: 1\n    targetPort: 1\n"
	filtertest.Run(t, []filtertest.Case{
		{Name: "number", Filter: move, In: head + "  - port: 80\n    targetPort: 9090 # app\n", Want: head + "  - port: 80\n    targetPort: kauth # app\n"},
		{Name: "name", Filter: move, In: head + "  - port: 80\n    targetPort: \"web\"\n", Want: head + "  - port: 80\n    targetPort: \"kauth\"\n"},
		{Name: "absent", Filter: move, In: head + "  - port: 80\n", Want: head + "  - port: 80\n    targetPort: kauth\n"},
		{Name: "null", Filter: move, In: head + "  - port: 80\n    targetPort: null\n", Want: head + "  - port: 80\n    targetPort: kauth\n"},
		{Name: "flow style", Filter: move, In: head + "  - {port: 80, targetPort: 9090}\n", Want: head + "  - {port: 80, targetPort: kauth}\n"},
		{Name: "already moved", Filter: move, In: head + "  - {targetPort:  kauth}\n", Want: head + "  - {targetPort:  kauth}\n"},
		{Name: "two objects, one meant", Filter: move, In: head + "  - targetPort: 2\n---\n" + head + "  - targetPort: 2\n", Want: head + "  - targetPort: kauth\n---\n" + head + "  - targetPort: 2\n"},
		{Name: "not there", Filter: move, In: head, Err: "spec.ports[1]: not there"},
		{Name: "alias", Filter: move, In: "x: &x {port: 2}\nkind: Service\nspec: {ports: [{port: 1}, *x]}\n", Err: "a YAML alias (*x)"},
	})
}
