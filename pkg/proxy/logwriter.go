package proxy

import (
	"io"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	logFlushAfter = 200 * time.Millisecond
	logFlushSize  = 32 << 10
	logBacklog    = 1 << 20 // bytes that may wait for whoever reads the log
	logLastWait   = time.Second
)

// logWriter gathers log lines, because a system call a line would be a good part of what a request costs. A line is
// out within logFlushAfter, and at the end of the process. Nobody who writes a line ever waits for whoever reads the log:
// when a pipe is full and the backlog too, lines are dropped and counted, since a request is worth more than its line.
type logWriter struct {
	out     io.Writer
	dropped prometheus.Counter // may be nil
	lost    func(lines int)    // tells, when lines can be written again, how many were dropped

	mu      sync.Mutex
	buf     []byte // lines that wait
	spare   []byte // the buffer before, to be used again
	timer   *time.Timer
	armed   bool
	missing int           // lines dropped since lost was last called
	writing chan struct{} // closed when what is being written is out; nil: nothing is
}

// Write takes one line.
func (w *logWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.buf)+len(p) > logBacklog {
		w.missing++
		if w.dropped != nil {
			w.dropped.Inc()
		}
		return len(p), nil
	}
	w.buf = append(w.buf, p...)
	if len(w.buf) >= logFlushSize {
		w.start()
	} else if !w.armed {
		w.armed = true
		if w.timer == nil {
			w.timer = time.AfterFunc(logFlushAfter, w.flush)
		} else {
			w.timer.Reset(logFlushAfter)
		}
	}
	return len(p), nil
}

// flush has what is gathered written, without waiting for it.
func (w *logWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	w.start()
}

// Flush writes what is gathered, and waits for that for a while at most.
func (w *logWriter) Flush() {
	w.mu.Lock()
	w.start()
	writing := w.writing
	w.mu.Unlock()
	if writing == nil {
		return
	}
	patience := time.NewTimer(logLastWait)
	defer patience.Stop()
	select {
	case <-writing:
	case <-patience.C:
	}
}

// start sees to it that somebody writes. The lock is held.
func (w *logWriter) start() {
	if w.writing == nil && len(w.buf) > 0 {
		w.writing = make(chan struct{})
		go w.drain()
	}
}

// drain writes until nothing is left. There is nowhere to complain when that fails.
func (w *logWriter) drain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.buf) > 0 {
		lines := w.buf
		w.buf, w.spare = w.spare[:0], nil
		w.mu.Unlock()
		_, _ = w.out.Write(lines)
		w.mu.Lock()
		w.spare = lines[:0]
		if missing := w.missing; missing > 0 && w.lost != nil {
			w.missing = 0
			w.mu.Unlock()
			w.lost(missing)
			w.mu.Lock()
		}
	}
	close(w.writing)
	w.writing = nil
}

// atOnce writes through a logWriter without a delay, in the order of the lines gathered before.
type atOnce struct{ w *logWriter }

func (a atOnce) Write(p []byte) (int, error) {
	n, err := a.w.Write(p)
	a.w.flush()
	return n, err
}
