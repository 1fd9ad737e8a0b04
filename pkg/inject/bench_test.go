package inject

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// BenchmarkRun gates kube-prometheus-stack as Helm renders it, once and repeated under other namespaces; growth must be
// linear.
func BenchmarkRun(b *testing.B) {
	one, err := os.ReadFile(filepath.Join(testenv.Shared(b), "manifests/kube-prometheus-stack/alb.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	for _, times := range []int{1, 10, 100} {
		var in []byte
		for i := range times {
			in = append(in, bytes.ReplaceAll(one, []byte("namespace: monitoring\n"), fmt.Appendf(nil, "namespace: monitoring-%d\n", i))...)
		}
		b.Run(fmt.Sprintf("alb-x%d", times), func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Run(in, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
