package testenv

import (
	"context"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kauth-dev/kauth/pkg/testenv/pki"
	"github.com/kauth-dev/kauth/pkg/testenv/process"
)

// startTimeout bounds one start. It takes four seconds on an idle machine.
const startTimeout = 2 * time.Minute

// A Server is a real kube-apiserver on a real etcd, both of this process alone, on loopback. RBAC decides who may do
// what. No controller runs: nothing makes pods, and a namespace that is deleted stays.
type Server struct {
	URL        string       // https://127.0.0.1:PORT
	Kubeconfig string       // file; its user is in system:masters
	Config     *rest.Config // the same user; copy it before changing it

	dir       string
	authority *pki.Authority
	processes []*process.Process
}

// APIServer starts a Server that ends with the test. It skips, or fails, as Tool does when there is no "kube".
func APIServer(tb testing.TB) *Server {
	tb.Helper()
	Tool(tb, "kube")
	s, err := StartAPIServer(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Stop)
	return s
}

// StartAPIServer starts a Server that keeps its files in dir, for a TestMain that shares one among a package's tests.
// It returns when the server is ready. The caller must Stop it; should the caller be killed, the server dies too.
func StartAPIServer(dir string) (*Server, error) {
	kube, err := FindTool("kube")
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		s := &Server{dir: dir}
		err := s.start(kube)
		if err == nil {
			return s, nil
		}
		s.Stop()
		// Between the choice of a free port and its use, another process may take it.
		if attempt == 3 || !errors.Is(err, process.ErrPortTaken) {
			return nil, fmt.Errorf("API server: %w", err)
		}
	}
}

// Stop ends the server and its etcd at once. What was stored is gone with them.
func (s *Server) Stop() {
	for _, p := range slices.Backward(s.processes) { // the API server before its etcd
		p.Kill()
	}
	s.processes = nil
}

// KubeconfigFor writes a kubeconfig whose client certificate says that its user is in the given groups, and returns
// the file's path. A user without groups may do what RBAC grants to it by name or to system:authenticated.
func (s *Server) KubeconfigFor(tb testing.TB, user string, groups ...string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), filepath.Base(user)+".kubeconfig")
	if err := s.authority.WriteKubeconfig(path, s.URL, user, groups...); err != nil {
		tb.Fatal(err)
	}
	return path
}

// CreateNamespace makes a namespace with a name of its own and returns that.
func (s *Server) CreateNamespace(tb testing.TB) string {
	tb.Helper()
	client, err := kubernetes.NewForConfig(s.Config)
	if err != nil {
		tb.Fatal(err)
	}
	ns, err := client.CoreV1().Namespaces().Create(context.Background(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return ns.Name
}

func (s *Server) start(kube string) error {
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(s.dir, "etcd")); err != nil { // of an attempt before
		return err
	}
	s.URL = "https://127.0.0.1:" + ports[2]
	if err := s.writeKeys(); err != nil {
		return err
	}
	client, peer := "http://127.0.0.1:"+ports[0], "http://127.0.0.1:"+ports[1]
	for _, args := range [][]string{
		{
			"etcd",
			"--data-dir=" + s.path("etcd"), "--unsafe-no-fsync", "--log-level=warn",
			"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
			"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=default=" + peer,
		},
		{
			"kube-apiserver",
			"--etcd-servers=" + client, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + ports[2],
			"--tls-cert-file=" + s.path("server.crt"), "--tls-private-key-file=" + s.path("server.key"), "--client-ca-file=" + s.path("ca.crt"),
			"--service-account-key-file=" + s.path("server.crt"), "--service-account-signing-key-file=" + s.path("server.key"),
			"--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.96.0.0/16",
			"--authorization-mode=RBAC", "--allow-privileged=true", "--profiling=false",
			// Without a controller manager there are no ServiceAccounts, and with this plugin no bare pods either.
			"--disable-admission-plugins=ServiceAccount",
		},
	} {
		p, err := process.Start(s.path(args[0]+".log"), kube, args...)
		if err != nil {
			return err
		}
		s.processes = append(s.processes, p)
	}
	return s.waitReady()
}

func (s *Server) waitReady() error {
	client, err := kubernetes.NewForConfig(s.Config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		_, err := client.RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if err == nil {
			return nil
		}
		for _, p := range s.processes {
			if p.Exited() {
				return p.Failure()
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not ready after %s: %w", s.URL, startTimeout, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

// writeKeys makes the authority, the server's certificate, whose key also signs ServiceAccount tokens, and the
// administrator's kubeconfig.
func (s *Server) writeKeys() error {
	var err error
	if s.authority, err = pki.NewAuthority(); err != nil {
		return err
	}
	server, err := s.authority.Issue(pkix.Name{CommonName: "kube-apiserver"},
		"127.0.0.1", "10.96.0.1", "localhost", "kubernetes.default.svc")
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{"ca.crt": s.authority.PEM, "server.crt": server.Cert, "server.key": server.Key} {
		if err := os.WriteFile(s.path(name), data, 0o600); err != nil {
			return err
		}
	}
	s.Kubeconfig = s.path("admin.kubeconfig")
	if err := s.authority.WriteKubeconfig(s.Kubeconfig, s.URL, "admin", "system:masters"); err != nil {
		return err
	}
	s.Config, err = clientcmd.BuildConfigFromFlags("", s.Kubeconfig)
	if err != nil {
		return err
	}
	s.Config.QPS = -1 // no rate limit on this side: the tests mean to press the server
	return nil
}

// freePorts returns n different ports of loopback that nobody listened on a moment ago.
func freePorts(n int) ([]string, error) {
	ports := make([]string, n)
	for i := range ports {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // all stay open until the last is chosen, so that they differ
		ports[i] = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
