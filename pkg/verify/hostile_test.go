package verify

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kauth-dev/kauth/pkg/live"
	"github.com/kauth-dev/kauth/pkg/testenv"
)

const hostileUsers = "a:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"

// says is what a pod answers at a port, by the beginning of its name; the first that fits counts. An empty text hangs.
var says = []struct {
	pod  string
	port int
	text string
}{
	{"escapes", 8182, "HTTP/1.1 200 OK\r\n\r\n" + `{"users":{"loaded":1,"error":"bad\nfail: \u001b[31m\u009b2J"}}`},
	{"escapes", 8181, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"\u009b2J\u202e\"\r\n\r\n"},
	{"endless", 8182, "HTTP/1.1 200 OK\r\n\r\n" + `{"users":{"error":"` + strings.Repeat("x", 1<<20)},
	{"endless", 8181, "HTTP/1.1 401 Unauthorized\r\nX: " + strings.Repeat("x", 11<<20)},
	{"redirects", 8181, "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n"},
	{"lets-in", 8181, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
	{"refuses", 8181, "error: no\nfail: \x1b[31m"},
	{"", 8182, "HTTP/1.1 200 OK\r\n\r\n" + `{"users":{"loaded":1,"fingerprint":"` + live.Fingerprint([]byte(hostileUsers)) + `"}}`},
	{"", 8181, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"Restricted\"\r\nContent-Length: 0\r\n\r\n"},
}

func answerHostile(pod string, port int, conn io.ReadWriteCloser) error {
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return nil
	}
	if r.URL.Path == "/health" {
		_, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		return err
	}
	for _, s := range says {
		if strings.HasPrefix(pod, s.pod) && port == s.port {
			if problem, is := strings.CutPrefix(s.text, "error: "); is {
				return errors.New(problem)
			}
			_, _ = io.WriteString(conn, s.text)
			return nil
		}
	}
	return nil
}

// hostilePod is a pod with a gate that runs.
func hostilePod(name, node string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{
		NodeName: node,
		Volumes:  []corev1.Volume{{Name: "kauth-users", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "kauth-users"}}}},
		Containers: []corev1.Container{
			{Name: "web", Image: "web", Ports: []corev1.ContainerPort{{ContainerPort: 9090}}},
			{
				Name: "kauth-proxy", Image: "i", Args: []string{"--upstream=http://127.0.0.1:9090", "--users-file=/etc/kauth/users/auth"}, Ports: []corev1.ContainerPort{{ContainerPort: 8181}},
				VolumeMounts: []corev1.VolumeMount{{Name: "kauth-users", MountPath: "/etc/kauth/users/"}},
			},
		},
	}}
	pod.Status.Phase = corev1.PodRunning
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "kauth-proxy", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	return pod
}

// newNode returns a namespace of an API server's with a users Secret, and a node whose pods are asked answer.
func newNode(t *testing.T, answer testenv.Port) (s *testenv.Server, client kubernetes.Interface, ns, node string) {
	t.Helper()
	s = testenv.APIServer(t)
	ns, node = s.CreateNamespace(t), s.Kubelet(t, answer)
	client, err := kubernetes.NewForConfig(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "kauth-users"}, Data: map[string][]byte{"auth": []byte(hostileUsers)}}
	if _, err := client.CoreV1().Secrets(ns).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return s, client, ns, node
}

func makePod(t *testing.T, client kubernetes.Interface, ns string, pod *corev1.Pod, change func(*corev1.Pod)) {
	t.Helper()
	if change != nil {
		change(pod)
	}
	made, err := client.CoreV1().Pods(ns).Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	made.Status = pod.Status
	if _, err := client.CoreV1().Pods(ns).UpdateStatus(t.Context(), made, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// TestHostilePods: what pods say, and how they are made. No control character reaches the report, and no open door passes.
func TestHostilePods(t *testing.T) {
	s, client, ns, node := newNode(t, answerHostile)
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "shared"}, Spec: corev1.ServiceSpec{
		Type: corev1.ServiceTypeNodePort, Selector: map[string]string{"app": "shared"}, Ports: []corev1.ServicePort{{Port: 8181}},
	}}
	if _, err := client.CoreV1().Services(ns).Create(t.Context(), service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	wants := map[string]string{}
	volume := func(p *corev1.Pod) *corev1.Volume { return &p.Spec.Volumes[0] }
	for _, c := range []struct {
		name   string
		change func(*corev1.Pod)
		want   string // a regular expression on "STATUS CHECK: MESSAGE", one of the lines about the pod
	}{
		{"fine", nil, `^pass knock: 401 without a password \(realm "Restricted"\); /health 200$`},
		{"escapes", nil, `^fail users: the last good users are in force, 1 of them, not the Secret's: bad; fail: \\x1b\[31m\\u009b2J$`},
		{"escapes-realm", nil, `^fail knock: asks for a password of realm "\\u009b2J\\u202e", but its arguments say "Restricted"$`},
		{"endless", nil, `^fail knock: no answer: .*exceeded`},
		{"redirects", nil, `^fail knock: lets everybody in: 302`},
		{"refuses", nil, `^fail knock: no answer: port 8181: no; fail: \\x1b\[31m$`},
		{"lets-in-pending", func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending }, `^fail knock: lets everybody in: 200`},
		{"lets-in-unknown", func(p *corev1.Pod) { p.Status.Phase = corev1.PodUnknown }, `^fail knock: lets everybody in: 200`},
		{"projected", func(p *corev1.Pod) {
			source := &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kauth-users"}}
			volume(p).VolumeSource = corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{Secret: source}}}}
		}, `^pass users: in force: 1, as Secret "kauth-users" says$`},
		{"named-otherwise", func(p *corev1.Pod) {
			volume(p).Name, p.Spec.Containers[1].VolumeMounts[0].Name = "other", "other"
		}, `^pass users: in force: 1, as Secret "kauth-users" says$`},
		{"gated", func(p *corev1.Pod) { p.Labels = map[string]string{"app": "shared"} }, `^pass knock: `},
		{"bare", func(p *corev1.Pod) {
			p.Labels, p.Spec.Containers = map[string]string{"app": "shared"}, p.Spec.Containers[:1]
			p.Spec.Containers[0].Ports[0].ContainerPort = 8181
		}, ``},
	} {
		makePod(t, client, ns, hostilePod(c.name, node), c.change)
		wants["Pod "+ns+"/"+c.name] = c.want
	}
	wants["Service "+ns+"/shared"] = `^warn way: spec.ports\[0\]: leads to port 8181 of Pod ` + ns + `/bare too, which has no gate$`
	report, err := Run(t.Context(), options(s.Config, ns))
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string][]string{}
	for _, c := range report.Checks {
		line := fmt.Sprintf("%s %s: %s", c.Status, c.Name, c.Message)
		lines[c.Object] = append(lines[c.Object], line)
		if regexp.MustCompile(`[\x00-\x1f\x7f\x{80}-\x{9f}\x{202e}]`).MatchString(line + c.Hint) {
			t.Errorf("control characters: %q", line)
		}
	}
	for object, want := range wants {
		if all := strings.Join(lines[object], "\n"); !regexp.MustCompile("(?m)" + want).MatchString(all) {
			t.Errorf("%s: no %s in\n%s", object, want, all)
		}
	}
}
