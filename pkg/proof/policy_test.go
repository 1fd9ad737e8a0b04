package proof_test

import (
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/inject"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/planner"
	"github.com/kauth-dev/kauth/pkg/proof"
	"github.com/kauth-dev/kauth/pkg/testenv/streams"
)

// TestProvePolicies injects with a NetworkPolicy, spoils the output, and wants Policies to see it.
func TestProvePolicies(t *testing.T) {
	const (
		gateOnly  = config.PolicyGateOnly
		same      = config.PolicySameNamespace
		own       = "    - podSelector:\n        matchLabels:\n          app.kubernetes.io/instance: p\n          app.kubernetes.io/managed-by: prometheus-operator\n          app.kubernetes.io/name: prometheus\n"
		scraper   = "    - podSelector:\n        matchLabels:\n          app: scraper\n"
		missing   = "Prometheus p: has no NetworkPolicy as networkPolicy "
		unfit     = "Prometheus p: NetworkPolicy p-kauth: spec.ingress[1] does not let in whom networkPolicy "
		chart     = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: chart}\nspec: {podSelector: {}, ingress: [%]}\n"
		everybody = "lets everybody in to port 9090, past the gate"
	)
	beside := func(rule string) string { return strings.Replace(chart, "%", rule, 1) }
	for _, c := range []struct{ name, policy, old, new, want string }{
		{"nothing, gate-only", gateOnly, "", "", ""},
		{"nothing, same-namespace", same, "", "", ""},
		{"no policy", gateOnly, "kind: NetworkPolicy", "kind: Other", missing + gateOnly},
		{"for other pods", gateOnly, "  podSelector:\n    matchLabels:\n      app.kubernetes.io/instance: p\n", "  podSelector:\n    matchLabels:\n      app.kubernetes.io/instance: q\n", missing + gateOnly},
		{"in another namespace", gateOnly, "kind: NetworkPolicy\nmetadata:\n", "kind: NetworkPolicy\nmetadata:\n  namespace: x\n", ""}, // as that of the workload may be
		{"for what goes out", same, "  - Ingress\n", "  - Egress\n", missing + same},
		{"not kauth's", gateOnly, "undo: object", "undo: del x", missing + gateOnly},
		{"the gate is closed", gateOnly, "port: 8181\n      protocol: TCP\n  - from", "port: 8182\n      protocol: TCP\n  - from", "Prometheus p: has no NetworkPolicy that lets everybody in to port 8181, where a password is asked for"},
		{"the gate is for UDP", gateOnly, "port: 8181\n      protocol: TCP\n  - from", "port: 8181\n      protocol: UDP\n  - from", "Prometheus p: has no NetworkPolicy that lets everybody in to port 8181, where a password is asked for"},
		{"the application is open", gateOnly, "port: 8181\n      protocol: TCP\n  - from", "port: 8181\n      protocol: TCP\n    - port: 9090\n  - from", everybody},
		{"by its name", gateOnly, "port: 8181\n      protocol: TCP\n  - from", "port: 8181\n      protocol: TCP\n    - port: web\n  - from", everybody},
		{"all is open", gateOnly, "  - from:\n" + own, "  - from:\n    - namespaceSelector: {}\n", everybody},
		{"all addresses are", gateOnly, own, "    - ipBlock: {cidr: 0.0.0.0/0}\n", everybody},
		{"the namespace is", gateOnly, own, "    - podSelector: {}\n", unfit + gateOnly},
		{"other pods are", gateOnly, own, "    - podSelector: {matchLabels: {app: x}}\n", unfit + gateOnly},
		{"its own are, anywhere", gateOnly, own, own + "      namespaceSelector: {}\n", unfit + gateOnly},
		{"nobody is let in", gateOnly, "  - from:\n" + own + scraper, "", missing + gateOnly},
		{"only its own pods are", same, "    - podSelector: {}\n", own, unfit + same},
		{"one is missing", same, scraper, "", unfit + same},
		{"one is another", same, "app: scraper", "app: other", unfit + same},
		{"one is too many", same, scraper, scraper + scraper, unfit + same},
		{"one port only", same, "  - from:\n", "  - ports: [{port: 9090}]\n    from:\n", unfit + same},
		{"a policy of the chart", same, "", beside("{ports: [{port: 9000, endPort: 9999}]}"), "NetworkPolicy chart: spec.ingress[0] " + everybody},
		{"one for some", same, "", beside("{from: [{podSelector: {}, namespaceSelector: {matchLabels: {a: b}}}]}"), ""},
		{"one for another port", same, "", beside("{ports: [{port: 9093}]}"), ""},
		{"the node's network", same, "  containers:\n", "  hostNetwork: true\n  containers:\n", "Prometheus p: is in the network of its node"},
	} {
		t.Run(c.name, func(t *testing.T) {
			peers := []config.Peer{{PodSelector: &config.LabelSelector{MatchLabels: map[string]string{"app": "scraper"}}}}
			o := inject.Options{Options: planner.Options{Version: "v1", Settings: config.Settings{NetworkPolicy: c.policy, AllowFrom: peers}}}
			text := outputOf(t, "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: p}\nspec: {}\n", o)
			_, m := streams.Resolve(t, streams.Spoil(t, text, c.old, c.new))
			ref := manifest.Ref{Group: "monitoring.coreos.com", Version: "v1", Kind: "Prometheus", Name: "p"}
			var got []string
			for _, f := range proof.Policies(m, []proof.Closed{{Workload: ref, Policy: c.policy, AllowFrom: peers}}, nil) {
				got = append(got, f.String())
			}
			if all := strings.Join(got, "\n"); c.want == "" && all != "" || !strings.Contains(all, c.want) {
				t.Errorf("got %q, want %q", all, c.want)
			}
		})
	}
}

const (
	native = `apiVersion: apps/v1
kind: Deployment
metadata: {name: p}
spec:
  selector: {matchLabels: {app: p}}
  template:
    metadata: {labels: {app: p, app.kubernetes.io/name: prometheus}}
    spec:
      containers:
      - {name: p, image: "prom/prometheus:v3.14.0", args: ["--web.listen-address=:9090"], ports: [{containerPort: 9090}]}
      - {name: t, image: thanos, ports: [{containerPort: 10901, name: grpc}]}
`
	behindTraefik = native + `---
apiVersion: v1
kind: Service
metadata: {name: p}
spec: {selector: {app: p}, ports: [{port: 80, targetPort: 9090}]}
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: p}
spec: {routes: [{match: Host("a"), kind: Rule, services: [{name: p, port: 80}]}]}
`
)

// TestProveLoginPolicies is TestProvePolicies for those who ask for passwords without a gate.
func TestProveLoginPolicies(t *testing.T) {
	const (
		rest  = "  - from:\n    - podSelector:\n        matchLabels:\n          app: p\n    - podSelector:\n        matchLabels:\n          app: traefik\n"
		first = "  ingress:\n"
		none  = "Deployment p: has no NetworkPolicy as networkPolicy gate-only"
		unfit = "does not let in whom networkPolicy gate-only asks for"
		chart = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: chart}\nspec: {podSelector: {}, ingress: [%]}\n"
	)
	beside := func(rule string) string { return rest + strings.Replace(chart, "%", rule, 1) }
	for _, c := range []struct{ name, mode, old, new, want string }{
		{"ingress", config.ModeIngress, "", "", ""},
		{"ingress: no policy", config.ModeIngress, "kind: NetworkPolicy", "kind: Other", none},
		{"ingress: an empty rule, which means all", config.ModeIngress, first, first + "  - {}\n", "spec.ingress[0] lets everybody in to port 9090, past the ingress controller"},
		{"ingress: nobody", config.ModeIngress, rest, "", none},
		{"ingress: not the controller", config.ModeIngress, "app: traefik", "app: other", unfit},
		{"ingress: the application is open", config.ModeIngress, first, first + "  - ports: [{port: 9090}]\n", "lets everybody in to port 9090"},
		{"ingress: for other pods", config.ModeIngress, "podSelector:\n    matchLabels:\n      app: p\n", "podSelector:\n    matchLabels:\n      app: q\n", none},
		{"ingress: by the chart", config.ModeIngress, rest, beside("{ports: [{port: 9000, endPort: 9100}]}"), "NetworkPolicy chart: spec.ingress[0] lets everybody in to port 9090, past the ingress controller"},
		{"native", config.ModeNative, "", "", ""},
		{"native: no policy", config.ModeNative, "kind: NetworkPolicy", "kind: Other", none},
		{"native: nobody may ask", config.ModeNative, "- ports:\n    - port: 9090\n      protocol: TCP\n  ", "", "has no NetworkPolicy that lets everybody in to port 9090, where a password is asked for"},
		{"native: another port is open", config.ModeNative, "port: 9090\n      protocol", "port: 9091\n      protocol", "lets everybody in to other ports than 9090, where nobody asks for a password"},
		{"native: one more is open", config.ModeNative, first + "  - ports:\n", first + "  - ports:\n    - port: grpc\n", "lets everybody in to other ports than 9090"},
		{"native: all are", config.ModeNative, "- ports:\n    - port: 9090\n      protocol: TCP\n", "- {}\n", "lets everybody in to other ports than 9090"},
		{"native: not the others", config.ModeNative, rest, "", none},
		{"native: some of the others", config.ModeNative, "  - from:\n", "  - ports: [{port: 10901}]\n    from:\n", unfit},
		{"native: by the chart", config.ModeNative, rest, beside("{ports: [{port: 9090, endPort: 9091}]}"), "NetworkPolicy chart: spec.ingress[0] lets everybody in to other ports than 9090"},
		{"native: the chart opens what asks", config.ModeNative, rest, beside("{ports: [{port: 9090}]}"), ""},
		{"native: it listens elsewhere", config.ModeNative, "--web.listen-address=:9090", "--web.listen-address=:9090\", \"--web.listen-address=:9091", "has no NetworkPolicy that lets everybody in to port 9091"},
		{"native: the node's network", config.ModeNative, "      containers:\n", "      hostNetwork: true\n      containers:\n", "Deployment p: is in the network of its node"},
	} {
		t.Run(c.name, func(t *testing.T) {
			peers := []config.Peer{{PodSelector: &config.LabelSelector{MatchLabels: map[string]string{"app": "traefik"}}}}
			o := inject.Options{Options: planner.Options{Version: "v1", Settings: config.Settings{Mode: c.mode, NetworkPolicy: config.PolicyGateOnly, AllowFrom: peers}}}
			in := native
			if c.mode == config.ModeIngress {
				in = behindTraefik
			}
			_, m := streams.Resolve(t, streams.Spoil(t, outputOf(t, in, o), c.old, c.new))
			closed := proof.Closed{Workload: manifest.Ref{Group: "apps", Version: "v1", Kind: "Deployment", Name: "p"}, Mode: c.mode, Port: 9090, Policy: config.PolicyGateOnly, AllowFrom: peers}
			var got []string
			for _, f := range proof.Policies(m, []proof.Closed{closed}, nil) {
				got = append(got, f.String())
			}
			if all := strings.Join(got, "\n"); c.want == "" && all != "" || !strings.Contains(all, c.want) {
				t.Errorf("got %q, want %q", all, c.want)
			}
		})
	}
}
