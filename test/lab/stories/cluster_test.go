//go:build linux

package stories

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A container is one run of a container.
type container struct {
	id  string
	pid int // on the node
}

// container finds the container of this name in the one pod with the label.
func (s *story) container(label, name string) container {
	s.Helper()
	id := s.kubectl("", "get", "pods", "-l", label, "-o", `jsonpath={.items[0].status.containerStatuses[?(@.name=="`+name+`")].containerID}`)
	id = strings.TrimPrefix(strings.TrimSpace(id), "containerd://")
	tasks, err := s.try("ctr", "-n", "k8s.io", "tasks", "list")
	if err != nil {
		s.Fatal(err)
	}
	for line := range strings.Lines(tasks) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == id {
			if pid, err := strconv.Atoi(fields[1]); err == nil {
				return container{id, pid}
			}
		}
	}
	return container{id: id}
}

// users returns the text of the users Secret.
func (s *story) users() string {
	s.Helper()
	return s.usersOf("kauth-users")
}

func (s *story) usersOf(name string) string {
	s.Helper()
	secret, err := theLab.Client.CoreV1().Secrets(s.ns).Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		s.Fatal(err)
	}
	return string(secret.Data["auth"])
}

// setUsers puts a text into the users Secret past kubectl basicauth, as anybody may.
func (s *story) setUsers(text string) {
	s.Helper()
	patch, err := json.Marshal(map[string]any{"data": map[string][]byte{"auth": []byte(text)}})
	if err != nil {
		s.Fatal(err)
	}
	_, err = theLab.Client.CoreV1().Secrets(s.ns).Patch(context.Background(), "kauth-users", types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		s.Fatal(err)
	}
}

// podIP is the address of the one pod with the label.
func (s *story) podIP(label string) string {
	s.Helper()
	ip, err := s.tryPodIP(label)
	if err != nil {
		s.Fatal(err)
	}
	return ip
}

// tryPodIP is podIP for a pod that may not be there yet.
func (s *story) tryPodIP(label string) (string, error) {
	ip, err := s.tryKubectl("", "get", "pods", "-l", label, "-o", "jsonpath={.items[0].status.podIP}")
	if err == nil && ip == "" {
		err = fmt.Errorf("pod with %s: no address yet", label)
	}
	return ip, err
}

// probes counts how often the health of the pod with the label has been asked for.
func (s *story) probes(label string) (n int) {
	s.Helper()
	r, err := get("http://"+s.podIP(label)+":8182/metrics", nobody)
	if err != nil {
		s.Fatal(err)
	}
	const counter = `kauth_proxy_requests_total{outcome="health"} `
	if _, rest, ok := strings.Cut(r.body, counter); ok {
		if n, err = strconv.Atoi(strings.SplitN(rest, "\n", 2)[0]); err == nil {
			return n
		}
	}
	s.Fatalf("metrics of the gate: no whole number after %s", counter)
	return 0
}

// gateSays returns nil when the admin port of the pod with the label says this of its users.
func (s *story) gateSays(label, want string) func() error {
	return func() error {
		ip, err := s.tryPodIP(label)
		if err != nil {
			return err
		}
		r, err := get("http://"+ip+":8182/status", nobody)
		if err == nil && !strings.Contains(r.body, want) {
			err = fmt.Errorf("status of the gate: %s, want %s", r.body, want)
		}
		return err
	}
}
