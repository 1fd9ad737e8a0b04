package basicauth

import (
	"context"
	"flag"
	"os"
	"path/filepath"
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
var shared testenv.SharedServer

func TestMain(m *testing.M) {
	//nolint:staticcheck // Main wants functions that call os.Exit, which this module's tests forbid
	testscript.RunMain(withServer{m}, map[string]func() int{program: run, completer: run})
}

// run is the main function of cmd/kubectl-basicauth.
func run() int {
	clock := time.Now
	if now, err := time.Parse(time.RFC3339, os.Getenv("NOW")); err == nil {
		clock = func() time.Time { return now }
	}
	return mainAt(Signals(), Args(os.Args), genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}, clock)
}

type withServer struct{ *testing.M }

func (m withServer) Run() int { return shared.Main(m.M) }

func server(t testing.TB) *testenv.Server {
	t.Helper()
	return shared.Server(t)
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
	kube := testenv.Tool(t, "kube")
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
			if err := os.Symlink(kube, filepath.Join(bin, "kubectl")); err != nil {
				return err
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
