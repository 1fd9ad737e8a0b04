//go:build linux

package basicauth

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	clientcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

// On a terminal --wait says at once how far it is, in one line that is kept up to date and taken away in the end, however
// narrow the terminal is. No kubelet is here, so that no gate is ever done.
func TestProgress(t *testing.T) {
	t.Parallel() // it waits more than it works
	for _, columns := range []uint16{0, 100, 34, 20} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			t.Parallel()
			namespace := fmt.Sprintf("progress-%d", columns)
			config := ownConfig(t, namespace)
			pods := client(t, namespace)
			runningGate(t, pods, "web-0")
			runningGate(t, pods, "web-1")

			cmd := exec.CommandContext(t.Context(), "kubectl-basicauth", "user", "add", "alice", "--hash", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "--wait", "--timeout", "1m")
			cmd.Env = append(os.Environ(), "KUBECONFIG="+config)
			d := onTerminalOf(t, columns, cmd)
			const two, one = "waiting: in force at 0 of 2 gates", "waiting: in force at 0 of 1 gate"
			d.lastLine(columns, two)
			if err := pods.Delete(t.Context(), "web-1", metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
				t.Fatal(err)
			}
			d.lastLine(columns, one)
			_ = d.cmd.Process.Signal(syscall.SIGTERM) // the key would be shown too
			d.end(exitFailed)
			d.expect("Pod web-0:", 1)
			lines := rendered(d.text(), columns)
			for _, line := range lines {
				if start := len("waiting: "); len(line) >= start && line[:start] == two[:start] {
					t.Errorf("left over: %q", line)
				}
			}
			if want := "error: the users are changed, but not in force at "; !strings.Contains(strings.Join(lines, ""), want) {
				t.Errorf("no %q on the screen:\n%s", want, strings.Join(lines, "\n"))
			}
		})
	}
}

// lastLine waits until the last line of the screen is text, as much of it as fits before the last column.
func (d *dialog) lastLine(columns uint16, text string) {
	d.Helper()
	if columns > 0 {
		text = text[:min(len(text), int(columns)-1)]
	}
	for end := time.Now().Add(20 * time.Second); ; <-time.After(5 * time.Millisecond) {
		lines := rendered(d.text(), columns)
		last := lines[len(lines)-1]
		if strings.TrimRight(last, " ") == strings.TrimRight(text, " ") {
			return
		}
		if time.Now().After(end) {
			d.Fatalf("the last line is %q, want %q; the screen:\n%s", last, text, strings.Join(lines, "\n"))
		}
	}
}

// rendered is what a terminal of this width shows of text: one that takes a new line when there is more to show than fits,
// and from there comes back to the start of that line alone. 0 is for one that does not say how wide it is.
func rendered(text string, columns uint16) []string {
	lines, at := []string{""}, 0
	for _, r := range text {
		switch {
		case r == '\n':
			lines = append(lines, "")
			at = 0
			continue
		case r == '\r':
			at = 0
			continue
		case columns > 0 && at == int(columns):
			lines = append(lines, "")
			at = 0
		}
		line := []rune(lines[len(lines)-1])
		for len(line) <= at {
			line = append(line, ' ')
		}
		line[at] = r
		lines[len(lines)-1] = string(line)
		at++
	}
	return lines
}

func client(t *testing.T, namespace string) clientcorev1.PodInterface {
	t.Helper()
	client, err := kubernetes.NewForConfig(server(t).Config)
	if err != nil {
		t.Fatal(err)
	}
	return client.CoreV1().Pods(namespace)
}

// runningGate makes a pod whose gate runs, as far as its status says.
func runningGate(t *testing.T, pods clientcorev1.PodInterface, name string) {
	t.Helper()
	users := corev1.Volume{Name: "users", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: gateconf.UsersSecret}}}
	pod, err := pods.Create(context.Background(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{NodeName: "nowhere", Volumes: []corev1.Volume{users}, Containers: []corev1.Container{
			{Name: gateconf.ContainerName, Image: "i", VolumeMounts: []corev1.VolumeMount{{Name: users.Name, MountPath: "/users"}}},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod.Status.Phase = corev1.PodRunning
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: gateconf.ContainerName, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	if _, err := pods.UpdateStatus(context.Background(), pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}
