package basic

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime is how much of a core the calling thread has used since it began, to the nanosecond; getrusage(2) may count
// in ticks.
func threadTime() (time.Duration, bool) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now); err != nil {
		return 0, false
	}
	return time.Duration(now.Nano()), true
}
