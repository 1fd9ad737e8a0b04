//go:build linux

package enforce

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// TestRules: what is written for one pod of namespace a, 10.0.0.1, beside others.
func TestRules(t *testing.T) {
	pod := func(namespace, ip, app string) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Labels: map[string]string{"app": app}}}
		p.Status.PodIP, p.Status.Phase = ip, corev1.PodRunning
		p.Spec.Containers = []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "web", ContainerPort: 8080, Protocol: corev1.ProtocolTCP}}}}
		return p
	}
	ended, host := pod("a", "10.0.0.5", "scraper"), pod("a", "10.0.0.254", "scraper")
	ended.Status.Phase, host.Spec.HostNetwork = corev1.PodSucceeded, true
	pods := []*corev1.Pod{pod("a", "10.0.0.1", "web"), pod("a", "10.0.0.2", "scraper"), pod("b", "10.0.0.3", "scraper"), pod("b", "10.0.0.4", "other"), ended, host}
	namespaces := []*corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, {ObjectMeta: metav1.ObjectMeta{Name: "b", Labels: map[string]string{"team": "b"}}}}
	for _, c := range []struct{ name, spec, want string }{
		{"nobody", "{podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]}", "DROP"},
		{"egress alone", "{podSelector: {}, policyTypes: [Egress]}", ""},
		{"other pods", "{podSelector: {matchLabels: {app: x}}, policyTypes: [Ingress]}", ""},
		{"everybody", "{podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: [{}]}", "RETURN, DROP"},
		{
			"ports", "{podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: [{ports: [{port: 1}, {port: web, protocol: TCP}, {port: web, protocol: UDP}, {port: 2, endPort: 3, protocol: UDP}, {protocol: UDP}]}]}",
			"-p tcp --dport 1 RETURN, -p tcp --dport 8080 RETURN, -p udp --dport 2:3 RETURN, -p udp RETURN, DROP",
		},
		{"pods of its namespace", "{podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {}}]}]}", "-s 10.0.0.1 RETURN, -s 10.0.0.2 RETURN, DROP"},
		{"some", "{podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {app: scraper}}}], ports: [{port: 1}]}]}", "-s 10.0.0.2 -p tcp --dport 1 RETURN, DROP"},
		{"namespaces", "{podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {team: b}}}]}]}", "-s 10.0.0.3 RETURN, -s 10.0.0.4 RETURN, DROP"},
		{
			"some of namespaces", "{podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {}, podSelector: {matchExpressions: [{key: app, operator: In, values: [other, web]}]}}]}]}",
			"-s 10.0.0.1 RETURN, -s 10.0.0.4 RETURN, DROP",
		},
		{"addresses", "{podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/29, except: [10.0.0.6/31]}}]}]}", "-s 10.0.0.0/30 RETURN, -s 10.0.0.4/31 RETURN, DROP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "p"}}
			if err := yaml.Unmarshal([]byte(c.spec), &policy.Spec); err != nil {
				t.Fatal(err)
			}
			text, err := state{[]*networkingv1.NetworkPolicy{policy}, pods, namespaces}.rules()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for line := range strings.Lines(text) {
				if rest, ok := strings.CutPrefix(line, "-A LAB-POLICY -d 10.0.0.1 "); ok {
					got = append(got, strings.Replace(strings.TrimSpace(rest), "-j ", "", 1))
				}
			}
			if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, text)
			}
		})
	}
}

func TestWithout(t *testing.T) {
	for _, c := range []struct{ block, except, want string }{
		{"0.0.0.0/0", "128.0.0.0/1", "0.0.0.0/1"},
		{"10.0.0.0/30", "10.0.0.2/32", "10.0.0.0/31 10.0.0.3/32"},
		{"10.0.0.0/30", "10.0.0.0/30", ""},
		{"10.0.0.0/30", "10.0.1.0/30", "10.0.0.0/30"},
		{"10.0.0.7/30", "10.0.0.4/32 10.0.0.7/32", "10.0.0.5/32 10.0.0.6/32"},
	} {
		got, err := without(c.block, strings.Fields(c.except))
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s without %s: %v, %v; want %s", c.block, c.except, got, err, c.want)
		}
	}
}
