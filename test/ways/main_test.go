package ways

import (
	"os"
	"runtime/debug"
	"testing"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // thousands of small streams, each thrown away at once: a third of the time went to the collector
	os.Exit(m.Run())
}
