package proof_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/inject"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/planner"
	"github.com/kauth-dev/kauth/pkg/proof"
	"github.com/kauth-dev/kauth/pkg/testenv/streams"
)

const release = `apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata:
  name: p
spec:
  thanos: {}
---
apiVersion: v1
kind: Service
metadata:
  name: p
spec:
  selector: {prometheus: p}
  ports:
  - name: http-web
    port: 9090
    targetPort: web
---
apiVersion: v1
kind: Service
metadata:
  name: open
spec:
  type: LoadBalancer
  selector: {prometheus: p}
  ports:
  - name: web
    port: 80
    targetPort: 9090
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: p
spec:
  defaultBackend:
    service:
      name: p
      port:
        number: 9090
`

// TestProve injects, spoils the output, and wants Ways to see it.
func TestProve(t *testing.T) {
	const side = "---\napiVersion: v1\nkind: Service\nmetadata: {name: side, annotations: {}}\nspec: {type: LoadBalancer, selector: {prometheus: p}, ports: [{port: 10901, targetPort: grpc}]}\n"
	const past = "Ingress p: spec.defaultBackend: still leads to port 9090 (web) of Prometheus p, past the gate"
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", "", "", ""},
		{"the backend is back", "number: 8181", "number: 9090", past},
		{"the backend leads nowhere", "number: 8181", "number: 1", `Ingress p: spec.defaultBackend: Service "p" has no port "1"`},
		{"the gate's port of the Service leads past it", "port: 8181\n    targetPort: kauth", "port: 8181\n    targetPort: 9090", past},
		{"the old port has the gate's number", "port: 9090\n    targetPort: web", "port: 8181\n    targetPort: web", past},
		{"the target is back", "port: 80\n    targetPort: kauth", "port: 80\n    targetPort: web", "Service open: spec.ports[0]: still leads to port 9090 (web) of Prometheus p, past the gate"},
		{"another way", "", side, "Service side: spec.ports[0]: still leads to port 10901 (grpc) of Prometheus p, past the gate"},
		{"another way, that its owner wants", "", strings.Replace(side, "{}", "{kauth.dev/gate: disabled}", 1), ""},
		{"the application's own way, that its owner wants", "", strings.NewReplacer("{}", "{kauth.dev/gate: disabled}", "grpc", "web").Replace(side), "Service side: spec.ports[0]: still leads to port 9090 (web)"},
		{"the reloader's metrics", "", strings.Replace(side, "grpc", "reloader-web", 1), ""},
		{"a way of gRPC to the gate", "", "---\napiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {name: g}\nspec: {rules: [{backendRefs: [{name: p, port: 8181}]}]}\n", "GRPCRoute g: spec.rules[0].backendRefs[0]: still leads to port 8181 (kauth)"},
		{"a way that cannot be followed", "", "---\napiVersion: v1\nkind: Service\nmetadata: {name: raw}\nspec: {type: NodePort, ports: [{port: 1}]}\n", "Service raw: spec.selector: open to the outside (NodePort)"},
		{"an ExternalName", "", "---\napiVersion: v1\nkind: Service\nmetadata: {name: e, namespace: x}\nspec: {type: ExternalName, externalName: p.y.svc}\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: e, namespace: x}\nspec: {defaultBackend: {service: {name: e, port: {number: 9090}}}}\n", "Ingress x/e: spec.defaultBackend: still leads to port 0"},
		{"the gate listens elsewhere", "--listen=:8181", "--listen=:8081", "still leads to port 8181 (kauth) of Prometheus p, past the gate"},
		{"no gate", "name: kauth-proxy", "name: other", "Prometheus p: has no container kauth-proxy"},
		{"two gates", "containers:\n", "containers:\n  - name: kauth-proxy\n    image: x\n", "Prometheus p: has two containers kauth-proxy"},
		{"a setting that means nothing", "--listen=", "--lisen=", "Prometheus p: container kauth-proxy: flag provided but not defined: -lisen"},
		{"no upstream", "- --upstream=http://127.0.0.1:9090\n", "- --upstream=\n", "Prometheus p: container kauth-proxy: --upstream: missing"},
		{"the node's network", "thanos: {}", "hostNetwork: true", "Prometheus p: spec.hostNetwork: still leads to port 9090 (web)"},
		{"a shared-out service of Traefik", "", "---\napiVersion: traefik.io/v1alpha1\nkind: TraefikService\nmetadata: {name: t}\nspec: {highestRandomWeight: {services: [{name: p, port: 9090}]}}\n", "TraefikService t: spec.highestRandomWeight.services[0]: still leads to port 9090 (web)"},
		{"an external check", "", "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: h}\nspec: {rules: [{filters: [{externalAuth: {backendRef: {name: p, port: 9090}}}]}]}\n", "HTTPRoute h: spec.rules[0].filters[0].externalAuth.backendRef: still leads to port 9090 (web)"},
		{"an ExternalName of an ExternalName", "", "---\napiVersion: v1\nkind: Service\nmetadata: {name: e}\nspec: {type: ExternalName, externalName: f}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: f}\nspec: {type: ExternalName, externalName: p}\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: e}\nspec: {defaultBackend: {service: {name: e, port: {number: 9090}}}}\n", "Ingress e: spec.defaultBackend: still leads to port 0"},
		{"Endpoints of a pod", "", "---\napiVersion: v1\nkind: Service\nmetadata: {name: e}\nspec: {type: NodePort, ports: [{port: 80}]}\n---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: e}\nsubsets: [{addresses: [{ip: 192.0.2.1, targetRef: {kind: Pod, name: prometheus-p-0}}]}]\n", "Service e: spec.selector: still leads to port 0"},
		{"fixed addresses", "", "---\napiVersion: v1\nkind: Service\nmetadata: {name: e}\nspec: {type: NodePort, ports: [{port: 80}]}\n---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: e}\nsubsets: [{addresses: [{ip: 192.0.2.1}]}]\n", ""},
		{"a ServiceEntry", "", "---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: e}\nspec: {hosts: [m], workloadSelector: {labels: {prometheus: p}}}\n---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec: {gateways: [g], http: [{route: [{destination: {host: m}}]}]}\n", "VirtualService v: spec.http[0].route[0].destination: still leads to port 0"},
		{"a Service for the tailnet", "", "---\napiVersion: v1\nkind: Service\nmetadata: {name: s, annotations: {tailscale.com/expose: 'true'}}\nspec: {selector: {prometheus: p}, ports: [{port: 80, targetPort: web}]}\n", "Service s: spec.ports[0]: still leads to port 9090 (web)"},
		{"a Service for other clusters", "", "---\napiVersion: multicluster.x-k8s.io/v1alpha1\nkind: ServiceExport\nmetadata: {name: p}\n", "Service p: spec.ports[0]: still leads to port 9090 (web)"},
		{"a Service with a label of the run time", "", "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {type: NodePort, selector: {role: leader}, ports: [{port: 80, targetPort: web}]}\n", "Service s: spec.ports[0]: still leads to port 9090 (web)"},
		{"a port of the node", "", "---\napiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: c, ports: [{containerPort: 1, hostPort: 1}]}]}\n", ""},
		{"a port of the node, of the gate's pod", "containers:\n", "containers:\n  - name: prometheus\n    ports: [{containerPort: 9090, hostPort: 80}]\n", "spec.containers[0].ports[0].hostPort: still leads to port 9090"},
		{"the node's network, and the loopback", "thanos: {}", "hostNetwork: true\n  listenLocal: true", ""},
		{"another workload", "kind: Prometheus\n", "kind: PrometheusAgent\n", "Prometheus p: is gone from the output"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := injected(t, release)
			_, m := streams.Resolve(t, streams.Spoil(t, text, c.old, c.new))
			gated := []manifest.Ref{{Group: "monitoring.coreos.com", Version: "v1", Kind: "Prometheus", Name: "p"}}
			var got []string
			for _, f := range proof.Ways(m, gated, nil, nil) {
				if f.Severity != finding.Error {
					t.Errorf("%s: severity %q", f, f.Severity)
				}
				got = append(got, f.String())
			}
			all := strings.Join(got, "\n")
			if c.want == "" && all != "" || !strings.Contains(all, c.want) {
				t.Errorf("got %q, want %q", all, c.want)
			}
		})
	}
}

func injected(t *testing.T, in string) string {
	t.Helper()
	return outputOf(t, in, inject.Options{Options: planner.Options{Version: "v1"}})
}

// TestProveAllowed wants what --allow-open allows to be let through, and nothing else of the same object.
func TestProveAllowed(t *testing.T) {
	text := injected(t, release) + "---\napiVersion: v1\nkind: Service\nmetadata: {name: side}\nspec: {type: LoadBalancer, selector: {prometheus: p}, ports: [{port: 10901, targetPort: grpc}, {port: 80, targetPort: web}]}\n"
	_, m := streams.Resolve(t, text)
	gated := []manifest.Ref{{Group: "monitoring.coreos.com", Kind: "Prometheus", Name: "p"}}
	side := manifest.Ref{Version: "v1", Kind: "Service", Name: "side"}
	for _, c := range []struct {
		name  string
		opens []proof.Allowed
		want  []string
	}{
		{"nothing", nil, []string{"spec.ports[0]", "spec.ports[1]"}},
		{"one", []proof.Allowed{{Ref: side, Field: "spec.ports[0]"}}, []string{"spec.ports[1]"}},
		{"of another object", []proof.Allowed{{Ref: manifest.Ref{Kind: "Service", Name: "open"}, Field: "spec.ports[0]"}}, []string{"spec.ports[0]", "spec.ports[1]"}},
		{"both", []proof.Allowed{{Ref: side, Field: "spec.ports[0]"}, {Ref: side, Field: "spec.ports[1]"}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, f := range proof.Ways(m, gated, nil, c.opens) {
				got = append(got, f.Field.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
