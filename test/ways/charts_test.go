package ways

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/choice"
	"github.com/kauth-dev/kauth/pkg/inject"
	"github.com/kauth-dev/kauth/pkg/testenv"
)

// Charts of real projects, gated by default or by name.
func TestCharts(t *testing.T) {
	charts, err := filepath.Glob(filepath.Join(testenv.Shared(t), "manifests/*/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	gated, moved := 0, 0
	for _, chart := range charts {
		if strings.HasSuffix(chart, ".values.yaml") {
			continue
		}
		in, err := os.ReadFile(chart)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Read(in)
		if err != nil {
			t.Fatal(err)
		}
		w := Resolve(s, "elsewhere")
		var o inject.Options
		for _, name := range []string{"Deployment/grafana", "Deployment/headlamp", "StatefulSet/pushgateway-prometheus-pushgateway"} {
			for _, p := range w.Pods {
				if kind, n, _ := strings.Cut(name, "/"); p.Workload.Kind == kind && p.Workload.Name == n {
					target, err := choice.ParseTarget(name)
					if err != nil {
						t.Fatal(err)
					}
					o.Targets = append(o.Targets, target)
				}
			}
		}
		t.Run(strings.TrimSuffix(filepath.Base(filepath.Dir(chart))+"/"+filepath.Base(chart), ".yaml"), func(t *testing.T) {
			got, wrong := judge(in, o)
			for _, line := range wrong {
				t.Error(line)
			}
			if got.Out == nil {
				t.Errorf("refused: %v", got.Refused)
			}
			gated += got.Gates
			moved += len(w.Ways)
			t.Logf("%d gates, %d ways, %d loose", got.Gates, len(w.Ways), len(w.Loose))
			for _, way := range w.Ways {
				t.Log(way)
			}
		})
	}
	if gated < 10 || moved < 10 {
		t.Errorf("%d gates and %d ways in all charts", gated, moved)
	}
}
