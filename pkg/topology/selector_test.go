package topology_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRunTimeLabels is about selectors with labels that no template gives, or that only some do: d is the workload that
// matters, decoy one that stands beside it.
func TestRunTimeLabels(t *testing.T) {
	in := func(namespace, text string) string {
		return strings.Replace(text, "metadata: {", "metadata: {namespace: "+namespace+", ", 1)
	}
	d := deployment("d", "app: a", "{containerPort: 90}")
	decoy := func(labels string) string { return deployment("decoy", labels, "{containerPort: 90}") }
	svc := func(selector string) string {
		return service("s", "type: NodePort, selector: {"+selector+"}, ports: [{port: 90}]")
	}
	const (
		to, maybe = "Service s spec.ports[0] -> Service s 90 -> Deployment ", " maybe"
		toDecoy   = to + "decoy 90"
	)
	for _, c := range []struct{ name, text, want string }{
		{"a leader's", d + svc(`app: a, leader: "true"`), to + "d 90" + maybe},
		{"alone", d + svc(`leader: "true"`), to + "d 90" + maybe},
		{"alone, of anybody", d + decoy("app: x") + svc(`leader: "true"`), to + "d 90" + maybe + "\n" + toDecoy + maybe},
		{"with a label that contradicts", d + svc(`app: b, leader: "true"`), `Service s spec.ports[0] -> Service s 90 NOWHERE: Service "s" selects no workload of this stream`},
		{"with a label that says what a pod is, alone", d + svc(`k8s-app: a`), `Service s spec.ports[0] -> Service s 90 NOWHERE: Service "s" selects no workload of this stream`},
		{"with one beside others", d + svc(`app: a, component: x`), to + "d 90" + maybe},
		{"one of the family has it by its template", d + decoy(`app: a, leader: "true"`) + svc(`app: a, leader: "true"`), toDecoy + "\n" + to + "d 90" + maybe},
		{"one of the family has what says what a pod is", d + decoy(`app: a, component: x`) + svc(`app: a, component: x`), toDecoy},
		{"a chart's own label, which its template gives", d + decoy("control-plane: c") + svc("control-plane: c"), toDecoy},
		{"and a leader's beside it", d + decoy("control-plane: c") + svc(`control-plane: c, leader: "true"`), toDecoy + maybe},
		{"its template is in another namespace", in("m", d) + in("n", decoy("leader: \"true\"")) + in("m", svc(`leader: "true"`)), strings.ReplaceAll(to+"m/d 90"+maybe, "Service s", "Service m/s")},
		{
			"or may be", in("m", d) + decoy("leader: \"true\"") + in("m", svc(`leader: "true"`)),
			strings.ReplaceAll(toDecoy+"\n"+to+"m/d 90"+maybe, "Service s", "Service m/s"),
		},
		{"or is in the release's, wherever that is", d + decoy("leader: \"true\"") + svc(`leader: "true"`), toDecoy},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := resolve(t, c.text, "")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, ways(m)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
