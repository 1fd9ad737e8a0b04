package kauth

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
)

// large is the size of an input from which memory counts for more than the time to collect it.
const large = 16 << 20

// readAll reads r to its end. A file's size is asked for first; what comes through a pipe grows by doubling, a
// large one by a quarter, and what that leaves behind is given back at once.
func readAll(r io.Reader) ([]byte, error) {
	size := 1 << 20
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			size = int(info.Size()) + 1
		}
	}
	buf := make([]byte, 0, size)
	for {
		if len(buf) == cap(buf) {
			if cap(buf) < large {
				buf = slices.Grow(buf, cap(buf))
				continue
			}
			buf = slices.Grow(buf, cap(buf)/4)
			debug.FreeOSMemory()
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
	}
	if len(buf) > large {
		debug.SetGCPercent(20)
	}
	return buf, nil
}
