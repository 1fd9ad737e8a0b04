package live

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// TestStrangeOf: none of the kinds that well-known projects bring is asked for in vain; those of unread routes are, everywhere.
func TestStrangeOf(t *testing.T) {
	strange := func(group, kind string, spaced bool) *kind {
		return strangeOf(schema.GroupVersion{Group: group, Version: "v1"}, metav1.APIResource{Name: strings.ToLower(kind) + "s", Kind: kind, Namespaced: spaced, Verbs: []string{"get", "list"}})
	}
	files, err := filepath.Glob(filepath.Join(testenv.Shared(t), "crds", "*", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d CRDs, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(text, &u.Object); err != nil {
			t.Fatal(err)
		}
		group, _, _ := unstructured.NestedString(u.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(u.Object, "spec", "names", "kind")
		if strange(group, kind, true) != nil || kind == "" {
			t.Errorf("%s/%s is strange", group, kind)
		}
	}
	for _, name := range []string{
		"argoproj.io/Application", "cilium.io/CiliumEndpoint", "argoproj.io/Rollout", "cert-manager.io/Certificate", "acme.cert-manager.io/Challenge", "networking.istio.io/Gateway", "networking.istio.io/Sidecar",
		"security.istio.io/AuthorizationPolicy", "telemetry.istio.io/Telemetry", "/Secret", "apps/Deployment", "networking.k8s.io/Ingress", "metrics.k8s.io/PodMetrics",
	} {
		group, kind, _ := strings.Cut(name, "/")
		if strange(group, kind, true) != nil {
			t.Errorf("%s is strange", name)
		}
	}
	for name, wide := range map[string]bool{
		"apisix.apache.org/ApisixRoute": true, "configuration.konghq.com/UDPIngress": true, "gloo.solo.io/Upstream": true, "cilium.io/CiliumEnvoyConfig": true, "networking.istio.io/EnvoyFilter": true,
		"corp.example/Publication": false,
	} {
		group, kind, _ := strings.Cut(name, "/")
		if k := strange(group, kind, true); k == nil || k.wide != wide {
			t.Errorf("%s: %+v", name, k)
		}
	}
	if strange("corp.example", "Publication", false) != nil || strange("cilium.io", "CiliumClusterwideEnvoyConfig", false) == nil {
		t.Error("of kinds without a namespace routes alone are asked for")
	}
}

// TestStrangers: objects beyond the bound, and time that is over, are gaps.
func TestStrangers(t *testing.T) {
	s := testenv.APIServer(t)
	ns := s.CreateNamespace(t)
	r, err := NewReader(s.Config, ns, Patience)
	if err != nil {
		t.Fatal(err)
	}
	configMaps := &kind{group: "", kind: "ConfigMap", resource: schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, spaced: true} // any kind will do
	var maps strings.Builder
	for i := range strangePage + 1 {
		fmt.Fprintf(&maps, "\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: m%d}}", i)
	}
	apply(t, s.Config, ns, strings.TrimPrefix(maps.String(), "\n---\n"))
	seen := map[string]bool{}
	look := func(u *unstructured.Unstructured, _ bool) { seen[u.GetKind()+" "+u.GetName()] = true }
	r.strange = []*kind{configMaps}
	if gaps := r.Strangers(t.Context(), look); len(gaps) > 0 || !seen["ConfigMap m0"] || !seen[fmt.Sprintf("ConfigMap m%d", strangePage)] {
		t.Errorf("gaps %v, %d objects", gaps, len(seen))
	}
	r.strange = nil
	for range strangeKinds + 1 {
		r.strange = append(r.strange, configMaps)
	}
	if gaps := r.Strangers(t.Context(), func(*unstructured.Unstructured, bool) {}); len(gaps) != 1 || !strings.Contains(gaps[0].Err.Error(), "more than 400 kinds") {
		t.Errorf("too many kinds: %v", gaps)
	}
	r.strange, r.Patience = []*kind{configMaps}, time.Nanosecond
	if gaps := r.Strangers(t.Context(), look); len(gaps) != 1 || !strings.Contains(gaps[0].Err.Error(), "no answer within 1ns") {
		t.Errorf("out of time: %v", gaps)
	}
	r.strange, r.Patience = []*kind{{group: "gone.example", kind: "Gone", resource: schema.GroupVersionResource{Group: "gone.example", Version: "v1", Resource: "gones"}, spaced: true}}, Patience
	if gaps := r.Strangers(t.Context(), look); len(gaps) > 0 {
		t.Errorf("a kind that is gone: %v", gaps)
	}
}
