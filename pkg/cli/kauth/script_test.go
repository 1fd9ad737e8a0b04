package kauth

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

var update = flag.Bool("update", false, "rewrite the wanted output of the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"kauth": func() { os.Exit(Main(OS())) },
	})
}

// quick keeps the race detector from sleeping for a second at the end of each of the many programs that a script runs.
const quick = "atexit_sleep_ms=0"

// TestScripts runs the stories of testdata/script: one file is one story.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", quick)
			return nil
		},
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
			env.Setenv("GORACE", quick)
			env.Setenv("MANIFESTS", shared+"/manifests")
			return nil
		},
	})
}
