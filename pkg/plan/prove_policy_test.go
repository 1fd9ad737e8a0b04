package plan_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/inject"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// TestProvePolicies injects with a NetworkPolicy, spoils the output, and wants ProvePolicies to see it.
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
			o := inject.Options{Options: plan.Options{Version: "v1", Settings: config.Settings{NetworkPolicy: c.policy, AllowFrom: peers}}}
			text := outputOf(t, "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: p}\nspec: {}\n", o)
			if c.old == "" {
				text += c.new
			} else if spoilt := strings.Replace(text, c.old, c.new, 1); spoilt != text {
				text = spoilt
			} else {
				t.Fatalf("no %q in:\n%s", c.old, text)
			}
			s, err := manifest.Read([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			m, err := topology.Resolve(s, "")
			if err != nil {
				t.Fatal(err)
			}
			ref := manifest.Ref{Group: "monitoring.coreos.com", Version: "v1", Kind: "Prometheus", Name: "p"}
			var got []string
			for _, f := range plan.ProvePolicies(m, []plan.Closed{{Workload: ref, Policy: c.policy, AllowFrom: peers}}, nil) {
				got = append(got, f.String())
			}
			if all := strings.Join(got, "\n"); c.want == "" && all != "" || !strings.Contains(all, c.want) {
				t.Errorf("got %q, want %q", all, c.want)
			}
		})
	}
}

func outputOf(t *testing.T, in string, o inject.Options) string {
	t.Helper()
	s, _, err := inject.Run([]byte(in), o)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := s.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
