package planner_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/planner"
)

// TestOrder: findings come in the order of the documents that they are about, also of those that are only read for clients, and
// of an object that stands twice.
func TestOrder(t *testing.T) {
	client := func(name string) string {
		return object("v1", "ConfigMap", name, "data: {url: 'http://s.default.svc:80'}")
	}
	app := workload("ports: [{containerPort: 80}]")
	open := service("s", "type: NodePort, selector: {app: d}, ports: [{port: 80}]")
	for _, c := range []struct {
		name, text string
		want       []string // kinds and names
	}{
		{"a client at the end", app + open + client("c"), []string{"Deployment d", "Service s", "ConfigMap c"}},
		{"a client between", app + client("c") + open, []string{"Deployment d", "ConfigMap c", "Service s"}},
		{"clients around", client("b") + app + open + client("a"), []string{"ConfigMap b", "Deployment d", "Service s", "ConfigMap a"}},
		{"one that stands twice", client("c") + app + open + client("c"), []string{"ConfigMap c", "Deployment d", "Service s"}},
		{"a Service that stands twice", open + app + client("c") + open, []string{"Service s", "Deployment d", "ConfigMap c"}},
	} {
		for range 10 { // the order of a map is another each time
			var got []string
			for _, f := range makePlan(t, c.text, planner.Options{Targets: target(t, "deploy/d")}).Findings {
				if about := f.Ref.Short(); about != "" && !slices.Contains(got, about) {
					got = append(got, about)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: %s", c.name, diff)
				break
			}
		}
	}
}
