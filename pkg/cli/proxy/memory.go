package proxy

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// limitMemory makes the garbage collector work harder before the container's memory limit is reached, rather than let the
// kernel end the process. GOMEMLIMIT, where it is set, wins; without a limit there is nothing to do. The number of
// threads follows the CPU limit by itself since Go 1.25.
func limitMemory() {
	_, _ = memlimit.Set(memlimit.WithRatio(0.85)) // some of it is the kernel's and the program's own text
}

// How much may be allocated before the garbage collector comes again: Go's rule, as much as is in use, brings it to a small heap
// so often that it takes a sixth of the CPU time of a request, and lets a large one grow to twice its size (docs/performance.md).
const (
	headroom   = 14 << 20 // bytes with nothing in use, and half a byte less for each that is
	leastShare = 40       // percent of what is in use, at least
	mostShare  = 400      // with which Go lets the heap grow to 16 MiB, however little is in use
)

// paceCollector makes the collector keep to that, after each of its rounds. GOGC, where it is set, wins.
func paceCollector() {
	if os.Getenv("GOGC") == "" {
		setPace(0)
	}
}

// setPace sets the collector's percentage for what is in use now, unless it is about what it was, and comes back
// after the next round.
func setPace(was int64) {
	inUse := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(inUse)
	percent := pace(int64(inUse[0].Value.Uint64() + inUse[1].Value.Uint64()))
	if percent*10 < was*9 || percent*10 > was*11 { // setting it stops the world for a moment
		debug.SetGCPercent(int(percent))
		was = percent
	}
	// What nothing refers to is found in the next round.
	runtime.AddCleanup(new([64]byte), setPace, was)
}

// pace returns the percentage for so many bytes in use.
func pace(inUse int64) int64 {
	return min(max((headroom-inUse/2)*100/max(inUse, 1), leastShare), mostShare)
}
