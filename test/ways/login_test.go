package ways

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/inject"
	"github.com/kauth-dev/kauth/pkg/testenv"
)

// TestLoginPolicies judges whom the NetworkPolicies of logins let in, on a real chart, and then changes them as a faulty kauth
// might: each change is noticed.
func TestLoginPolicies(t *testing.T) {
	chart, err := os.ReadFile(filepath.Join(testenv.Shared(t), "manifests/alertmanager/nginx.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const (
		controller = `{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"ingress-nginx"}}}`
		rule       = "  ingress:\n"
		asks       = "  - ports:\n    - port: 9093\n      protocol: TCP\n"
		pods       = "StatefulSet monitoring/alertmanager: "
	)
	peer := config.Peer{NamespaceSelector: &config.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "ingress-nginx"}}}
	for _, c := range []struct{ mode, policy, from, to, want string }{
		{config.ModeNative, config.PolicyGateOnly, "", "", ""},
		{config.ModeNative, config.PolicySameNamespace, "", "", ""},
		{config.ModeIngress, config.PolicyGateOnly, "", "", ""},
		{config.ModeIngress, config.PolicySameNamespace, "", "", ""},
		{config.ModeNative, config.PolicyGateOnly, "kind: NetworkPolicy", "kind: Other", pods + "under a policy: false, and now false"},
		{config.ModeNative, config.PolicyGateOnly, asks, "", pods + "port 9093 is closed to *"},
		{config.ModeNative, config.PolicyGateOnly, asks, "  - {}\n", pods + "port 12345 is open to *"},
		{config.ModeNative, config.PolicySameNamespace, "    - podSelector: {}\n", "", pods + `port 12345 is closed to {"podSelector":{}}`},
		{config.ModeIngress, config.PolicyGateOnly, "kind: NetworkPolicy", "kind: Other", pods + "under a policy: false, and now false"},
		{config.ModeIngress, config.PolicyGateOnly, rule, rule + "  - {}\n", pods + "port 9093 is open to *"},
		{config.ModeIngress, config.PolicyGateOnly, rule, rule + asks, pods + "port 9093 is open to *"},
		{config.ModeIngress, config.PolicyGateOnly, "metadata.name: ingress-nginx", "metadata.name: other", pods + "port 9093 is closed to " + controller},
		{config.ModeIngress, config.PolicyGateOnly, "    - podSelector:\n", "    - podSelector: {}\n    - podSelector:\n", pods + `port 9093 is open to {"podSelector":{}}`},
	} {
		t.Run(strings.Join([]string{c.mode, c.policy, c.to}, " "), func(t *testing.T) {
			var o inject.Options
			o.Namespace = "monitoring"
			o.Settings = config.Settings{Mode: c.mode, NetworkPolicy: c.policy, AllowFrom: []config.Peer{peer}}
			kauth, err := try(chart, o)
			if err != nil || kauth.Out == nil {
				t.Fatalf("%v %v", err, kauth.Refused)
			}
			text := strings.Replace(string(kauth.Out), c.from, c.to, 1)
			if c.from != "" && text == string(kauth.Out) {
				t.Fatalf("no %q in\n%s", c.from, kauth.Out)
			}
			before, err := Read(chart)
			if err != nil {
				t.Fatal(err)
			}
			after, err := Read([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			r := Run{In: before, Out: after, Policy: c.policy, AllowFrom: []string{controller}}
			said := strings.Join(r.policies(Resolve(before, o.Namespace), Resolve(after, o.Namespace), nil), "\n")
			if c.want == "" && said != "" || !strings.Contains(said, c.want) {
				t.Errorf("got %q, want %q", said, c.want)
			}
		})
	}
}
