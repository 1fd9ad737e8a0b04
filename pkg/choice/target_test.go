package choice_test

import (
	"testing"

	"github.com/kauth-dev/kauth/pkg/choice"
)

func TestParseTarget(t *testing.T) {
	for _, good := range []string{"Deployment/d", "deploy/d:web", "sts/d.e:9090", "Prometheus/p:0x1"} {
		got, err := choice.ParseTarget(good)
		if err != nil || got.String() != good {
			t.Errorf("%q: %q, %v", good, got, err)
		}
	}
	for _, bad := range []string{"", "d", "/d", "deploy/", "deploy/d:", "deploy/n/d", "deploy/d:0", "deploy/d:65536"} {
		if got, err := choice.ParseTarget(bad); err == nil {
			t.Errorf("%q: %q, want an error", bad, got)
		}
	}
}
