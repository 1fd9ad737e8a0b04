package ways

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/inject"
	"github.com/kauth-dev/kauth/pkg/planner"
)

// app is a workload that kauth gates by default, and its Service.
const app = `apiVersion: apps/v1
kind: Deployment
metadata: {name: prom}
spec:
  template:
    metadata: {labels: {app: prom, app.kubernetes.io/name: prometheus}}
    spec:
      containers:
      - {name: server, image: prom/prometheus, ports: [{containerPort: 9090, name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: prom}
spec:
  selector: {app: prom}
  ports:
  - {name: http, port: 80, targetPort: web}
  - {name: other, port: 81, targetPort: 7070}
`

func object(api, kind, more string) string {
	return "---\napiVersion: " + api + "\nkind: " + kind + "\n" + more + "\n"
}

// The resolver by itself: what it takes for a way, by hand from the documentation of each kind.
func TestResolve(t *testing.T) {
	ingress := func(backend string) string {
		return object("networking.k8s.io/v1", "Ingress", `metadata: {name: i, annotations: {alb.ingress.kubernetes.io/actions.act: '{"Type":"forward","forwardConfig":{"TargetGroups":[{"servicename":"prom","servicePort":"81"}]}}', alb.ingress.kubernetes.io/actions.no: '{"type":"redirect"}'}}
spec: {defaultBackend: {service: {`+backend+`}}}`)
	}
	for _, c := range []struct{ name, objects, want string }{
		{"nothing", "", ""},
		{"by name", ingress("name: prom, port: {name: http}"), "9090"},
		{"by number", ingress("name: prom, port: {number: 81}"), "7070"},
		{"no such port", ingress("name: prom, port: {number: 9090}"), ""},
		{"an action", ingress("name: act, port: {name: use-annotation}"), "7070"},
		{"a redirect", ingress("name: no, port: {name: use-annotation}"), ""},
		{"extensions", object("extensions/v1beta1", "Ingress", "metadata: {name: i}\nspec: {rules: [{http: {paths: [{backend: {serviceName: prom, servicePort: http}}]}}]}"), "9090"},
		{"another group", object("example.com/v1", "Ingress", "metadata: {name: i}\nspec: {backend: {serviceName: prom, servicePort: http}}"), ""},
		{"weight 0 and mirror", object("gateway.networking.k8s.io/v1", "HTTPRoute", "metadata: {name: r, namespace: web}\nspec: {rules: [{backendRefs: [{name: prom, namespace: mon, port: 80, weight: 0}], filters: [{requestMirror: {backendRef: {name: prom, namespace: mon, port: 81}}}]}]}"), "9090 7070"},
		{"its own namespace", object("gateway.networking.k8s.io/v1", "HTTPRoute", "metadata: {name: r, namespace: web}\nspec: {rules: [{backendRefs: [{name: prom, port: 80}]}]}"), ""},
		{"Traefik", object("traefik.io/v1alpha1", "TraefikService", "metadata: {name: r}\nspec: {highestRandomWeight: {services: [{name: prom, port: http}, {name: prom, kind: TraefikService}]}}"), "9090"},
		{"Istio, the mesh", object("networking.istio.io/v1", "VirtualService", "metadata: {name: r}\nspec: {hosts: [x], http: [{route: [{destination: {host: prom, port: {number: 80}}}]}]}"), ""},
		{"Istio, no port", object("networking.istio.io/v1", "VirtualService", "metadata: {name: r}\nspec: {hosts: [x], gateways: [g], http: [{route: [{destination: {host: prom.mon.svc.cluster.local}}]}]}"), "7070 9090"},
		{"OpenShift, a pod's port", object("route.openshift.io/v1", "Route", "metadata: {name: r}\nspec: {to: {kind: Service, name: prom}, port: {targetPort: 9090}}"), "9090"},
		{"OpenShift, no port", object("route.openshift.io/v1", "Route", "metadata: {name: r}\nspec: {to: {kind: Service, name: prom}}"), "7070 9090"},
		{"Contour", object("projectcontour.io/v1", "HTTPProxy", "metadata: {name: r}\nspec: {tcpproxy: {services: [{name: prom, port: 81}]}}"), "7070"},
		{"ALB binding", object("elbv2.k8s.aws/v1beta1", "TargetGroupBinding", "metadata: {name: r}\nspec: {serviceRef: {name: prom, port: http}}"), "9090"},
		{"LoadBalancer", object("v1", "Service", "metadata: {name: lb}\nspec: {type: LoadBalancer, selector: {app: prom}, ports: [{port: 9090}, {port: 1, protocol: UDP, targetPort: web}]}"), "9090"},
		{"another namespace", object("v1", "Service", "metadata: {name: lb, namespace: web}\nspec: {type: LoadBalancer, selector: {app: prom}, ports: [{port: 9090}]}"), ""},
		{"headless", object("v1", "Service", "metadata: {name: lb}\nspec: {clusterIP: None, externalIPs: [192.0.2.1], selector: {app: prom}, ports: [{port: 9090}]}"), ""},
		{"ports of the node", object("v1", "Pod", "metadata: {name: p}\nspec: {containers: [{name: c, ports: [{containerPort: 1, hostPort: 2}]}], initContainers: [{name: d, restartPolicy: Always, ports: [{containerPort: 3, hostPort: 4}]}, {name: e, ports: [{containerPort: 5, hostPort: 6}]}]}"), "1 3"},
		{"network of the node", object("v1", "Pod", "metadata: {name: p}\nspec: {hostNetwork: true, containers: [{name: c}]}"), "0"},
		{"an operator's pod", object("monitoring.coreos.com/v1", "Prometheus", "metadata: {name: p}\nspec: {shards: 2, portName: w, podMetadata: {labels: {prometheus: x}}}") +
			object("v1", "Service", "metadata: {name: lb}\nspec: {type: NodePort, selector: {prometheus: p, operator.prometheus.io/shard: \"1\", statefulset.kubernetes.io/pod-name: prometheus-p-shard-1-0}, ports: [{port: 80, targetPort: w}]}"), "9090"},
		{"a label of the run time", object("v1", "Service", "metadata: {name: lb}\nspec: {type: NodePort, selector: {app: prom, leader: \"true\"}, ports: [{port: 9090}]}"), "9090?"},
		{"in a list", object("v1", "List", "items: [{apiVersion: v1, kind: Service, metadata: {name: lb}, spec: {type: NodePort, selector: {app: prom}, ports: [{port: 9090}]}}]"), "9090"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Read([]byte(app + c.objects))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range Resolve(s, "mon").Ways {
				end := strings.TrimSuffix(w.String()[strings.LastIndex(w.String(), ":")+1:], "/TCP")
				got = append(got, strings.Replace(end, "/TCP (maybe)", "?", 1))
			}
			if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestJudge changes what kauth wrote, as a faulty kauth might: each change is noticed.
func TestJudge(t *testing.T) {
	in := app + object("networking.k8s.io/v1", "Ingress", "metadata: {name: i}\nspec: {defaultBackend: {service: {name: prom, port: {name: http}}}}") +
		object("v1", "Service", "metadata: {name: lb}\nspec: {type: LoadBalancer, selector: {app: prom}, ports: [{name: a, port: 9090}]}") +
		object("networking.k8s.io/v1", "NetworkPolicy", "metadata: {name: np}\nspec: {podSelector: {matchLabels: {app: prom}}, ingress: [{from: [{podSelector: {}}], ports: [{port: web}]}, {ports: [{port: 1}]}]}") +
		object("gateway.networking.k8s.io/v1", "Gateway", "metadata: {name: gw}\nspec: {gatewayClassName: gke-l7-rilb}") +
		object("gateway.networking.k8s.io/v1", "HTTPRoute", "metadata: {name: h}\nspec: {parentRefs: [{name: gw}], rules: [{backendRefs: [{name: prom, port: 80}]}]}") +
		object("networking.gke.io/v1", "HealthCheckPolicy", "metadata: {name: hc}\nspec: {targetRef: {kind: Service, name: prom}, default: {checkIntervalSec: 5}}") +
		object("v1", "ConfigMap", "metadata: {name: c} # kept\ndata: {a: b}")
	var o inject.Options
	o.Namespace = "mon"
	o.KeepInternal = []planner.Internal{{Service: "lb", Name: "lb-inside"}}
	kauth, wrong := judge([]byte(in), o)
	if kauth.Out == nil || len(wrong) > 0 {
		t.Fatalf("%v %v", kauth.Refused, wrong)
	}
	before, err := Read([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, from, to, want string }{
		{"a route left behind", "port: {name: kauth}", "port: {name: http}", "past the gate: Ingress mon/i"},
		{"a route lost", "port: {name: kauth}", "port: {name: gone}", "lost: Ingress mon/i"},
		{"a route to another port", "port: {name: kauth}", "port: {name: other}", "past the gate: Ingress mon/i"},
		{"a published port left behind", "port: 9090, targetPort: kauth}", "port: 9090, targetPort: web}", "past the gate: Service mon/lb"},
		{"a port published", "targetPort: kauth}]}", "targetPort: kauth}, {name: kauth, port: 8181}]}", "a new door: Service mon/lb: port 8181/TCP"},
		{"a port of the node", "- name: kauth\n          containerPort: 8181", "- name: kauth\n          hostPort: 8181\n          containerPort: 8181", "a new door: Deployment mon/prom: hostPort 8181/TCP"},
		{"another upstream", "--upstream=http://127.0.0.1:9090", "--upstream=http://127.0.0.1:7070", "lost: Ingress mon/i"},
		{"an upstream elsewhere", "--upstream=http://127.0.0.1:9090", "--upstream=http://10.0.0.1:9090", "is not a port of the pod"},
		{"another address", "--listen=:8181", "--listen=:8183", "listens on :8183"},
		{"a policy that is left", ", {port: 8181, protocol: TCP}", "", `Deployment mon/prom: port 8181 is closed to {"podSelector":{}}`},
		{"a policy too wide", "{port: 1}", "{port: 1}, {port: 8181}", "Deployment mon/prom: port 8181 is open to *"},
		{"an object that is not concerned", "data: {a: b}", "data: {a: c}", "ConfigMap /c: data.a changed"},
		{"a comment", "# kept", "# lost", "its bytes changed"},
		{"an image", "image: prom/prometheus", "image: prom/prometheus:v3", "spec.template.spec.containers[0].image changed"},
		{"a port taken away", "  - {name: other, port: 81, targetPort: 7070}\n", "", "Service /prom: spec.ports"},
		{"a selector", "selector: {app: prom}\n", "selector: {app: prom, x: y}\n", "Service /prom: spec.selector.x changed"},
		{"a Service more that is open", "undo: object\nspec:\n  type: ClusterIP", "undo: object\nspec:\n  type: NodePort", "objects became"},
		{"a Service more that leads elsewhere", "    targetPort: 9090\n", "    targetPort: 7070\n", "Service mon/lb-inside does not lead where Service mon/lb led"},
		{"a Service that is missing", "name: lb-inside", "name: inside", "no Service \"lb-inside\" beside \"lb\""},
		{"another health check", "requestPath: /health}", "requestPath: /}", "HealthCheckPolicy mon/hc: map[httpHealthCheck:map[requestPath:/] type:HTTP] does not ask the gate behind Service mon/prom"},
		{"a health check for another Service", "kind: Service, name: prom}, default", "kind: Service, name: lb}, default", "no HealthCheckPolicy, so that GKE asks the gate behind Service mon/prom for /"},
		{"more of a health check", "checkIntervalSec: 5", "checkIntervalSec: 6", "HealthCheckPolicy /hc: spec.default.checkIntervalSec changed"},
		{"a document more", "# kept\n", "# kept\n---\nkind: Secret\napiVersion: v1\n", "objects became"},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := strings.Replace(string(kauth.Out), c.from, c.to, 1)
			if changed == string(kauth.Out) {
				t.Fatalf("no %q in\n%s", c.from, kauth.Out)
			}
			after, err := Read([]byte(changed))
			if err != nil {
				t.Fatal(err)
			}
			r := Run{In: before, Out: after, Findings: kauth.Findings, Inside: []Inside{{"lb", "lb-inside"}}}
			said := strings.Join(append(r.Judge("mon"), r.Changes("mon")...), "\n")
			if !strings.Contains(said, c.want) {
				t.Errorf("got %q, want %q", said, c.want)
			}
		})
	}
	if bytes.Equal(kauth.Out, []byte(in)) {
		t.Error("nothing was gated")
	}
}

// TestRefusals makes up refusals, as a faulty kauth might: each that is not so is noticed.
func TestRefusals(t *testing.T) {
	s, err := Read([]byte(app + object("v1", "Service", "metadata: {name: lb}\nspec: {type: LoadBalancer, ports: [{port: 9090}]}")))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		said string
		so   bool
	}{
		{"open to the outside (LoadBalancer) and has no selector, so what it leads to cannot be known", true},
		{`no Service "lb" in this stream`, false},
		{`Service "prom" has no port "99"`, true},
		{`Service "prom" has no port "81"`, false},
		{"leads to Deployment mon/prom with gRPC, which the gate cannot guard", false},
		{"port 9090 of Deployment mon/prom is open on its node, past the gate", false},
		{"selects Pod mon/x, which has no gate, beside Deployment mon/prom", false},
		{"the moon is in the wrong quarter", false},
	} {
		wrong := refusals(s, "mon", []Finding{{Severity: "error", Kind: "Service", NS: "mon", Name: "lb", Message: c.said}})
		if (len(wrong) == 0) != c.so {
			t.Errorf("%s: %v", c.said, wrong)
		}
	}
}
