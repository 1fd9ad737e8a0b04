package ways

import (
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/inject"
)

// TestJudgePolicies changes the NetworkPolicies that kauth wrote, as a faulty kauth might: each change is noticed.
func TestJudgePolicies(t *testing.T) {
	general := app + object("networking.k8s.io/v1", "NetworkPolicy", "metadata: {name: np}\nspec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {a: b}}}], ports: [{port: web}]}]}") +
		object("v1", "Pod", "metadata: {name: other, labels: {app: other}}\nspec: {containers: [{name: c, ports: [{containerPort: 8181}]}]}")
	const prom = "Deployment mon/prom: "
	for _, c := range []struct{ name, policy, in, from, to, want string }{
		{"none, a policy of its own", "none", general, "", "", ""},
		{"that is lost", "none", general, "port: 8181\n      protocol: TCP\n", "port: 8282\n      protocol: TCP\n", prom + `port 8181 is closed to {"podSelector":{"matchLabels":{"a":"b"}}}`},
		{"that lets in others", "none", general, "          a: b\n", "          a: c\n", prom + `port 8181 is open to {"podSelector":{"matchLabels":{"a":"c"}}}`},
		{"in place of it the general one", "none", general, "ports: [{port: web}]", "ports: [{port: web}, {port: 8181}]", "Pod mon/other: port 8181 is open to"},
		{"gate-only", "gate-only", app, "", "", ""},
		{"for other pods", "gate-only", app, "    matchLabels:\n      app: prom\n", "    matchLabels:\n      app: other\n", prom + "under a policy: false, and now false"},
		{"the gate closed", "gate-only", app, "port: 8181\n      protocol: TCP\n  - from", "port: 8182\n      protocol: TCP\n  - from", prom + "port 8181 is closed to *"},
		{"the namespace let in", "gate-only", app, "  - from:\n", "  - from:\n    - podSelector: {}\n", prom + `port 9090 is open to {"podSelector":{}}`},
		{"same-namespace", "same-namespace", app, "", "", ""},
		{"everybody let in", "same-namespace", app, "    - podSelector: {}\n", "    - namespaceSelector: {}\n", prom + "port 9090 is open to *"},
		{"nobody let in", "same-namespace", app, "    - podSelector: {}\n", "    - podSelector: {matchLabels: {a: b}}\n", prom + `port 9090 is closed to {"podSelector":{}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var o inject.Options
			o.Namespace, o.Settings.NetworkPolicy = "mon", c.policy
			kauth, wrong := judge([]byte(c.in), o)
			if kauth.Out == nil || len(wrong) > 0 {
				t.Fatalf("%v %v", kauth.Refused, wrong)
			}
			before, err := Read([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(string(kauth.Out), c.from, c.to, 1)
			if c.from != "" && changed == string(kauth.Out) {
				t.Fatalf("no %q in\n%s", c.from, kauth.Out)
			}
			after, err := Read([]byte(changed))
			if err != nil {
				t.Fatal(err)
			}
			r := Run{In: before, Out: after, Findings: kauth.Findings, Policy: c.policy}
			said := strings.Join(append(r.Judge("mon"), r.Changes("mon")...), "\n")
			if c.want == "" && said != "" || !strings.Contains(said, c.want) {
				t.Errorf("got %q, want %q", said, c.want)
			}
		})
	}
}
