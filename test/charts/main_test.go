package charts

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// One API server serves all tests of the package, which store nothing in it but schemas and namespaces.
var shared testenv.SharedServer

func TestMain(m *testing.M) { os.Exit(shared.Main(m)) }

// kauth builds the program once.
var kauth = sync.OnceValue(func() error { return testenv.Build(context.Background(), shared.Dir(), "./cmd/kauth") })

// program returns the path of a kauth built from the tree.
func program(t *testing.T) string {
	t.Helper()
	if err := kauth(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(shared.Dir(), "kauth")
}

// A kubectl is the real one, as administrator of one API server.
type kubectl struct{ kube, kubeconfig string }

var schemas sync.Once

// newCluster returns the administrator of the API server, which knows the schemas of ../shared/crds.
func newCluster(t *testing.T) kubectl {
	t.Helper()
	k := kubectl{kube: testenv.Tool(t, "kube"), kubeconfig: shared.Server(t).Kubeconfig}
	crds := filepath.Join(testenv.Shared(t), "crds")
	schemas.Do(func() { k.run(t, nil, "apply", "--server-side", "-R", "-f", crds) })
	return k
}
