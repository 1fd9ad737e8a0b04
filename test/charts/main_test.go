package charts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// scratch is removed when the package's tests are done.
var scratch string

func TestMain(m *testing.M) {
	os.Exit(testenv.Main(m, &scratch, func() {
		if server != nil {
			server.Stop()
		}
	}))
}

// kauth builds the program once.
var kauth = sync.OnceValues(func() (string, error) {
	root, err := testenv.Root()
	if err != nil {
		return "", err
	}
	program := filepath.Join(scratch, "kauth")
	cmd := exec.Command("go", "build", "-o", program, "./cmd/kauth")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
})

// program returns the path of a kauth built from the tree.
func program(t *testing.T) string {
	t.Helper()
	path, err := kauth()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// One API server serves all tests of the package, which store nothing in it but schemas and namespaces.
var (
	server      *testenv.Server
	startServer = sync.OnceValue(func() (err error) {
		server, err = testenv.StartAPIServer(scratch)
		return err
	})
	once sync.Once
)

// A kubectl is the real one, as administrator of one API server.
type kubectl struct{ kube, kubeconfig string }

// newCluster returns the administrator of the API server, which knows the schemas of ../shared/crds.
func newCluster(t *testing.T) kubectl {
	t.Helper()
	k := kubectl{kube: testenv.Tool(t, "kube")}
	crds := filepath.Join(testenv.Shared(t), "crds")
	if err := startServer(); err != nil {
		t.Fatal(err)
	}
	k.kubeconfig = server.Kubeconfig
	once.Do(func() { k.run(t, nil, "apply", "--server-side", "-R", "-f", crds) })
	return k
}
