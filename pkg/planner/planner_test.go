package planner_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/choice"
	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/planner"
	"github.com/kauth-dev/kauth/pkg/testenv/streams"
	"github.com/kauth-dev/kauth/pkg/topology"
)

func makePlan(t *testing.T, text string, o planner.Options) *plan.Plan {
	t.Helper()
	s, m := streams.Resolve(t, text)
	o.Version = "v1"
	return planner.Make(m, s, o)
}

func object(api, kind, name, more string) string {
	return fmt.Sprintf("---\napiVersion: %s\nkind: %s\nmetadata: {name: %s}\n%s\n", api, kind, name, more)
}

// workload is a Deployment d with the label app: d, and one container that container spells.
func workload(container string) string { return labelled("app: d", container) }

func labelled(labels, container string) string {
	return object("apps/v1", "Deployment", "d", "spec: {template: {metadata: {labels: {"+labels+"}}, spec: {containers: [{name: c, "+container+"}]}}}")
}

func service(name, spec string) string { return object("v1", "Service", name, "spec: {"+spec+"}") }

func ingress(name, annotations, backends string) string {
	return fmt.Sprintf("---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: %s, annotations: {%s}}\nspec: {rules: [{http: {paths: [%s]}}]}\n", name, annotations, backends)
}

func path(service string, port int) string {
	return fmt.Sprintf("{path: /, backend: {service: {name: %s, port: {number: %d}}}}", service, port)
}

func target(t *testing.T, text string) []choice.Target {
	t.Helper()
	if text == "" {
		return nil
	}
	got, err := choice.ParseTarget(text)
	if err != nil {
		t.Fatal(err)
	}
	return []choice.Target{got}
}

func errorsOf(p *plan.Plan) string {
	var lines []string
	for _, f := range finding.Errors(p.Findings) {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

// TestWeb is about what the sidecar is told of the application.
func TestWeb(t *testing.T) {
	cr := func(kind, spec string) string {
		return object("monitoring.coreos.com/v1", kind, "d", "spec: {"+spec+"}")
	}
	const probe = "livenessProbe: {httpGet: {path: /alive, port: 9090}}"
	prom := func(container string) string { return labelled("app.kubernetes.io/name: prometheus", container) }
	for _, c := range []struct{ name, text, gate, want string }{ // upstream, prefix, health path
		{"operator", cr("Prometheus", ""), "", "http://127.0.0.1:9090  /-/healthy"},
		{"operator's prefix", cr("Prometheus", "routePrefix: /p/"), "", "http://127.0.0.1:9090 /p /p/-/healthy"},
		{"operator's external URL moves nothing", cr("Prometheus", "externalUrl: https://x/p"), "", "http://127.0.0.1:9090  /-/healthy"},
		{"operator's TLS", cr("Alertmanager", "web: {tlsConfig: {cert: {}}}"), "", "https://127.0.0.1:9093  /-/healthy"},
		{"operator's TLS, null", cr("Alertmanager", "web: {tlsConfig: null}"), "", "http://127.0.0.1:9093  /-/healthy"},
		{"ruler", cr("ThanosRuler", ""), "", "http://127.0.0.1:10902  /-/healthy"},
		{"external URL is the prefix without operator", prom("args: ['--web.external-url=https://x/p/'], ports: [{containerPort: 9090}]"), "", "http://127.0.0.1:9090 /p /p/-/healthy"},
		{"route prefix beats it", prom("args: ['--web.external-url=https://x/p', '--web.route-prefix', /r], ports: [{containerPort: 9090}]"), "", "http://127.0.0.1:9090 /r /r/-/healthy"},
		{"route prefix of the root", prom("args: ['--web.external-url=https://x/p', '--web.route-prefix=/'], ports: [{containerPort: 9090}]"), "", "http://127.0.0.1:9090  /-/healthy"},
		{"a variable is no prefix", prom("args: ['--web.route-prefix=/$(X)'], ports: [{containerPort: 9090}]"), "", "http://127.0.0.1:9090  /-/healthy"},
		{"a probe of the start page", prom("args: ['--web.route-prefix=/p'], ports: [{containerPort: 9090}], livenessProbe: {httpGet: {path: /p/, port: 9090}}"), "", "http://127.0.0.1:9090 /p /p/-/healthy"},
		{"a probe", workload("ports: [{containerPort: 9090}], " + probe), "deploy/d", "http://127.0.0.1:9090  /alive"},
		{"a probe by port name", workload("ports: [{name: w, containerPort: 1}], readinessProbe: {httpGet: {path: /r, port: w, scheme: HTTPS}}"), "deploy/d", "https://127.0.0.1:1  /r"},
		{"a probe of another port", workload("ports: [{containerPort: 1}, {containerPort: 9090}], " + probe), "deploy/d:1", "http://127.0.0.1:1  "},
		{"liveness before readiness", workload("ports: [{containerPort: 9090}], readinessProbe: {httpGet: {path: /r, port: 9090}}, " + probe), "deploy/d", "http://127.0.0.1:9090  /alive"},
		{"no probe", workload("ports: [{containerPort: 9090}], livenessProbe: {tcpSocket: {port: 9090}}"), "deploy/d", "http://127.0.0.1:9090  "},
		{"base URL", workload("args: [-base-url=/h], ports: [{containerPort: 9090}]"), "deploy/d", "http://127.0.0.1:9090 /h "},
		{"another program's external URL", workload("args: ['--web.external-url=https://x/p'], ports: [{containerPort: 9090}]"), "deploy/d", "http://127.0.0.1:9090  "},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := makePlan(t, c.text, planner.Options{Targets: target(t, c.gate)})
			if len(p.Gates) != 1 {
				t.Fatalf("gates: %d; %s", len(p.Gates), errorsOf(p))
			}
			g := p.Gates[0].Config
			if got := g.Upstream + " " + g.Prefix + " " + g.UpstreamHealthPath; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if skip := strings.HasPrefix(g.Upstream, "https"); g.InsecureUpstreamSkipVerify != skip {
				t.Errorf("skip verify %t, want %t", g.InsecureUpstreamSkipVerify, skip)
			}
		})
	}
}

// TestPorts is about which port the gate stands before, and which ports it takes.
func TestPorts(t *testing.T) {
	svc := service("s", "selector: {app: d}, ports: [{port: 80, targetPort: 2}]")
	for _, c := range []struct {
		name, text, gate string
		port             int
		want             string // gate's port, admin port, upstream; or an error
	}{
		{"the only one", workload("ports: [{containerPort: 1}]"), "deploy/d", 0, "8181 8182 1"},
		{"a Service's", workload("ports: [{containerPort: 1}, {containerPort: 2}]") + svc, "deploy/d", 0, "8181 8182 2"},
		{"an Ingress's among two of a Service", workload("ports: [{containerPort: 1}, {containerPort: 2}]") +
			service("s", "selector: {app: d}, ports: [{name: a, port: 80, targetPort: 2}, {name: b, port: 81, targetPort: 1}]") + ingress("i", "", path("s", 81)), "deploy/d", 0, "8181 8182 1"},
		{"by name", workload("ports: [{containerPort: 1}, {containerPort: 2, name: w}]"), "deploy/d:w", 0, "8181 8182 2"},
		{"by number", workload("ports: [{containerPort: 1}]"), "Deployment/d:7", 0, "8181 8182 7"},
		{"UDP does not count", workload("ports: [{containerPort: 1, protocol: UDP}, {containerPort: 2}]"), "deploy/d", 0, "8181 8182 2"},
		{"several", workload("ports: [{containerPort: 1}, {containerPort: 2}]"), "deploy/d", 0, `Deployment d: several ports of container "c" (1, 2), none chosen`},
		{"several that Services lead to, of which none is declared", workload("ports: [{containerPort: 1}]") + service("s", "selector: {app: d}, ports: [{name: a, port: 80, targetPort: 2}, {name: b, port: 81, targetPort: 3}]"), "deploy/d", 0, "several ports behind Service s (2, 3), none chosen"},
		{
			"several from outside", workload("ports: [{containerPort: 1, name: web}, {containerPort: 2}, {containerPort: 3}]") +
				service("s", "selector: {app: d}, ports: [{name: a, port: 80, targetPort: web}]") + ingress("i", "", path("s", 80)) + service("lb", "type: LoadBalancer, selector: {app: d}, ports: [{port: 80, targetPort: 7}]"),
			"deploy/d", 0, "several ports (1 (web) behind Ingress i, 7 behind Service lb), none chosen",
		},
		{"several on the node", workload("ports: [{containerPort: 1, hostPort: 1}, {containerPort: 2, hostPort: 2, name: b}]"), "deploy/d", 0, "several ports on the node (1, 2 (b)), none chosen"},
		{"a Service's for UDP does not count", workload("ports: [{containerPort: 1}]") + service("s", "selector: {app: d}, ports: [{port: 53, targetPort: 2, protocol: UDP}]"), "deploy/d", 0, "8181 8182 1"},
		{"nor does one on the node", workload("ports: [{containerPort: 2, hostPort: 2, protocol: UDP}, {containerPort: 1}]"), "deploy/d", 0, "port 2 of Deployment d is open on its node"},
		{"none", workload("image: x"), "deploy/d", 0, "no container says which port it listens on"},
		{"a known program on another port", labelled("app.kubernetes.io/name: prometheus", "ports: [{containerPort: 9091}]"), "", 0, "8181 8182 9091"},
		{"a known program among others", labelled("app.kubernetes.io/name: prometheus", "ports: [{containerPort: 8080}, {containerPort: 9090}]"), "", 0, "8181 8182 9090"},
		{"8181 taken", workload("ports: [{containerPort: 1, name: w}, {containerPort: 8181}]"), "deploy/d:w", 0, "8183 8182 1"},
		{"8182 taken", workload("ports: [{containerPort: 1, name: w}, {containerPort: 8182}]"), "deploy/d:w", 0, "8181 8183 1"},
		{"both, and more, taken", workload("ports: [{containerPort: 1, name: w}, {containerPort: 8181}, {containerPort: 8182}, {containerPort: 8183}]"), "deploy/d:w", 0, "8184 8185 1"},
		{"the application has 8181, and does not say", workload("image: x"), "deploy/d:8181", 0, "8183 8182 8181"},
		{"fixed", workload("ports: [{containerPort: 1}]"), "deploy/d", 9000, "9000 8182 1"},
		{"fixed to the admin port", workload("ports: [{containerPort: 1}]"), "deploy/d", 8182, "8182 8183 1"},
		{"fixed and taken", workload("ports: [{containerPort: 1}]"), "deploy/d", 1, `port 1 of --port is taken by container "c"`},
		{"a guard beside the application", strings.Replace(workload("image: prom, ports: [{containerPort: 1}]"), "}]}}}", "}, {name: g, image: a/nginx:1, ports: [{containerPort: 2}]}]}}}", 1), "deploy/d", 0, "8181 8182 1"},
		{"a guard that is the application", workload("image: a/nginx@sha256:0, ports: [{containerPort: 1}]"), "deploy/d", 0, "8181 8182 1"},
		{"an auth proxy, by name", workload("image: oauth2-proxy, ports: [{containerPort: 1}]") + service("s", "selector: {app: d}, ports: [{port: 1}]") + ingress("i", "", path("s", 1)), "deploy/d", 0, "8181 8182 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := makePlan(t, c.text, planner.Options{Targets: target(t, c.gate), Settings: config.Settings{Port: c.port}})
			if errs := errorsOf(p); errs != "" || len(p.Gates) == 0 {
				if !strings.Contains(errs, c.want) {
					t.Errorf("errors %q, want %q", errs, c.want)
				}
				return
			}
			g := p.Gates[0]
			if got := fmt.Sprint(g.Port, g.AdminPort, g.Upstream); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if g.Config.Listen != fmt.Sprintf(":%d", g.Port) || g.Config.AdminListen != fmt.Sprintf(":%d", g.AdminPort) {
				t.Errorf("listens on %s and %s", g.Config.Listen, g.Config.AdminListen)
			}
		})
	}
}

// TestALB is about where the health annotations go: section 9 of the operator's facts.
func TestALB(t *testing.T) {
	const key = topology.ALBPrefix
	note := func(name, value string) string { return fmt.Sprintf("%q: %q, ", key+name, value) }
	class := note("scheme", "internal")
	plain, other := service("s", "selector: {app: d}, ports: [{port: 80}]"), service("o", "selector: {app: o}, ports: [{port: 80}]")
	annotated := func(more string) string {
		return strings.Replace(plain, "{name: s}", "{name: s, annotations: {"+more+"}}", 1)
	}
	alone, shared := path("s", 80), path("s", 80)+", "+path("o", 80)
	for _, c := range []struct{ name, service, annotations, paths, want string }{
		{"alone", plain, class, alone, "Ingress i healthcheck-path=/health"},
		{"shared", plain, class, shared, "Service s healthcheck-path=/health\nwarning on Ingress i"},
		{"not an ALB", plain, "", alone, ""},
		{"set already", plain, note("healthcheck-path", "/health"), alone, ""},
		{"the Service contradicts", annotated(note("healthcheck-path", "/x")), class, alone, "Service s healthcheck-path=/health"},
		{"the Service agrees", annotated(note("healthcheck-path", "/health")), class, alone, ""},
		{"port past the gate", plain, note("healthcheck-port", "9090"), alone, "Ingress i healthcheck-path=/health\nIngress i healthcheck-port=traffic-port"},
		{"port past the gate, shared", plain, note("healthcheck-port", "9090"), shared, "Service s healthcheck-path=/health\nService s healthcheck-port=traffic-port\nwarning on Ingress i"},
		{"port on the Service", annotated(note("healthcheck-port", "9090")), class, alone, "Ingress i healthcheck-path=/health\nService s healthcheck-port=traffic-port"},
		{"traffic port", plain, note("healthcheck-port", "traffic-port"), alone, "Ingress i healthcheck-path=/health"},
		{
			"protocols", plain, note("healthcheck-protocol", "HTTPS") + note("backend-protocol", "HTTPS") + note("backend-protocol-version", "GRPC"), alone,
			"Ingress i healthcheck-path=/health\nIngress i healthcheck-protocol=HTTP\nIngress i backend-protocol=HTTP\nIngress i backend-protocol-version=HTTP1",
		},
		{"codes of a login page", plain, note("success-codes", "301,302"), alone, "Ingress i healthcheck-path=/health\nIngress i success-codes=200"},
		{"codes around 200", plain, note("success-codes", "200-299, 302"), alone, "Ingress i healthcheck-path=/health"},
		{"codes that accept 401", plain, note("success-codes", "200-499"), alone, "Ingress i healthcheck-path=/health\nwarning on Ingress i"},
		{"codes that accept 401, on the Service", annotated(note("success-codes", "200,401")), class, alone, "Ingress i healthcheck-path=/health\nwarning on Service s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := makePlan(t, workload("ports: [{containerPort: 80}]")+c.service+other+ingress("i", c.annotations, c.paths), planner.Options{Targets: target(t, "deploy/d")})
			var got []string
			for _, a := range p.Annotations {
				got = append(got, a.Object.Short()+" "+strings.TrimPrefix(a.Key, key)+"="+a.Value)
			}
			for _, f := range p.Findings {
				if f.Severity == finding.Warning {
					got = append(got, "warning on "+f.Ref.Short())
				}
			}
			if diff := cmp.Diff(c.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTargets(t *testing.T) {
	for _, c := range []struct{ labels, kind, want string }{
		{"app.kubernetes.io/name: prometheus", "Deployment", "gated"},
		{"app.kubernetes.io/name: prometheus, app.kubernetes.io/component: server", "StatefulSet", "gated"},
		{"app.kubernetes.io/name: prometheus, app.kubernetes.io/component: node-exporter", "DaemonSet", ""},
		{"app: prometheus, component: server", "Deployment", "gated"},
		{"app: prometheus, component: pushgateway", "Deployment", ""},
		{"app.kubernetes.io/name: alertmanager", "StatefulSet", "gated"},
		{"app.kubernetes.io/name: thanos, app.kubernetes.io/component: ruler", "StatefulSet", "gated"},
		{"app.kubernetes.io/name: thanos, app.kubernetes.io/component: query", "Deployment", ""},
		{"app.kubernetes.io/name: grafana", "Deployment", ""},
		{"app.kubernetes.io/name: prometheus", "Job", ""},
		{"app.kubernetes.io/name: prometheus", "Rollout", ""},
	} {
		text := strings.Replace(labelled(c.labels, "ports: [{containerPort: 80}]"), "Deployment", c.kind, 1)
		p := makePlan(t, text, planner.Options{AllowNone: true})
		if got := len(p.Gates) == 1; got != (c.want == "gated") || errorsOf(p) != "" {
			t.Errorf("%s with %s: gated %t; %s", c.kind, c.labels, got, errorsOf(p))
		}
	}
}

func TestTwice(t *testing.T) {
	gated, other := labelled("app.kubernetes.io/name: prometheus", "ports: [{containerPort: 80}]"), workload("ports: [{containerPort: 80}]")
	for _, text := range []string{gated + other, other + gated, gated + gated} {
		want := fmt.Sprintf("Deployment d: stands twice in this stream, at lines 2 and %d; remove one", 2+strings.Count(text, "\n")/2)
		if got := errorsOf(makePlan(t, text, planner.Options{})); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestRules: which entry of a settings file is for a workload, as its gate shows, or why none is.
func TestRules(t *testing.T) {
	const login, job = "image: quay.io/oauth2-proxy/oauth2-proxy, ports: [{containerPort: 80}]", "image: a"
	for _, c := range []struct{ name, container, gates, want string }{
		{"the first of two", "ports: [{containerPort: 80}]", "[{target: {name: d*}, realm: a}, {target: {kind: Deployment, name: d}, realm: b}]", "a"},
		{"by labels of its pods", "ports: [{containerPort: 80}]", "[{target: {labels: {app: e}}, realm: a}, {target: {labels: {app: d}}, realm: b}]", "b"},
		{"by another kind", "ports: [{containerPort: 80}]", "[{target: {kind: sts, name: d}, realm: a, allowNone: true}, {target: {kind: DEPLOY}, realm: b}]", "b"},
		{"a pattern passes over a login, whose name comes later", login, "[{target: {name: '*'}, realm: a}, {target: {kind: deploy, name: d}, realm: b}]", "b"},
		{"a pattern passes over a login", login, "[{target: {name: '*'}, realm: a}]", "is an auth proxy or an ingress controller itself"},
		{"a pattern passes over what has no port", job, "[{target: {name: '*'}, realm: a}]", "says no port that it listens on, and nothing leads to it"},
		{"a name does not", job, "[{target: {kind: deploy, name: d}, realm: a}]", "say target.port in the settings file, or write --gate Deployment/d:PORT"},
		{"a port of the file", "ports: [{containerPort: 80}, {containerPort: 81, name: x}]", "[{target: {kind: deploy, name: d, port: x}, realm: a}]", "a"},
		{"a port that is not there", "ports: [{containerPort: 80}]", "[{target: {kind: deploy, name: d, port: y}, realm: a}]", `no container port "y"`},
		{"disabled beside a name", "ports: [{containerPort: 80}]", "[{target: {name: d}, gate: disabled}, {target: {kind: deploy, name: d}, realm: a}]", "has no effect"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file, err := config.Parse("k.yaml", []byte("apiVersion: kauth.dev/v1alpha1\nkind: Gates\ngates: "+c.gates+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			all, err := config.Resolve(config.Flags{}, file)
			if err != nil {
				t.Fatal(err)
			}
			p := makePlan(t, workload(c.container), planner.Options{Settings: all.Settings, Rules: all.Rules, AllowNone: true})
			if len(p.Gates) == 1 && p.Gates[0].Config.Realm == c.want {
				return
			}
			for _, f := range p.Findings {
				if len(p.Gates) == 0 && strings.Contains(f.String(), c.want) {
					return
				}
			}
			t.Errorf("%d gates, %v; want %s", len(p.Gates), p.Findings, c.want)
		})
	}
}

// TestElsewhere: a route to a port that its Service does not have stops a gate only where the Service may lead to it.
func TestElsewhere(t *testing.T) {
	gated := labelled("app.kubernetes.io/name: prometheus", "ports: [{containerPort: 80}]")
	other := strings.ReplaceAll(workload("ports: [{containerPort: 80}]"), "name: d}", "name: o}")
	for _, c := range []struct{ selector, want string }{
		{"app: d", ""},
		{"app: d, leader: yes-it-is", ""},
		{"app.kubernetes.io/name: prometheus", `Ingress r: spec.defaultBackend: Service "s" has no port "9"; use one of 80`},
		{"app.kubernetes.io/name: prometheus, leader: yes-it-is", `Ingress r: spec.defaultBackend: Service "s" has no port "9"; use one of 80`},
	} {
		text := gated + other + "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {selector: {" + c.selector + "}, ports: [{port: 80}]}\n" +
			"---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: r}\nspec: {defaultBackend: {service: {name: s, port: {number: 9}}}}\n"
		p := makePlan(t, text, planner.Options{})
		if got := errorsOf(p); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") || len(p.Gates) != 1 {
			t.Errorf("a Service that selects %s: %d gates, %q; want %q", c.selector, len(p.Gates), got, c.want)
		}
	}
}
