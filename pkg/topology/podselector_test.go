package topology_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// TestPodSelector: the labels that select the pods of a workload, for each kind that has a way of its own.
func TestPodSelector(t *testing.T) {
	template := func(labels string) string {
		return "template: {metadata: {labels: {" + labels + "}}, spec: {containers: [{name: c}]}}"
	}
	for _, c := range []struct{ name, text, want string }{
		{"Deployment", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {selector: {matchLabels: {b: c, a: b}}, " + template("a: b, b: c, d: e") + "}", "{matchLabels: {a: b, b: c}}"},
		{"with expressions", "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: d}\nspec: {selector: &s {matchExpressions: [{key: a, operator: In, values: [b, c]}]}, " + template("a: b") + "}", `{matchExpressions: [{key: a, operator: In, values: [b, c]}]}`},
		{"a selector that fits not", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {selector: {matchLabels: {a: x}}, " + template("a: b") + "}", ""},
		{"no selector", "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: d}\nspec: {" + template("a: b, c: d") + "}", "{matchLabels: {a: b, c: d}}"},
		{"ReplicationController", "apiVersion: v1\nkind: ReplicationController\nmetadata: {name: d}\nspec: {selector: {a: b}, " + template("a: b, c: d") + "}", "{matchLabels: {a: b}}"},
		{"Job", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {" + template("a: b") + "}", "{matchLabels: {job-name: j}}"},
		{"Job with a name to come", "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: j-}\nspec: {" + template("a: b") + "}", "{matchLabels: {a: b}}"},
		{"Pod", "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {a: b}}\nspec: {selector: {matchLabels: {x: y}}, containers: [{name: c}]}", "{matchLabels: {a: b}}"},
		{"Pod without labels", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c}]}", ""},
		{"Prometheus", "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: p}\nspec: {podMetadata: {labels: {app.kubernetes.io/name: x}}}", "{matchLabels: {app.kubernetes.io/instance: p, app.kubernetes.io/managed-by: prometheus-operator, app.kubernetes.io/name: prometheus}}"},
		{"PrometheusAgent", "apiVersion: monitoring.coreos.com/v1alpha1\nkind: PrometheusAgent\nmetadata: {name: p}\nspec: {mode: DaemonSet}", "{matchLabels: {app.kubernetes.io/instance: p, app.kubernetes.io/managed-by: prometheus-operator, app.kubernetes.io/name: prometheus-agent}}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := manifest.Read([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			m, err := topology.Resolve(s, "")
			if err != nil || len(m.Workloads) != 1 {
				t.Fatal(m, err)
			}
			got := ""
			if n := m.Workloads[0].PodSelector(); n != nil {
				n.Style = yaml.FlowStyle
				if got, err = yaml.NewRNode(n).String(); err != nil {
					t.Fatal(err)
				}
			}
			if got = strings.TrimSpace(got); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
