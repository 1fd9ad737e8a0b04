package helm

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

const (
	chart = "charts/prometheus-alb"
	// A value of the annotation that kauth does not know, and what it says of it.
	badGate      = `ingress.annotations.kauth\.dev/gate=perhaps`
	badGateError = "kauth: error: "
)

func TestTemplate(t *testing.T) {
	eachHelm(t, func(t *testing.T, h helm) {
		gated, plain := h.mustRender(t, "template", "mon", chart), h.must(t, "template", "mon", chart)
		checkGated(t, gated)
		if strings.Contains(gated, "postrenderer.helm.sh/postrender-filename") {
			t.Error("the annotation of Helm 4 is in what it prints; kauth copied it somewhere Helm does not look")
		}
		if strings.Contains(gated, "generated-by-postrender") {
			t.Error("Helm 4 lost track of a document's file")
		}
		for _, kind := range []string{"ConfigMap", "Pod"} { // and the hook, which Helm 4 passes and Helm 3 does not
			var before, after map[string]any // Helm 4 lays the text out anew
			decode(t, plain, kind, &before)
			decode(t, gated, kind, &after)
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("%s was changed:\n%s", kind, diff)
			}
		}
	})
}

// The chart follows its own values: another port, a route prefix, a volume.
func TestTemplateWithValues(t *testing.T) {
	eachHelm(t, func(t *testing.T, h helm) {
		out := h.mustRender(t, "template", "mon", chart, "--set", "routePrefix=/prometheus,storage=20Gi,service.port=80")
		checkGated(t, out)
		args := strings.Join(sidecar(t, out).Args, "\n")
		for _, want := range []string{"--upstream=http://127.0.0.1:9090", "--prefix=/prometheus", "--upstream-health-path=/prometheus/-/healthy"} {
			if !strings.Contains(args, want) {
				t.Errorf("sidecar has no %s:\n%s", want, args)
			}
		}
	})
}

// TestSettingsFile: the settings file reaches kauth by argument and by environment.
func TestSettingsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kauth.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: kauth.dev/v1alpha1\nkind: Gates\ndefaults: {realm: From the file}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	eachHelm(t, func(t *testing.T, h helm) {
		byArgument := h.mustRender(t, "template", "mon", chart, "--post-renderer-args", "--config="+file)
		h.env = append(slices.Clip(h.env), "KAUTH_CONFIG="+file)
		for _, out := range []string{byArgument, h.mustRender(t, "template", "mon", chart)} {
			checkGated(t, out)
			if args := sidecar(t, out).Args; !slices.Contains(args, "--realm=From the file") {
				t.Errorf("the sidecar has %q", args)
			}
		}
	})
}

// An exit of 0 with no output would deploy an empty release under Helm 3.
func TestNothingToGate(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "Chart.yaml", "apiVersion: v2\nname: plain\nversion: 0.1.0\n")
	write(t, dir, "templates/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: plain\ndata:\n  a: b\n")
	eachHelm(t, func(t *testing.T, h helm) {
		if out, _, err := h.rendered(t, "template", "mon", dir); err == nil {
			t.Errorf("a release without anything to gate was rendered:\n%s", out)
		}
		out := h.mustRender(t, "template", "mon", dir, "--post-renderer-args", "--allow-none")
		if !strings.Contains(out, "a: b") {
			t.Errorf("with --allow-none the chart is not there:\n%s", out)
		}
	})
}

func TestReportFile(t *testing.T) {
	eachHelm(t, func(t *testing.T, h helm) {
		for _, args := range [][]string{{}, {"--set", badGate}} {
			report := filepath.Join(t.TempDir(), "report.json")
			h.env = append(slices.Clip(h.env), "KAUTH_REPORT="+report)
			_, _, err := h.rendered(t, append([]string{"template", "mon", chart}, args...)...)
			if failed := err != nil; failed != (len(args) > 0) {
				t.Fatalf("%q: %v", args, err)
			}
			data, err := os.ReadFile(report)
			if err != nil {
				t.Fatal(err)
			}
			if !json.Valid(data) || len(args) > 0 && !strings.Contains(string(data), "perhaps") {
				t.Errorf("%q: report is not JSON, or does not say what is wrong:\n%s", args, data)
			}
		}
	})
}

// Helm 4 installs the plugin from the source folder, as README says.
func TestPluginInstall(t *testing.T) {
	h := newHelm(t, 4)
	dir, err := plugins()
	if err != nil {
		t.Fatal(err)
	}
	// `helm plugin install` of 4.3 writes to the default folder and does not heed HELM_PLUGINS.
	h.env = slices.DeleteFunc(h.env, func(e string) bool { return strings.HasPrefix(e, "HELM_PLUGINS=") })
	h.must(t, "plugin", "install", filepath.Join(dir, "kauth"))
	if out := h.must(t, "plugin", "list"); !strings.Contains(out, "postrenderer/v1") {
		t.Errorf("plugin list:\n%s", out)
	}
	checkGated(t, h.mustRender(t, "template", "mon", chart))
}

// checkGated says what is wrong with a rendered chart of ours that kauth should have gated.
func checkGated(t *testing.T, stream string) {
	t.Helper()
	var service corev1.Service
	decode(t, stream, "Service", &service)
	gatePort := false
	for _, p := range service.Spec.Ports {
		gatePort = gatePort || p.Name == "kauth"
	}
	if len(service.Spec.Ports) != 2 || !gatePort {
		t.Errorf("Service ports %v; want the chart's and kauth", service.Spec.Ports)
	}
	var ingress networkingv1.Ingress
	decode(t, stream, "Ingress", &ingress)
	if port := ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Port; port.Name != "kauth" && port.Number != 8181 {
		t.Errorf("Ingress leads to port %v, not to the gate", port)
	}
	annotations := map[string]string{}
	maps.Copy(annotations, ingress.Annotations)
	maps.Copy(annotations, service.Annotations) // which win
	if got := annotations["alb.ingress.kubernetes.io/healthcheck-path"]; got != "/health" {
		t.Errorf("the load balancer asks %q for health, which needs a password", got)
	}
	sidecar(t, stream)
}

// sidecar returns the one container that kauth put into the StatefulSet.
func sidecar(t *testing.T, stream string) corev1.Container {
	t.Helper()
	var set appsv1.StatefulSet
	decode(t, stream, "StatefulSet", &set)
	if got := set.Annotations["kauth.dev/gate"]; got != "8181 -> http://127.0.0.1:9090" {
		t.Errorf("annotation kauth.dev/gate %q", got)
	}
	var found []corev1.Container
	pod := set.Spec.Template.Spec
	for _, c := range append(pod.InitContainers, pod.Containers...) {
		if c.Name == "kauth-proxy" {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d containers named kauth-proxy, want one", len(found))
	}
	return found[0]
}

func decode(t *testing.T, stream, kind string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(document(t, stream, kind)), into); err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
}

// document returns the one document of a kind.
func document(t *testing.T, stream, kind string) string {
	t.Helper()
	var found []string
	for doc := range strings.SplitSeq("\n"+stream, "\n---") {
		if strings.Contains("\n"+doc+"\n", "\nkind: "+kind+"\n") {
			found = append(found, doc)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d documents of kind %s, want one, in:\n%s", len(found), kind, stream)
	}
	return found[0]
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
