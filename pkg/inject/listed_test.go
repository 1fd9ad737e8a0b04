package inject

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/planner"
)

// TestAddedToAResourceList: an object that is added is an item of a ResourceList, never a document beside it, and eject takes
// it out again.
func TestAddedToAResourceList(t *testing.T) {
	const block = `apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
- apiVersion: v1
  kind: Service
  metadata: {name: lb}
  spec: {type: LoadBalancer, selector: {app: a}, ports: [{port: 80, targetPort: 9090}]} # open
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: a}
  spec: {template: {metadata: {labels: {app: a, app.kubernetes.io/name: prometheus}}, spec: {containers: [{name: c, image: c, ports: [{containerPort: 9090}]}]}}}
functionConfig: {kind: Gates}
`
	const flow = `{"kind": "ResourceList", "items": [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "lb"}, "spec": {"type": "LoadBalancer", "selector": {"app": "a"}, "ports": [{"port": 80, "targetPort": 9090}]}}, ` +
		`{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"template": {"metadata": {"labels": {"app": "a", "app.kubernetes.io/name": "prometheus"}}, "spec": {"containers": [{"name": "c", "image": "c", "ports": [{"containerPort": 9090}]}]}}}}]}`
	for _, c := range []struct{ name, in string }{{"block", block}, {"flow", flow}, {"carriage returns", strings.ReplaceAll(block, "\n", "\r\n")}} {
		t.Run(c.name, func(t *testing.T) {
			var o Options
			o.KeepInternal = []planner.Internal{{Name: "inside"}}
			gated := written(t, c.in, func(in []byte) (*manifest.Stream, error) {
				s, _, err := Run(in, o)
				return s, err
			})
			s, err := manifest.Read([]byte(gated))
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, object := range s.Objects() {
				names = append(names, object.Short())
			}
			if diff := cmp.Diff([]string{"Service lb", "Deployment a", "Service inside"}, names); diff != "" || len(s.Docs) != 1 {
				t.Errorf("%d documents, objects -want +got:\n%s\n%s", len(s.Docs), diff, gated)
			}
			again := written(t, gated, func(in []byte) (*manifest.Stream, error) {
				s, _, err := Run(in, o)
				return s, err
			})
			if diff := cmp.Diff(gated, again); diff != "" {
				t.Errorf("twice is not once:\n%s", diff)
			}
			if diff := cmp.Diff(c.in, written(t, gated, Eject)); diff != "" {
				t.Errorf("eject -want +got:\n%s", diff)
			}
		})
	}
}

func written(t *testing.T, in string, do func([]byte) (*manifest.Stream, error)) string {
	t.Helper()
	s, err := do([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := s.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
