package topology_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

func resolve(t *testing.T, text, namespace string) (*topology.Model, error) {
	t.Helper()
	s, err := manifest.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return topology.Resolve(s, namespace)
}

// ways prints each way as: opener field -> Service port -> workload port, or what is wrong with it.
func ways(m *topology.Model) string {
	var lines []string
	for _, w := range m.Ways {
		line := w.Ref().Short() + " " + w.Field().String()
		if w.ServicePort != nil {
			line += fmt.Sprintf(" -> %s %d", w.Service.Object.Short(), w.ServicePort.Number)
		}
		if w.Workload != nil {
			line += strings.TrimSuffix(fmt.Sprintf(" -> %s %d %s", w.Workload.Object.Short(), w.Port, w.PortName), " ")
		}
		if w.Maybe {
			line += " maybe"
		}
		if w.Nowhere != "" {
			line += " NOWHERE: " + w.Nowhere
		}
		if w.Problem != "" {
			line += " PROBLEM in " + fmt.Sprintf("%q: ", w.Namespace) + w.Problem
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, "\n")
}

func deployment(name, labels, ports string) string {
	return fmt.Sprintf("---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s}\nspec: {template: {metadata: {labels: {%s}}, spec: {containers: [{name: c, image: i, ports: [%s]}]}}}\n", name, labels, ports)
}

func service(name, spec string) string {
	return fmt.Sprintf("---\napiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {%s}\n", name, spec)
}

func object(api, kind, name, spec string) string {
	return fmt.Sprintf("---\napiVersion: %s\nkind: %s\nmetadata: {name: %s}\nspec: {%s}\n", api, kind, name, spec)
}

const ingress = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec: {defaultBackend: {service: {name: s, port: {number: 80}}}}\n"

const fromIngress = "Ingress i spec.defaultBackend -> Service s 80 -> "

func TestPorts(t *testing.T) {
	app := deployment("d", "app: a", "{name: web, containerPort: 9090}, {name: dns, containerPort: 53, protocol: UDP}")
	for _, c := range []struct{ name, text, want string }{
		{"target by number", app + service("s", "selector: {app: a}, ports: [{port: 80, targetPort: 9090}]"), "Deployment d 9090 web"},
		{"target by name", app + service("s", "selector: {app: a}, ports: [{port: 80, targetPort: web}]"), "Deployment d 9090 web"},
		{"target of another protocol", app + service("s", "selector: {app: a}, ports: [{port: 80, targetPort: dns}]"), "Deployment d 0 dns"},
		{"target that is not declared", app + service("s", "selector: {app: a}, ports: [{port: 80, targetPort: 7}]"), "Deployment d 7"},
		{"no target", app + service("s", "selector: {app: a}, ports: [{port: 80}]"), "Deployment d 80"},
		{"one number for two protocols", app + service("s", "selector: {app: a}, ports: [{port: 80, protocol: UDP, targetPort: dns}, {port: 80, targetPort: web}]"), "Deployment d 9090 web"},
		{"only for another protocol", app + service("s", "selector: {app: a}, ports: [{port: 80, protocol: UDP, targetPort: dns}]"), "Deployment d 53 dns"},
		{"target zero", app + service("s", "selector: {app: a}, ports: [{port: 80, targetPort: 0}]"), "Deployment d 80"},
		{"null target", app + service("s", "selector: {app: a}, ports: [{port: 80, targetPort: ~}]"), "Deployment d 80"},
		{
			"a name in an init container too, which ends before the pod serves",
			strings.Replace(app, "containers:", "initContainers: [{name: init, ports: [{name: web, containerPort: 1}]}], containers:", 1) +
				service("s", "selector: {app: a}, ports: [{port: 80, targetPort: web}]"), "Deployment d 9090 web",
		},
		{
			"a name in a sidecar among the init containers",
			strings.Replace(app, "containers:", "initContainers: [{name: init, restartPolicy: Always, ports: [{name: side, containerPort: 1}]}], containers:", 1) +
				service("s", "selector: {app: a}, ports: [{port: 80, targetPort: side}]"), "Deployment d 1 side",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := resolve(t, c.text+ingress, "")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(fromIngress+c.want, ways(m)); diff != "" {
				t.Errorf("ways (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSelectors covers section 1 of the operator's facts: which labels the pods of its resources carry.
func TestSelectors(t *testing.T) {
	cr := func(kind, spec string) string { return object("monitoring.coreos.com/v1", kind, "p", spec) }
	const prom = "Prometheus p 9090 web"
	for _, c := range []struct{ name, object, selector, want string }{
		{"name", cr("Prometheus", ""), "prometheus: p", prom},
		{"another name", cr("Prometheus", ""), "prometheus: q", ""},
		{"app and instance", cr("Prometheus", ""), "app.kubernetes.io/name: prometheus, app.kubernetes.io/instance: p", prom},
		{"operator's name label", cr("Prometheus", ""), "operator.prometheus.io/name: p", prom},
		{"a shard", cr("Prometheus", "shards: 2"), "operator.prometheus.io/shard: '1'", prom},
		{"podMetadata adds", cr("Prometheus", "podMetadata: {labels: {team: x}}"), "team: x", prom},
		{"podMetadata does not override", cr("Prometheus", "podMetadata: {labels: {prometheus: x}}"), "prometheus: x", ""},
		{"the version is the operator's", cr("Prometheus", "podMetadata: {labels: {app.kubernetes.io/version: x}}"), "prometheus: p, app.kubernetes.io/version: y", prom + " maybe"},
		{"metadata.labels are not the pods'", strings.Replace(cr("Prometheus", ""), "{name: p}", "{name: p, labels: {app: x}}", 1), "app: x", ""},
		{"a label alone that some pod may get at run time", cr("Prometheus", ""), "vault-active: 'true'", prom + " maybe"},
		{"a pod by name", cr("Prometheus", ""), "statefulset.kubernetes.io/pod-name: prometheus-p-0", prom},
		{"a pod of a shard by name", cr("Prometheus", ""), "statefulset.kubernetes.io/pod-name: prometheus-p-shard-1-0", prom},
		{"a pod of another", cr("Prometheus", ""), "statefulset.kubernetes.io/pod-name: prometheus-q-0", ""},
		{"a leader, at run time", cr("Prometheus", ""), "prometheus: p, role: leader", prom + " maybe"},
		{"agent", cr("PrometheusAgent", ""), "app.kubernetes.io/name: prometheus-agent", "PrometheusAgent p 9090 web"},
		{"agent has no prometheus label", cr("PrometheusAgent", ""), "prometheus: p", ""},
		{"agent as DaemonSet has no pod names", cr("PrometheusAgent", "mode: DaemonSet"), "statefulset.kubernetes.io/pod-name: prom-agent-p-0", ""},
		{"agent by pod name", cr("PrometheusAgent", ""), "statefulset.kubernetes.io/pod-name: prom-agent-p-3", "PrometheusAgent p 9090 web"},
		{"alertmanager has no shards", cr("Alertmanager", ""), "statefulset.kubernetes.io/pod-name: alertmanager-p-shard-1-0", ""},
		{"ruler that a chart misnames", cr("ThanosRuler", "podMetadata: {labels: {app.kubernetes.io/name: kube-prometheus}}"), "app.kubernetes.io/name: kube-prometheus", ""},
		{"null is the empty text", deployment("d", `app: a, x: ""`, ""), "app: a, x: ~", "Deployment d 9090"},
		{"StatefulSet by pod name", strings.Replace(deployment("d", "app: a", ""), "Deployment", "StatefulSet", 1), "statefulset.kubernetes.io/pod-name: d-2", "StatefulSet d 9090"},
		{"StatefulSet by pod index", strings.Replace(deployment("d", "app: a", ""), "Deployment", "StatefulSet", 1), "app: a, apps.kubernetes.io/pod-index: '0'", "StatefulSet d 9090"},
		{"hook", strings.Replace(deployment("d", "app: a", ""), "{name: d}", "{name: d, annotations: {helm.sh/hook: test}}", 1), "app: a", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := resolve(t, c.object+service("s", "selector: {"+c.selector+"}, ports: [{port: 80, targetPort: 9090}]")+ingress, "")
			if err != nil {
				t.Fatal(err)
			}
			want := strings.TrimSuffix(fromIngress, "-> ") + `NOWHERE: Service "s" selects no workload of this stream`
			switch {
			case c.name == "hook":
				want = strings.TrimSuffix(fromIngress, "-> ") + `NOWHERE: Service "s" selects Deployment d alone, a Helm hook that does not last`
			case c.want != "":
				want = fromIngress + c.want
			}
			got := strings.Replace(ways(m), "9093 web", "9090 web", 1)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("ways (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWays(t *testing.T) {
	app := deployment("d", "app: a", "{name: web, containerPort: 9090}")
	svc := service("s", "selector: {app: a}, ports: [{name: http, port: 80, targetPort: 9090}, {name: other, port: 81, targetPort: 1}]")
	const end = "-> Service s 80 -> Deployment d 9090 web"
	gateway := "gateway.networking.k8s.io/v1"
	for _, c := range []struct{ name, text, want string }{
		{"LoadBalancer", app + service("s", "type: LoadBalancer, selector: {app: a}, ports: [{port: 80, targetPort: web}]"), "Service s spec.ports[0] " + end},
		{"externalIPs", app + service("s", "externalIPs: [192.0.2.1], selector: {app: a}, ports: [{port: 80, targetPort: web}]"), "Service s spec.ports[0] " + end},
		{"externalIPs of a headless one", app + service("s", "clusterIP: None, externalIPs: [192.0.2.1], selector: {app: a}, ports: [{port: 80, targetPort: web}]"), ""},
		{"a headless LoadBalancer, which is refused", app + service("s", "clusterIP: None, type: LoadBalancer, selector: {app: a}, ports: [{port: 80, targetPort: web}]"), ""},
		{"a headless NodePort without selector, which is refused", service("s", "clusterIP: None, type: NodePort, ports: [{port: 80}]"), ""},
		{"ClusterIP is none", app + svc, ""},
		{"open without selector", service("s", "type: NodePort, ports: [{port: 80}]"), `Service s spec.selector PROBLEM in "": open to the outside (NodePort) and has no selector, so what it leads to cannot be known`},
		{"hostPort", deployment("d", "app: a", "{containerPort: 9090, hostPort: 80}"), "Deployment d spec.template.spec.containers[0].ports[0].hostPort -> Deployment d 9090"},
		{"hostNetwork, in YAML 1.1", strings.Replace(app, "containers:", "hostNetwork: on, containers:", 1), "Deployment d spec.template.spec.hostNetwork -> Deployment d 9090 web"},
		{
			"HTTPRoute and its mirrors", app + svc + object(gateway, "HTTPRoute", "r", "rules: [{backendRefs: [{name: s, port: 80, filters: [{requestMirror: {backendRef: {name: s, port: 80}}}]}], filters: [{requestMirror: {backendRef: {name: s, port: 80}}}]}]"),
			"HTTPRoute r spec.rules[0].backendRefs[0] " + end + "\nHTTPRoute r spec.rules[0].backendRefs[0].filters[0].requestMirror.backendRef " + end + "\nHTTPRoute r spec.rules[0].filters[0].requestMirror.backendRef " + end,
		},
		{"HTTPRoute to something else", app + svc + object(gateway, "HTTPRoute", "r", "rules: [{backendRefs: [{kind: Bucket, name: s}]}]"), ""},
		{"HTTPRoute to an import", app + svc + object(gateway, "HTTPRoute", "r", "rules: [{backendRefs: [{kind: ServiceImport, group: multicluster.x-k8s.io, name: s, port: 80}]}]"), `HTTPRoute r spec.rules[0].backendRefs[0] PROBLEM in "": a ServiceImport, so what it leads to cannot be known`},
		{"several ports, none named", app + svc + object(gateway, "HTTPRoute", "r", "rules: [{backendRefs: [{name: s}]}]"), `HTTPRoute r spec.rules[0].backendRefs[0] PROBLEM in "": Service "s" has no port that is meant without saying which`},
		{"OpenShift Route by target number", app + service("s", "selector: {app: a}, ports: [{name: x, port: 9090, targetPort: 1}, {name: http, port: 80, targetPort: web}]") + object("route.openshift.io/v1", "Route", "r", "to: {kind: Service, name: s}, port: {targetPort: 9090}"), "Route r spec.to " + end},
		{"OpenShift Route by name", app + svc + object("route.openshift.io/v1", "Route", "r", "to: {kind: Service, name: s}, port: {targetPort: http}"), "Route r spec.to " + end},
		{"VirtualService at a gateway", app + svc + object("networking.istio.io/v1", "VirtualService", "v", "hosts: [x], gateways: [mesh, g], http: [{route: [{destination: {host: s, port: {number: 80}}}]}]"), "VirtualService v spec.http[0].route[0].destination " + end},
		{"VirtualService of the mesh", app + svc + object("networking.istio.io/v1", "VirtualService", "v", "hosts: [x], gateways: [mesh], http: [{route: [{destination: {host: s, port: {number: 80}}}]}]"), ""},
		{"VirtualService that another delegates to", app + svc + object("networking.istio.io/v1", "VirtualService", "v", "http: [{route: [{destination: {host: s, port: {number: 80}}}]}]"), "VirtualService v spec.http[0].route[0].destination " + end},
		{"highestRandomWeight", app + svc + object("traefik.io/v1alpha1", "TraefikService", "t", "highestRandomWeight: {services: [{name: s, port: 80}]}"), "TraefikService t spec.highestRandomWeight.services[0] " + end},
		{"HTTPRoute's external check", app + svc + object(gateway, "HTTPRoute", "r", "rules: [{filters: [{externalAuth: {protocol: HTTP, backendRef: {name: s, port: 80}}}]}]"), "HTTPRoute r spec.rules[0].filters[0].externalAuth.backendRef " + end},
		{"HTTPRoute to a host name of Istio", app + svc + object(gateway, "HTTPRoute", "r", "rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: s.default.svc.cluster.local, port: 80}]}]"), "HTTPRoute r spec.rules[0].backendRefs[0] " + end},
		{"ServiceEntry that selects pods", app + object("networking.istio.io/v1", "ServiceEntry", "s", "hosts: [X.mesh], workloadSelector: {labels: {app: a}}") + object("networking.istio.io/v1", "VirtualService", "v", "gateways: [g], http: [{route: [{destination: {host: x.mesh}}]}]"), `VirtualService v spec.http[0].route[0].destination -> Deployment d 0 PROBLEM in "mesh": ServiceEntry "s" leads to the pods past their Services`},
		{"ServiceEntry for the world outside", app + object("networking.istio.io/v1", "ServiceEntry", "s", "hosts: [x.example.com]") + object("networking.istio.io/v1", "VirtualService", "v", "gateways: [g], http: [{route: [{destination: {host: x.example.com}}]}]"), ""},
		{"Route of OpenShift without group", app + svc + object("v1", "Route", "r", "to: {kind: Service, name: s}, port: {targetPort: http}"), "Route r spec.to " + end},
		{"IngressRoute of Contour", app + svc + object("contour.heptio.com/v1beta1", "IngressRoute", "r", "routes: [{services: [{name: s, port: 80}]}]"), "IngressRoute r spec.routes[0].services[0] " + end},
		{"tailscale", app + strings.Replace(svc, "{name: s}", "{name: s, annotations: {tailscale.com/expose: 'true'}}", 1), "Service s spec.ports[0] " + end + "\nService s spec.ports[1] -> Service s 81 -> Deployment d 1"},
		{"fixed addresses", app + service("e", "ports: [{port: 80}]") + "---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: e}\nsubsets: [{addresses: [{ip: 192.0.2.1}]}]\n" + strings.Replace(ingress, "name: s,", "name: e,", 1), `Ingress i spec.defaultBackend -> Service e 80 NOWHERE: Service "e" has no selector, and Endpoints "e" leads it to fixed addresses (192.0.2.1)`},
		{"addresses of a Service", app + strings.Replace(svc, "selector:", "clusterIP: 192.0.2.1, selector:", 1) + service("e", "ports: [{port: 80}]") + "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: x, labels: {kubernetes.io/service-name: e}}\nendpoints: [{addresses: [192.0.2.1]}]\n" + strings.Replace(ingress, "name: s,", "name: e,", 1), `Ingress i spec.defaultBackend -> Service e 80 -> Deployment d 0 PROBLEM in "": EndpointSlice "x" leads Service "e" back into the cluster`},
		{"the address of a pod", strings.Replace(app, "Deployment", "StatefulSet", 1) + service("e", "ports: [{port: 80}]") + "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: x, labels: {kubernetes.io/service-name: e}}\nendpoints: [{addresses: [192.0.2.1], targetRef: {kind: Pod, name: d-0}}]\n" + strings.Replace(ingress, "name: s,", "name: e,", 1), `Ingress i spec.defaultBackend -> Service e 80 -> StatefulSet d 0 PROBLEM in "": EndpointSlice "x" leads Service "e" back into the cluster`},
		{
			"labels that another workload has already", app + deployment("other", "app: a, role: leader", "") + service("s", "selector: {app: a, role: leader}, ports: [{port: 80, targetPort: 9090}]") + ingress,
			fromIngress + "Deployment other 9090\n" + fromIngress + "Deployment d 9090 web maybe",
		},
		{"TargetGroupBinding", app + svc + object("elbv2.k8s.aws/v1beta1", "TargetGroupBinding", "b", "serviceRef: {name: s, port: http}"), "TargetGroupBinding b spec.serviceRef " + end},
		{"error pages", app + svc + object("traefik.io/v1alpha1", "Middleware", "m", "errors: {service: {name: s, port: 80}}"), "Middleware m spec.errors.service " + end},
		{"failover", app + svc + object("traefik.io/v1alpha1", "TraefikService", "f", "failover: {service: {name: s, port: 80}, fallback: {name: x@internal}}"), "TraefikService f spec.failover.service " + end},
		{"ExternalName back into the cluster", app + svc + service("e", "type: ExternalName, externalName: gone.default.svc.cluster.local.") + strings.Replace(ingress, "name: s,", "name: e,", 1), `Ingress i spec.defaultBackend PROBLEM in "default": Service "e" is an ExternalName for "gone.default.svc.cluster.local.", which leads back into the cluster`},
		{"ExternalName of a Service of the stream", app + svc + service("e", "type: ExternalName, externalName: S.default.svc") + strings.Replace(ingress, "name: s,", "name: e,", 1), `Ingress i spec.defaultBackend -> Deployment d 0 PROBLEM in "default": Service "e" is an ExternalName for "S.default.svc", which leads back into the cluster`},
		{"ExternalName of an ExternalName", app + svc + service("e", "type: ExternalName, externalName: f.default.svc") + service("f", "type: ExternalName, externalName: s") + strings.Replace(ingress, "name: s,", "name: e,", 1), `Ingress i spec.defaultBackend -> Deployment d 0 PROBLEM in "": Service "e" is an ExternalName for "f.default.svc", which leads back into the cluster`},
		{"ExternalName of itself", app + service("e", "type: ExternalName, externalName: e") + strings.Replace(ingress, "name: s,", "name: e,", 1), `Ingress i spec.defaultBackend PROBLEM in "": Service "e" is an ExternalName for "e", which leads back into the cluster`},
		{"ExternalName of a pod", app + svc + service("e", "type: ExternalName, externalName: d-0.s.default.svc.cluster.local") + strings.Replace(ingress, "name: s,", "name: e,", 1), `Ingress i spec.defaultBackend -> Deployment d 0 PROBLEM in "default": Service "e" is an ExternalName for "d-0.s.default.svc.cluster.local", which leads back into the cluster`},
		{"ExternalName by the search path", app + svc + service("e", "type: ExternalName, externalName: s.default") + strings.Replace(ingress, "name: s,", "name: e,", 1), `Ingress i spec.defaultBackend -> Deployment d 0 PROBLEM in "default": Service "e" is an ExternalName for "s.default", which leads back into the cluster`},
		{"ExternalName out of the cluster that begins like a Service", app + svc + service("e", "type: ExternalName, externalName: s.example.com") + strings.Replace(ingress, "name: s,", "name: e,", 1), ""},
		{"ExternalName out of the cluster", app + svc + service("e", "type: ExternalName, externalName: www.example.com") + strings.Replace(ingress, "name: s,", "name: e,", 1), ""},
		{
			"nginx's default backend", app + service("s", "selector: {app: a}, ports: [{port: 80, targetPort: web}]") + strings.Replace(strings.Replace(ingress, "{name: i}", "{name: i, annotations: {nginx.ingress.kubernetes.io/default-backend: s}}", 1), "name: s,", "name: gone,", 1),
			`Ingress i spec.defaultBackend PROBLEM in "": no Service "gone" in this stream, so what it leads to cannot be known` + "\n" + `Ingress i metadata.annotations["nginx.ingress.kubernetes.io/default-backend"] ` + end,
		},
		{
			"nginx's default backend, by the first of two ports", app + service("s", "selector: {app: a}, ports: [{name: a, port: 80, targetPort: web}, {name: b, port: 81, targetPort: 1}]") + strings.Replace(strings.Replace(ingress, "{name: i}", "{name: i, annotations: {nginx.ingress.kubernetes.io/default-backend: s}}", 1), "name: s,", "name: gone,", 1),
			`Ingress i spec.defaultBackend PROBLEM in "": no Service "gone" in this stream, so what it leads to cannot be known` + "\n" + `Ingress i metadata.annotations["nginx.ingress.kubernetes.io/default-backend"] ` + end,
		},
		{"an odd number", app + svc + strings.Replace(ingress, "80", "0120", 1), `Ingress i spec.defaultBackend PROBLEM in "": port "0120" is a number that not every reader of YAML takes for the same`},
		{"a name that looks like one", app + strings.ReplaceAll(svc, "http", "'0x50'") + strings.Replace(ingress, "number: 80", "name: '0x50'", 1), fromIngress + "Deployment d 9090 web"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := resolve(t, c.text, "")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, ways(m)); diff != "" {
				t.Errorf("ways (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNamespaces(t *testing.T) {
	in := func(namespace, text string) string {
		return strings.Replace(text, "metadata: {", "metadata: {namespace: "+namespace+", ", 1)
	}
	app, svc := deployment("d", "app: a", "{containerPort: 80}"), service("s", "selector: {app: a}, ports: [{port: 80}]")
	for _, c := range []struct{ name, text, namespace, want string }{
		{"each its own", in("x", app) + in("x", svc) + in("y", app) + in("y", svc) + in("y", ingress), "", "Ingress y/i spec.defaultBackend -> Service y/s 80 -> Deployment y/d 80"},
		{"none says", app + svc + ingress, "", fromIngress + "Deployment d 80"},
		{"some say", in("x", app) + svc + in("x", ingress), "", "Ingress x/i spec.defaultBackend -> Service s 80 -> Deployment x/d 80"},
		{"--namespace for those that do not", app + in("x", svc) + in("x", ingress), "y", `Ingress x/i spec.defaultBackend -> Service x/s 80 NOWHERE: Service "s" selects no workload of this stream`},
		{"two may be meant", in("x", svc) + in("y", svc) + ingress, "", `Ingress i spec.defaultBackend PROBLEM in "": more than one Service "s" in this stream`},
		{"the exact one is meant", app + svc + in("y", svc) + ingress, "", fromIngress + "Deployment d 80"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := resolve(t, c.text, c.namespace)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, ways(m)); diff != "" {
				t.Errorf("ways (-want +got):\n%s", diff)
			}
		})
	}
}

func TestActions(t *testing.T) {
	app, svc := deployment("d", "app: a", "{containerPort: 9090}"), service("s", "selector: {app: a}, ports: [{name: http, port: 80, targetPort: 9090}]")
	one := fmt.Sprintf("Ingress i metadata.annotations[%q] -> Service s 80 -> Deployment d 9090", topology.ALBPrefix+"actions.fw")
	for _, c := range []struct{ name, action, want, err string }{
		{"forward", `{"type":"forward","forwardConfig":{"targetGroups":[{"serviceName":"s","servicePort":80}]}}`, one, ""},
		{"numeric text and name", `{"type":"forward","forwardConfig":{"targetGroups":[{"serviceName":"s","servicePort":"80"},{"serviceName":"s","servicePort":"http"}]}}`, one + "\n" + one, ""},
		{"any case", `{"TYPE":"Forward","forwardconfig":{"TargetGroups":[{"ServiceName":"s","ServicePort":80}]}}`, one, ""},
		{"redirect", `{"type":"redirect","redirectConfig":{"port":"443"}}`, "", ""},
		{"out of the cluster", `{"type":"forward","targetGroupARN":"arn:aws:x"}`, "", ""},
		{"null groups", `{"type":"forward","forwardConfig":{"targetGroups":null}}`, "", ""},
		{"not JSON", `{`, "", "not valid JSON"},
		{"a list", `[]`, "", "not a JSON object"},
		{"a key twice", `{"type":"redirect","Type":"forward"}`, "", `the key "Type" stands twice, but for its case`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := app + svc + "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: i\n  annotations:\n    alb.ingress.kubernetes.io/actions.fw: '" + c.action +
				"'\nspec: {defaultBackend: {service: {name: fw, port: {name: use-annotation}}}}\n"
			m, err := resolve(t, text, "")
			switch {
			case c.err != "":
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want one with %q", err, c.err)
				}
			case err != nil:
				t.Fatal(err)
			default:
				if diff := cmp.Diff(c.want, ways(m)); diff != "" {
					t.Errorf("ways (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"Service port", service("s", "ports: [{port: 0x50}]"), `Service s: spec.ports[0].port: "0x50" is not a port number`},
		{"Service port too large", service("s", "ports: [{port: 65536}]"), "is not a port number"},
		{"target port", service("s", "ports: [{port: 80, targetPort: 1e3}]"), `Service s: spec.ports[0].targetPort: "1e3" is a number that not every reader`},
		{"no ports", service("s", "selector: {a: b}"), "Service s: spec.ports: none; is the input cut off?"},
		{"container port", deployment("d", "a: b", "{containerPort: 0120}"), `containers[0].ports[0].containerPort: "0120" is a number`},
		{"host port", deployment("d", "a: b", "{containerPort: 1, hostPort: 1_0}"), `containers[0].ports[0].hostPort: "1_0" is a number`},
		{"selector key", service("s", "selector: {0x1: x}, ports: [{port: 80}]"), `Service s: spec.selector["0x1"]: not every reader of YAML takes this key for text; put it in quotes`},
		{"label key", deployment("d", "on: x", ""), "Deployment d: spec.template.metadata.labels.on: not every reader"},
		{"no containers", object("apps/v1", "StatefulSet", "d", "template: {}"), "StatefulSet d: spec.template.spec.containers: none"},
		{"resource without spec", "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: p}\n", "Prometheus p: spec: missing"},
		{"Ingress without spec", "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: p}\n", "Ingress p: spec: missing"},
		{"backend of the other version", object("networking.k8s.io/v1", "Ingress", "i", "defaultBackend: {serviceName: s, servicePort: 80}"), "Ingress i: spec.defaultBackend: names no Service"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := resolve(t, c.text, ""); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
