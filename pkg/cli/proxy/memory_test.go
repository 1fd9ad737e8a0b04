package proxy

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	const mib = 1 << 20
	for inUse, want := range map[int64]int64{0: 400, mib: 400, 3 * mib: 400, 4 * mib: 300, 8 * mib: 125, 14 * mib: 50, 28 * mib: 40, 1000 * mib: 40} {
		if got := pace(inUse); got != want {
			t.Errorf("%d MiB in use: %d %%, want %d", inUse/mib, got, want)
		}
	}
}

// The pace follows what is in use, up and down.
func TestCollectorIsPaced(t *testing.T) {
	t.Setenv("GOGC", "")
	was := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(was) })
	percent := func() uint64 {
		sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	reach := func(what string, ok func(uint64) bool) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); !ok(percent()); runtime.GC() {
			if time.Now().After(end) {
				t.Fatalf("%s: %d %%", what, percent())
			}
		}
	}
	paceCollector()
	reach("a small heap", func(p uint64) bool { return p > 200 })
	large := make([]byte, 64<<20)
	reach("a large heap", func(p uint64) bool { return p == leastShare })
	runtime.KeepAlive(large)
	reach("a small heap again", func(p uint64) bool { return p > 200 })
}
