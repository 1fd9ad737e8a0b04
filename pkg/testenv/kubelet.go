package testenv

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

// A Port answers a connection to a port of a pod. What it returns goes to the client as the kubelet's error.
type Port func(pod string, port int, conn io.ReadWriteCloser) error

// Kubelet makes a node whose kubelet does nothing but port-forward, and returns its name. Connections come from the API
// server as they would to a real one; answer is what the pods are. It is for pods that no real one would run: those that lie,
// hang or never stop.
func (s *Server) Kubelet(tb testing.TB, answer Port) string {
	tb.Helper()
	k := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.Split(r.URL.Path, "/") // /portForward/NAMESPACE/POD
		if len(path) < 4 || path[1] != "portForward" {
			http.NotFound(w, r)
			return
		}
		forward(w, r, path[3], answer)
	}))
	tb.Cleanup(k.Close)
	client, err := kubernetes.NewForConfig(s.Config)
	if err != nil {
		tb.Fatal(err)
	}
	node, err := client.CoreV1().Nodes().Create(context.Background(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{GenerateName: "node-"}}, metav1.CreateOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(k.Listener.Addr().(*net.TCPAddr).Port)
	if _, err := client.CoreV1().Nodes().UpdateStatus(context.Background(), node, metav1.UpdateOptions{}); err != nil {
		tb.Fatal(err)
	}
	return node.Name
}

// forward serves the pairs of streams of one client: one for data, and one for what went wrong.
func forward(w http.ResponseWriter, r *http.Request, pod string, answer Port) {
	if _, err := httpstream.Handshake(r, w, []string{"portforward.k8s.io"}); err != nil {
		return
	}
	var mu sync.Mutex
	problems := map[string]httpstream.Stream{}
	conn := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, replied <-chan struct{}) error {
		id := s.Headers().Get(corev1.PortForwardRequestIDHeader)
		mu.Lock()
		defer mu.Unlock()
		if s.Headers().Get(corev1.StreamType) == corev1.StreamTypeError {
			problems[id] = s
			return nil
		}
		port, err := strconv.Atoi(s.Headers().Get(corev1.PortHeader))
		problem := problems[id]
		if err != nil || problem == nil {
			return fmt.Errorf("stream %s: port %q without its pair: %w", id, s.Headers().Get(corev1.PortHeader), err)
		}
		go func() {
			<-replied
			if err := answer(pod, port, s); err != nil {
				_, _ = io.WriteString(problem, err.Error())
			}
			_ = problem.Close()
			_ = s.Close()
		}()
		return nil
	})
	if conn != nil {
		<-conn.CloseChan()
	}
}
