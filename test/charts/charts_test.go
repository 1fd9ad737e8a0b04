// Package charts owns the test that real charts, gated by the real program, are accepted by a real API server that
// knows the schemas of their custom resources.
package charts

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// The streams of ../shared/manifests, and what must be gated in each. A file that is not named here fails the test.
var streams = map[string]struct {
	args  []string
	gated []string
}{
	"alertmanager/nginx.yaml":                          {gated: []string{"StatefulSet/alertmanager"}},
	"grafana/alb-redirect.yaml":                        {args: []string{"--gate", "Deployment/grafana"}, gated: []string{"Deployment/grafana"}},
	"grafana/nginx.yaml":                               {args: []string{"--gate", "Deployment/grafana"}, gated: []string{"Deployment/grafana"}},
	"headlamp/alb-httproute.yaml":                      {args: []string{"--gate", "Deployment/headlamp"}, gated: []string{"Deployment/headlamp"}},
	"headlamp/nginx.yaml":                              {args: []string{"--gate", "Deployment/headlamp"}, gated: []string{"Deployment/headlamp"}},
	"kube-prometheus-stack/alb.yaml":                   {gated: stack},
	"kube-prometheus-stack/alb-helm3-stdin.yaml":       {gated: stack},
	"kube-prometheus-stack/alb-helm4-stdin.yaml":       {gated: stack},
	"kube-prometheus-stack/nginx-sidecar-by-hand.yaml": {gated: stack},
	"kube-prometheus-stack/nginx-subpaths.yaml":        {gated: stack},
	"kube-prometheus-stack/plain.yaml":                 {gated: stack},
	"prometheus-pushgateway/statefulset-nginx.yaml": {
		args: []string{"--gate", "StatefulSet/pushgateway-prometheus-pushgateway"}, gated: []string{"StatefulSet/pushgateway-prometheus-pushgateway"},
	},
	"prometheus/deployment-alb.yaml":  {gated: []string{"Deployment/prometheus-server", "StatefulSet/prometheus-alertmanager"}},
	"prometheus/statefulset-alb.yaml": {gated: []string{"StatefulSet/prometheus-server", "StatefulSet/prometheus-alertmanager"}},
}

var stack = []string{"Prometheus/kps-kube-prometheus-stack-prometheus", "Alertmanager/kps-kube-prometheus-stack-alertmanager"}

// ruleSchema takes any PrometheusRule. There is no schema of it in ../shared/crds, and kauth leaves them as they are.
const ruleSchema = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: prometheusrules.monitoring.coreos.com
spec:
  group: monitoring.coreos.com
  names: {kind: PrometheusRule, plural: prometheusrules}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

func TestRealChartsAreAccepted(t *testing.T) {
	shared := testenv.Shared(t)
	files, err := filepath.Glob(filepath.Join(shared, "manifests", "*", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, ".values.yaml") })
	if len(files) == 0 {
		t.Fatalf("no manifests in %s", shared)
	}
	kauth, cluster := program(t), newCluster(t)
	cluster.run(t, []byte(ruleSchema), "apply", "-f", "-")
	for _, namespace := range []string{"monitoring", "headlamp"} {
		cluster.run(t, nil, "create", "namespace", namespace)
	}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file)) + "/" + filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, known := streams[name]
			if !known {
				t.Fatal("say in the table what must be gated in this file")
			}
			in, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			gated := run(t, in, kauth, append([]string{"inject", "-n", "monitoring"}, want.args...)...)
			if diff := cmp.Diff(slices.Sorted(slices.Values(want.gated)), gatedIn(t, gated)); diff != "" {
				t.Errorf("gated (-want +got):\n%s", diff)
			}
			if again := run(t, gated, kauth, append([]string{"inject", "-n", "monitoring"}, want.args...)...); !bytes.Equal(again, gated) {
				t.Errorf("a second run changed the first one's output:\n%s", cmp.Diff(string(gated), string(again)))
			}
			// Server-side apply is also strict about lists with keys: a port or volume that stands there twice.
			cluster.run(t, gated, "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
		})
	}
}

// gatedIn returns the workloads that kauth says it gated, sorted, as Kind/name.
func gatedIn(t *testing.T, stream []byte) []string {
	t.Helper()
	var gated []string
	for doc := range bytes.SplitSeq(stream, []byte("\n---")) {
		var object struct {
			Kind     string
			Metadata struct {
				Name        string
				Annotations map[string]string
			}
		}
		if err := yaml.Unmarshal(doc, &object); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(object.Metadata.Annotations["kauth.dev/gate"], " -> ") {
			gated = append(gated, object.Kind+"/"+object.Metadata.Name)
		}
	}
	slices.Sort(gated)
	return gated
}

func (k kubectl) run(t *testing.T, stdin []byte, args ...string) {
	t.Helper()
	run(t, stdin, k.kube, append([]string{"kubectl", "--kubeconfig", k.kubeconfig, "--cache-dir", filepath.Join(filepath.Dir(k.kubeconfig), "cache")}, args...)...)
}

func run(t *testing.T, stdin []byte, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}
