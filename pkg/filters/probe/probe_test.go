package probe_test

import (
	"testing"

	"github.com/kauth-dev/kauth/pkg/filters/filtertest"
	"github.com/kauth-dev/kauth/pkg/filters/probe"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

func TestTCP(t *testing.T) {
	tcp := probe.TCP{Field: manifest.P("spec", "containers", 0, "livenessProbe")}
	const head = "kind: Pod\nspec:\n  containers:\n  - name: app\n    livenessProbe:\n"
	filtertest.Run(t, []filtertest.Case{
		{
			Name: "block", Filter: tcp,
			In:   head + "      httpGet:\n        path: /-/healthy\n        port: 9090\n        scheme: HTTP\n      periodSeconds: 15\n    image: app\n",
			Want: head + "      tcpSocket:\n        port: 9090\n      periodSeconds: 15\n    image: app\n",
		},
		{
			Name: "name, host, comments", Filter: tcp,
			In:   head + "      # often\n      periodSeconds: 5 # s\n      httpGet:\n        port: \"web\" # the port\n        host: 127.0.0.1\n",
			Want: head + "      # often\n      periodSeconds: 5 # s\n      tcpSocket:\n        host: 127.0.0.1\n        port: \"web\"\n",
		},
		{
			Name: "flow style", Filter: tcp,
			In:   "kind: Pod\nspec: {containers: [{name: app, livenessProbe: {httpGet: {path: /, port: web}, timeoutSeconds: 3}, image: app}]}\n",
			Want: "kind: Pod\nspec: {containers: [{name: app, livenessProbe: {tcpSocket: {port: web}, timeoutSeconds: 3}, image: app}]}\n",
		},
		{
			Name: "two objects, one meant", Filter: tcp,
			In:   head + "      httpGet: {port: 1}\n---\n" + head + "      httpGet: {port: 1}\n",
			Want: head + "      tcpSocket:\n        port: 1\n---\n" + head + "      httpGet: {port: 1}\n",
		},
		{Name: "changed already", Filter: tcp, In: head + "      tcpSocket: {port: 1}\n", Err: "livenessProbe: no httpGet with a port"},
		{Name: "absent", Filter: tcp, In: "kind: Pod\nspec:\n  containers:\n  - name: app\n", Err: "no httpGet with a port"},
		{Name: "null", Filter: tcp, In: head, Err: "no httpGet with a port"},
		{Name: "alias", Filter: tcp, In: "kind: Pod\nx: &x {httpGet: {port: 1}}\nspec: {containers: [{livenessProbe: *x}]}\n", Err: "a YAML alias (*x)"},
		{Name: "alias inside", Filter: tcp, In: "kind: Pod\nx: &x {port: 1}\nspec: {containers: [{livenessProbe: {httpGet: *x}}]}\n", Err: "YAML anchor"},
		{Name: "merge key", Filter: tcp, In: "kind: Pod\nx: &x {httpGet: {port: 1}}\nspec: {containers: [{livenessProbe: {<<: *x}}]}\n", Err: "YAML anchor"},
	})
}
