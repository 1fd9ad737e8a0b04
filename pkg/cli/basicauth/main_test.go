package basicauth

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

var update = flag.Bool("update", false, "rewrite the wanted sections of the scripts")

// One API server serves all tests of the package; each has a namespace of its own, named after it.
var shared struct {
	sync.Once
	dir    string
	server *testenv.Server
	err    error
}

func TestMain(m *testing.M) {
	//nolint:staticcheck // Main wants functions that call os.Exit, which this module's tests forbid
	testscript.RunMain(withServer{m}, map[string]func() int{program: run, completer: run})
}

// run is the main function of cmd/kubectl-basicauth.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	clock := time.Now
	if now, err := time.Parse(time.RFC3339, os.Getenv("NOW")); err == nil {
		clock = func() time.Time { return now }
	}
	return mainAt(ctx, Args(os.Args), genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}, clock)
}

type withServer struct{ *testing.M }

func (m withServer) Run() int {
	dir, err := os.MkdirTemp("", "basicauth")
	if err != nil {
		panic(err)
	}
	shared.dir = dir
	defer func() { _ = os.RemoveAll(dir) }()
	defer func() {
		if shared.server != nil {
			shared.server.Stop()
		}
	}()
	return m.M.Run()
}

func server(t testing.TB) *testenv.Server {
	t.Helper()
	testenv.Tool(t, "kube")
	shared.Do(func() { shared.server, shared.err = testenv.StartAPIServer(shared.dir) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

// kubeconfig writes a kubeconfig of the administrator to path, whose namespace is made with that name.
func kubeconfig(s *testenv.Server, path, namespace string) error {
	client, err := kubernetes.NewForConfig(s.Config)
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Namespaces().Create(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	config, err := clientcmd.LoadFromFile(s.Kubeconfig)
	if err != nil {
		return err
	}
	config.Contexts[config.CurrentContext].Namespace = namespace
	return clientcmd.WriteToFile(*config, path)
}

// ownConfig writes such a kubeconfig for a test.
func ownConfig(t *testing.T, namespace string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := kubeconfig(server(t), path, namespace); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestScripts(t *testing.T) {
	s := server(t)
	kube, programs := testenv.Tool(t, "kube"), unwatched(t)
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			bin := filepath.Join(env.WorkDir, ".bin")
			if err := os.Mkdir(bin, 0o700); err != nil {
				return err
			}
			for name, to := range map[string]string{"kubectl": kube, program: filepath.Join(programs, program), completer: filepath.Join(programs, completer)} {
				if err := os.Symlink(to, filepath.Join(bin, name)); err != nil {
					return err
				}
			}
			env.Setenv("PATH", bin+string(filepath.ListSeparator)+env.Getenv("PATH"))
			env.Setenv("KUBECONFIG", filepath.Join(env.WorkDir, ".kubeconfig"))
			env.Setenv("NOW", "2026-01-02T03:04:05Z") // the clock of users; scripts set it
			env.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector sleeps a second at the end of each program else
			name := filepath.Base(env.WorkDir)[len("script-"):]
			return kubeconfig(s, env.Getenv("KUBECONFIG"), name)
		},
	})
}
