package verify

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/live"
)

const (
	ordinaryImage = gateconf.Image + ":v1.2.3"
	digest        = "@sha256:0123456789012345678901234567890123456789012345678901234567890123"
)

// TestOrdinary: pods of a Deployment as webhooks and a rollout make them otherwise than its template says. What works as it
// should is no failure, and an old gate is judged by its own arguments: its port and its realm.
func TestOrdinary(t *testing.T) {
	s, client, ns, node := newNode(t, answerOrdinary)
	owner := makeOwners(t, client, ns)

	const fine, says = "pass knock", "pass sidecar: ready; image and arguments as Deployment web says"
	const rollout = "; see whether a rollout is under way with kubectl rollout status, or delete the pod, so that it is made anew"
	const webhook = "; where a webhook of the cluster puts other images into pods, give kauth that one with --image"
	want := map[string]string{}
	for _, c := range []struct {
		name   string
		change func(*corev1.Pod, *corev1.Container)
		want   string
	}{
		{"as-is", nil, says + "\n" + fine},
		{"mesh", func(p *corev1.Pod, _ *corev1.Container) {
			p.Spec.Containers = slices.Insert(p.Spec.Containers, 0, corev1.Container{Name: "istio-proxy", Image: "proxyv2", Ports: []corev1.ContainerPort{{ContainerPort: 15090}}})
		}, says + "\n" + fine},
		{"mirror", func(_ *corev1.Pod, c *corev1.Container) { c.Image = "mirror.example/ghcr/kauth-proxy:v1.2.3" }, says + "\n" + fine},
		{"signed", func(_ *corev1.Pod, c *corev1.Container) { c.Image = ordinaryImage + digest }, says + "\n" + fine},
		{"digest", func(_ *corev1.Pod, c *corev1.Container) { c.Image = gateconf.Image + digest }, "pass sidecar: ready; arguments as Deployment web says, and the image by its digest, " + gateconf.Image + digest + "\n" + fine},
		{"flat", func(_ *corev1.Pod, c *corev1.Container) { c.Image = "mirror.example/x-kauth-proxy:v1.2.3" }, "fail sidecar: differs from Deployment web: image (mirror.example/x-kauth-proxy:v1.2.3, not " + ordinaryImage + ")" + rollout + webhook + "\n" + fine},
		{"old-version", func(_ *corev1.Pod, c *corev1.Container) { c.Image = gateconf.Image + ":v1.2.2" + digest }, "fail sidecar: differs from Deployment web: image (" + gateconf.Image + ":v1.2.2" + digest + ", not " + ordinaryImage + ")" + rollout + webhook + "\n" + fine},
		{"old", func(_ *corev1.Pod, c *corev1.Container) {
			c.Args, c.Image = append(c.Args, "--realm=Old", "--listen=:8190"), gateconf.Image+":v1.2.2"
		}, "fail sidecar: differs from Deployment web: arguments, image (" + gateconf.Image + ":v1.2.2, not " + ordinaryImage + ")" + rollout + "\npass knock"},
		{"bare", func(p *corev1.Pod, _ *corev1.Container) { p.Spec.Containers = p.Spec.Containers[:1] }, "fail sidecar: has no container kauth-proxy, so port 9090 of it asks for no password" + rollout},
	} {
		pod := hostilePod(c.name, node)
		pod.OwnerReferences = owner
		pod.Spec.Containers[1].Image = ordinaryImage
		if c.change != nil {
			c.change(pod, &pod.Spec.Containers[1])
		}
		makePod(t, client, ns, pod, nil)
		want[c.name] = c.want
	}
	report, err := Run(t.Context(), options(s.Config, ns))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range report.Checks {
		name, is := strings.CutPrefix(c.Object, "Pod "+ns+"/")
		switch line := string(c.Status) + " " + c.Name; {
		case !is || line == "pass users":
		case line == fine:
			got[name] += line + "\n"
		default:
			got[name] += line + ": " + strings.ReplaceAll(c.String(), ns+"/", "") + "\n"
		}
	}
	for name := range maps.Keys(got) {
		got[name] = strings.TrimSuffix(got[name], "\n")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// answerOrdinary is a gate that keeps strangers out; that of pod "old" is at another port and has another realm.
func answerOrdinary(pod string, port int, conn io.ReadWriteCloser) error {
	gate, realm := 8181, "Restricted"
	if pod == "old" {
		gate, realm = 8190, "Old"
	}
	r, err := http.ReadRequest(bufio.NewReader(conn))
	switch {
	case err != nil:
		return nil
	case port == 8182:
		_, err = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n\r\n"+`{"users":{"loaded":1,"fingerprint":"%s"}}`, live.Fingerprint([]byte(hostileUsers)))
	case port != gate:
		return fmt.Errorf("connection refused")
	case r.URL.Path == "/health":
		_, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	default:
		_, err = fmt.Fprintf(conn, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=%q\r\nContent-Length: 0\r\n\r\n", realm)
	}
	return err
}

// makeOwners makes a gated Deployment and its ReplicaSet, and returns what says that a pod is theirs.
func makeOwners(t *testing.T, client kubernetes.Interface, ns string) []metav1.OwnerReference {
	t.Helper()
	yes, pod := true, hostilePod("web", "")
	pod.Spec.Containers[1].Image = ordinaryImage
	labels := map[string]string{"app": "web"}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod.Spec}
	deployment, err := client.AppsV1().Deployments(ns).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Annotations: map[string]string{gateconf.AnnotationGate: "8181 -> http://127.0.0.1:9090", gateconf.AnnotationVersion: "v1.2.3"}},
		Spec:       appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := client.AppsV1().ReplicaSets(ns).Create(t.Context(), &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: "web-1", OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: deployment.UID, Controller: &yes}}},
		Spec:       appsv1.ReplicaSetSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web-1", UID: set.UID, Controller: &yes}}
}
