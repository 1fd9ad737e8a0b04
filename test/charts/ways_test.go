package charts

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// ways has what kauth adds or moves in a way that no chart of ../shared shows: a port of the node, the network of the
// node, a Service for clients inside, a TargetGroupConfiguration, an --allow-open.
const ways = `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: host-port}
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a, app.kubernetes.io/name: prometheus}}
    spec: {containers: [{name: p, image: p, ports: [{containerPort: 9090, hostPort: 9090, hostIP: 192.0.2.1}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: host-network}
spec:
  selector: {matchLabels: {app: b}}
  template:
    metadata: {labels: {app: b, app.kubernetes.io/name: prometheus}}
    spec: {hostNetwork: true, containers: [{name: p, image: p, args: [--web.listen-address=127.0.0.1:9090], ports: [{containerPort: 9090}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: lb, labels: {app: a}}
spec: {type: LoadBalancer, selector: {app: a}, ports: [{port: 80, targetPort: 9090}]}
---
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {selector: {app: a}, ports: [{port: 80, targetPort: 9090}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: aws}
spec: {controllerName: gateway.k8s.aws/alb}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw}
spec: {gatewayClassName: aws, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a}
spec: {parentRefs: [{name: gw}], rules: [{backendRefs: [{name: a, port: 80}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: open}
spec: {parentRefs: [{name: gw}], rules: [{backendRefs: [{name: a, port: 80}]}]}
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: t}
spec: {routes: [{match: "Host(` + "`x`" + `)", kind: Rule, services: [{name: a, port: 80, scheme: https, healthCheck: {path: /x, port: 9090}}]}]}
`

func TestWaysAreAccepted(t *testing.T) {
	kauth, cluster := program(t), newCluster(t)
	for _, c := range []struct {
		name string
		more []string
	}{{"http", nil}, {"https", []string{"--tls-secret", "t"}}} {
		t.Run(c.name, func(t *testing.T) {
			gated := run(t, []byte(ways), kauth, append([]string{"--keep-internal", "inside", "--allow-open", "GRPCRoute/open"}, c.more...)...)
			cluster.run(t, gated, "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
		})
	}
}

// A finding that holds an object to apply holds one that can be applied, once the names are filled in.
func TestSnippetsAreAccepted(t *testing.T) {
	cluster := newCluster(t)
	const istio = "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec: {gateways: [g], http: [{route: [{destination: {host: a}}]}]}\n"
	file := filepath.Join(t.TempDir(), "report.json")
	run(t, []byte(strings.ReplaceAll(ways, "gateway.k8s.aws/alb", "example.com/gateway")+istio), program(t), "--allow-open", "GRPCRoute/open", "--tls-secret", "t", "--report", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report struct{ Findings []struct{ Hint string } }
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, f := range report.Findings {
		_, object, found := strings.Cut(f.Hint, "{apiVersion: ")
		if !found {
			continue
		}
		object = strings.NewReplacer("NAME", "gate.example.com", "CA", "ca").Replace("{apiVersion: " + object)
		var parsed struct{ Kind string }
		if err := yaml.UnmarshalStrict([]byte(object), &struct {
			APIVersion     string
			Metadata, Spec any
			Kind           *string
		}{Kind: &parsed.Kind}); err != nil {
			t.Errorf("%v\n%s", err, object)
		}
		kinds[parsed.Kind] = true
		if parsed.Kind != "DestinationRule" { // whose schema is not at hand
			cluster.run(t, []byte(object), "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
		}
	}
	if !kinds["BackendTLSPolicy"] || !kinds["DestinationRule"] {
		t.Errorf("kinds: %v in\n%s", kinds, text)
	}
}

// What kauth takes for no way in: a headless Service, which the API server refuses as a LoadBalancer or NodePort, and lets
// have externalIPs that nobody serves.
func TestHeadlessIsNoWayIn(t *testing.T) {
	kauth, cluster := program(t), newCluster(t)
	const app = `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: prom}
spec:
  selector: {matchLabels: {app: prom}}
  template:
    metadata: {labels: {app: prom, app.kubernetes.io/name: prometheus}}
    spec: {containers: [{name: p, image: p, ports: [{containerPort: 9090}]}]}
---
`
	for _, c := range []struct{ more, refused string }{
		{"type: LoadBalancer", "may not be set to 'None' for LoadBalancer services"},
		{"type: NodePort", "may not be set to 'None' for NodePort services"},
		{"externalIPs: [192.0.2.1]", ""},
	} {
		t.Run(c.more, func(t *testing.T) {
			svc := "apiVersion: v1\nkind: Service\nmetadata: {name: prom}\nspec: {clusterIP: None, selector: {app: prom}, ports: [{port: 80, targetPort: 9090}], " + c.more + "}\n"
			gated := run(t, []byte(app+svc), kauth)
			if !bytes.HasSuffix(gated, []byte(svc)) {
				t.Errorf("the Service changed:\n%s", gated)
			}
			said, err := cluster.try(t, gated, "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
			if (err == nil) != (c.refused == "") || !strings.Contains(said, c.refused) {
				t.Errorf("%v: %s", err, said)
			}
		})
	}
}

// try runs kubectl and returns what it says, also when it fails.
func (k kubectl) try(t *testing.T, stdin []byte, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), k.kube, append([]string{"kubectl", "--kubeconfig", k.kubeconfig}, args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
