package inforce

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kauth-dev/kauth/pkg/live"
	"github.com/kauth-dev/kauth/pkg/testenv"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// pods are gates that say what they are told to: the real ones, on a real kubelet, are in the stories.
type pods struct {
	t      *testing.T
	client kubernetes.Interface
	store  *userstore.Store
	o      Options
	node   string

	mu  sync.Mutex
	say map[string]string // what follows {"users": by the name of the pod; a pod that is not there hangs
}

func newPods(t *testing.T, s *testenv.Server) *pods {
	t.Helper()
	client, err := kubernetes.NewForConfig(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	p := &pods{t: t, client: client, say: map[string]string{}}
	p.store = &userstore.Store{Client: client.CoreV1(), Namespace: s.CreateNamespace(t), Name: "kauth-users"}
	p.node = s.Kubelet(t, p.answer)
	p.o = Options{Config: s.Config, Store: p.store}
	p.write("a:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n")
	return p
}

func (p *pods) answer(pod string, _ int, conn io.ReadWriteCloser) error {
	p.mu.Lock()
	text, known := p.say[pod]
	p.mu.Unlock()
	if problem, is := strings.CutPrefix(text, "error: "); is {
		return errors.New(problem)
	}
	_, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil || !known {
		_, err = io.Copy(io.Discard, conn)
		return err
	}
	_, err = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"users\":%s}", text)
	return err
}

// write stores users, and waits are for them from then on.
func (p *pods) write(users string) {
	p.t.Helper()
	p.o.Text = []byte(users)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: p.store.Name}, Data: map[string][]byte{"auth": p.o.Text}}
	_, err := p.client.CoreV1().Secrets(p.store.Namespace).Update(p.t.Context(), secret, metav1.UpdateOptions{})
	if err != nil {
		_, err = p.client.CoreV1().Secrets(p.store.Namespace).Create(p.t.Context(), secret, metav1.CreateOptions{})
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *pods) tell(pod, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.say[pod] = text
}

// inForce is what a gate says that goes by these users.
func inForce(users string) string {
	return fmt.Sprintf(`{"loaded": 1, "fingerprint": %q}`, live.Fingerprint([]byte(users)))
}

// run makes a pod that runs, with a gate that has the Secret as a volume.
func (p *pods) run(name, says string, change func(*corev1.PodSpec)) {
	p.t.Helper()
	p.tell(name, says)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{
		NodeName:   p.node,
		Volumes:    []corev1.Volume{{Name: "u", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: p.store.Name}}}},
		Containers: []corev1.Container{{Name: "kauth-proxy", Image: "i", VolumeMounts: []corev1.VolumeMount{{Name: "u", MountPath: "/u"}}}},
	}}
	if change != nil {
		change(&pod.Spec)
	}
	api := p.client.CoreV1().Pods(p.store.Namespace)
	made, err := api.Create(p.t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		p.t.Fatal(err)
	}
	made.Status.Phase = corev1.PodRunning
	made.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "kauth-proxy", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	if _, err := api.UpdateStatus(p.t.Context(), made, metav1.UpdateOptions{}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pods) remove(name string) {
	p.t.Helper()
	now := int64(0)
	if err := p.client.CoreV1().Pods(p.store.Namespace).Delete(p.t.Context(), name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pods) wait(patience time.Duration) (*Result, error) {
	ctx, cancel := context.WithTimeoutCause(p.t.Context(), patience, errors.New("time is up"))
	defer cancel()
	return Wait(ctx, p.o)
}

// TestWait waits for pods on one API server.
func TestWait(t *testing.T) {
	s := testenv.APIServer(t)
	for name, test := range map[string]func(*testing.T, *pods){"what gates say": whatGatesSay, "who reads": whoReads, "changes": changes} {
		t.Run(name, func(t *testing.T) { test(t, newPods(t, s)) })
	}
}

// whatGatesSay: what gates say to --wait stays in its line, and none is said to be done that is not.
func whatGatesSay(t *testing.T, p *pods) {
	t.Helper()
	fine := inForce(string(p.o.Text))
	p.run("fine", fine, nil)
	p.run("old", `{"loaded": 1, "fingerprint": "00"}`, nil)
	p.run("odd", `{"loaded": -1, "fingerprint": "x", "error": "line 1\nerror: all is well\u001b]0;t\u0007\u009b31m"}`, nil)
	p.run("long", `{"error": "`+strings.Repeat("x", 1<<20)+`"}`, nil)
	p.run("text", "all is well\x1b[31m", nil)
	p.run("refused", "error: an error\nerror: \x1b[31mgone", nil)
	result, err := p.wait(3 * time.Second)
	const want = `the users are changed, but not in force at 5 of 6 gates: time is up
  Pod long: its admin port: answers something else than a gate's status: unexpected EOF
  Pod odd: cannot use its users file, and goes by -1 users of before: line 1; error: all is well\x1b]0;t\a\u009b31m
  Pod old: goes by the users of before; its kubelet has not brought the Secret yet
  Pod refused: its admin port: port 8182: an error; error: \x1b[31mgone
  Pod text: its admin port: answers something else than a gate's status: invalid character 'a' looking for beginning of value`
	if err == nil || result.Gates != 6 {
		t.Fatalf("%v, %+v", err, result)
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"old", "odd", "long", "text", "refused"} {
		p.tell(name, fine)
	}
	if result, err := p.wait(time.Minute); err != nil || result.Gates != 6 {
		t.Errorf("%v, %+v", err, result)
	}
}

// whoReads: whoever has the users is waited for or named, however they came to the pod.
func whoReads(t *testing.T, p *pods) {
	t.Helper()
	fine := inForce(string(p.o.Text))
	secret := func(s *corev1.PodSpec) *corev1.VolumeSource { return &s.Volumes[0].VolumeSource }
	p.run("twice", fine, func(s *corev1.PodSpec) { // one gate, though two of its volumes have them
		s.Volumes = append(s.Volumes, corev1.Volume{Name: "more", VolumeSource: *secret(s)})
		s.Containers[0].VolumeMounts = append(s.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "more", MountPath: "/more"})
	})
	p.run("projected", `{"loaded": 1, "fingerprint": "00"}`, func(s *corev1.PodSpec) {
		projected := &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: p.store.Name}}}}}
		*secret(s) = corev1.VolumeSource{Projected: projected}
	})
	p.run("environment", fine, func(s *corev1.PodSpec) {
		s.Volumes, s.Containers[0].VolumeMounts = nil, nil
		s.Containers[0].EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: p.store.Name + "-web"}}}}
	})
	p.run("none", fine, func(s *corev1.PodSpec) { secret(s).Secret.SecretName = "other" })
	result, err := p.wait(3 * time.Second)
	if err == nil || result.Gates != 2 || !strings.Contains(err.Error(), "at 1 of 2 gates: time is up\n  Pod projected: ") {
		t.Errorf("%v, %+v", err, result)
	}
	if diff := cmp.Diff([]Object{{"Pod environment", `has Secret "kauth-users-web" in its environment, as it was when it started`}}, result.Unasked); diff != "" {
		t.Error(diff)
	}
}

// changes: pods that come and go, and users that others change, while somebody waits.
func changes(t *testing.T, p *pods) {
	t.Helper()
	p.run("stays", `{"loaded": 1, "fingerprint": "00"}`, nil)
	p.run("goes", `{"loaded": 1, "fingerprint": "00"}`, nil)
	var stage int
	p.o.Progress = func(done, gates int) {
		switch stage++; stage {
		case 1: // 0 of 2: one is replaced, and somebody changes the users
			p.remove("goes")
			p.run("comes", `{"loaded": 1, "fingerprint": "00"}`, nil)
			p.tell("stays", inForce("later\n"))
			first := p.o.Text
			p.write("later\n")
			p.o.Text = first
		case 2: // 1 of 2
			p.tell("comes", inForce(string(p.o.Text))) // of before the other's change, but with ours
		}
	}
	result, err := p.wait(time.Minute)
	if err != nil || result.Gates != 2 {
		t.Errorf("%v, %+v", err, result)
	}
}
