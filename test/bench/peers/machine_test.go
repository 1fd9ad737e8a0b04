package peers

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// others returns the CPU time that the machine has spent so far on anything but the gate, the upstreams and this process.
func (l *lab) others(gate *process) time.Duration {
	text, _ := os.ReadFile("/proc/stat") // absent: the difference is zero
	line, _, _ := strings.Cut(string(text), "\n")
	var ticks int64
	for i, field := range strings.Fields(line) {
		if i == 0 || i == 4 || i == 5 || i > 8 { // its name, idle, waiting for disks, guests: counted before
			continue
		}
		n, _ := strconv.ParseInt(field, 10, 64)
		ticks += n
	}
	busy := time.Duration(ticks)*10*time.Millisecond - gate.cpu()
	for _, p := range l.programs {
		busy -= p.cpu()
	}
	var self syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &self) == nil {
		busy -= time.Duration(self.Utime.Nano() + self.Stime.Nano())
	}
	return busy
}
