package kauth

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

var update = flag.Bool("update", false, "rewrite the wanted output of the scripts")

// scratch is removed when the package's tests are done.
var scratch string

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, &scratch, nil)) }

// build builds the program that the scripts run, as users have it: without the race detector, with which its 400 starts would take
// three times as long. It has one thread; what calls Main in this process is watched.
var build = sync.OnceValues(func() (string, error) {
	if out, err := exec.Command("go", "build", "-o", filepath.Join(scratch, "kauth"), "../../../cmd/kauth").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return scratch, nil
})

// findProgram lets a script find the program first.
func findProgram(env *testscript.Env) error {
	dir, err := build()
	env.Setenv("PATH", dir+string(filepath.ListSeparator)+env.Getenv("PATH"))
	return err
}

// TestScripts runs the stories of testdata/script: one file is one story.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               findProgram,
	})
}

// TestCharts runs the stories of testdata/charts, which feed real charts from outside the tree.
func TestCharts(t *testing.T) {
	shared := testenv.Shared(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/charts",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("MANIFESTS", shared+"/manifests")
			return findProgram(env)
		},
	})
}
