package helm

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// A release lives through install, upgrade, a failing upgrade, rollback and uninstall. The gate is in each revision,
// a failing kauth leaves the last one as it was, and the users outlive the release.
func TestRelease(t *testing.T) {
	eachHelm(t, func(t *testing.T, h helm) {
		s := shared.Server(t)
		h, r := h.on(s), release{client: kubernetes.NewForConfigOrDie(s.Config), namespace: s.CreateNamespace(t)}
		ns := []string{"-n", r.namespace}
		r.createUsers(t)

		h.mustRender(t, append(ns, "install", "mon", chart)...)
		r.checkGated(t, "--storage.tsdb.retention.time=15d")

		h.mustRender(t, append(ns, "upgrade", "mon", chart, "--set", "retention=1d")...)
		r.checkGated(t, "--storage.tsdb.retention.time=1d")

		before := r.set(t).ResourceVersion
		if _, _, err := h.rendered(t, append(ns, "upgrade", "mon", chart, "--set", "retention=2d,"+badGate)...); err == nil {
			t.Error("an upgrade that kauth refused went through")
		}
		if after := r.set(t).ResourceVersion; after != before {
			t.Error("an upgrade that kauth refused changed the StatefulSet")
		}
		if got, want := h.revisions(t, r.namespace), []string{"1 superseded", "2 deployed"}; !slices.Equal(got[:2], want) ||
			len(got) > 3 || len(got) == 3 && got[2] != "3 failed" {
			t.Errorf("revisions %q, want %q and at most a failed one", got, want)
		}

		h.must(t, append(ns, "rollback", "mon", "1")...) // Helm does not call the post-renderer here: it stored what kauth made
		r.checkGated(t, "--storage.tsdb.retention.time=15d")

		h.must(t, append(ns, "uninstall", "mon")...)
		if _, err := r.client.AppsV1().StatefulSets(r.namespace).Get(context.Background(), "mon-prometheus", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("StatefulSet after uninstall: %v", err)
		}
		if secret, err := r.client.CoreV1().Secrets(r.namespace).Get(context.Background(), "kauth-users", metav1.GetOptions{}); err != nil || len(secret.Data["auth"]) == 0 {
			t.Errorf("users after uninstall: %v, %v", secret, err)
		}
	})
}

// A first install that kauth refuses leaves nothing in the cluster.
func TestRefusedInstallLeavesNothing(t *testing.T) {
	eachHelm(t, func(t *testing.T, h helm) {
		s := shared.Server(t)
		h = h.on(s)
		ns := s.CreateNamespace(t)
		if _, _, err := h.rendered(t, "-n", ns, "install", "mon", chart, "--set", badGate); err == nil {
			t.Error("an install that kauth refused went through")
		}
		client := kubernetes.NewForConfigOrDie(s.Config)
		sets, err := client.AppsV1().StatefulSets(ns).List(context.Background(), metav1.ListOptions{})
		if err != nil || len(sets.Items) > 0 {
			t.Errorf("%d StatefulSets, %v", len(sets.Items), err)
		}
		if out := h.must(t, "-n", ns, "list", "-q"); strings.TrimSpace(out) != "" {
			t.Errorf("releases: %s", out)
		}
	})
}

type release struct {
	client    kubernetes.Interface
	namespace string
}

func (r release) createUsers(t *testing.T) {
	t.Helper()
	users := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "kauth-users"}, Data: map[string][]byte{"auth": []byte("# nobody yet\n")}}
	if _, err := r.client.CoreV1().Secrets(r.namespace).Create(context.Background(), users, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (r release) set(t *testing.T) *appsv1.StatefulSet {
	t.Helper()
	set, err := r.client.AppsV1().StatefulSets(r.namespace).Get(context.Background(), "mon-prometheus", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// checkGated says what is wrong with the live objects: the sidecar, the Ingress, and one argument that tells the
// revisions apart.
func (r release) checkGated(t *testing.T, arg string) {
	t.Helper()
	set := r.set(t)
	var names []string
	for _, c := range append(set.Spec.Template.Spec.InitContainers, set.Spec.Template.Spec.Containers...) {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	if want := []string{"kauth-proxy", "prometheus"}; !slices.Equal(names, want) {
		t.Errorf("containers %q, want %q", names, want)
	}
	if args := set.Spec.Template.Spec.Containers[0].Args; !slices.Contains(args, arg) {
		t.Errorf("arguments %q, want %s", args, arg)
	}
	for k := range set.Annotations {
		if strings.HasPrefix(k, "postrenderer.helm.sh/") {
			t.Errorf("annotation %s is on the live object", k)
		}
	}
	ingress, err := r.client.NetworkingV1().Ingresses(r.namespace).Get(context.Background(), "mon-prometheus", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if port := ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Port; port.Name != "kauth" && port.Number != 8181 {
		t.Errorf("Ingress leads to port %v, not to the gate", port)
	}
}

// revisions returns what `helm history` says, oldest first, such as "1 deployed".
func (h helm) revisions(t *testing.T, namespace string) []string {
	t.Helper()
	var history []struct {
		Revision json.Number `json:"revision"`
		Status   string      `json:"status"`
	}
	if err := json.Unmarshal([]byte(h.must(t, "-n", namespace, "history", "mon", "-o", "json")), &history); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range history {
		lines = append(lines, r.Revision.String()+" "+r.Status)
	}
	return lines
}
