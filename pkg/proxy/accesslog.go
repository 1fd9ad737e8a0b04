package proxy

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

const (
	logFlushAfter = 200 * time.Millisecond
	logFlushSize  = 32 << 10
	longestPath   = 1024 // of a path in the log
)

// logWriter gathers access lines, because a system call a line would be a good part of what a request costs. A line
// is out within logFlushAfter, and at the end of the process.
type logWriter struct {
	mu    sync.Mutex
	out   io.Writer
	buf   []byte
	timer *time.Timer
	armed bool
}

func (w *logWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = append(w.buf, p...)
	if len(w.buf) >= logFlushSize {
		w.flush()
		return len(p), nil
	}
	if !w.armed {
		w.armed = true
		if w.timer == nil {
			w.timer = time.AfterFunc(logFlushAfter, w.Flush)
		} else {
			w.timer.Reset(logFlushAfter)
		}
	}
	return len(p), nil
}

// Flush writes what is gathered. There is nowhere to complain when that fails.
func (w *logWriter) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	w.flush()
}

func (w *logWriter) flush() {
	if len(w.buf) > 0 {
		_, _ = w.out.Write(w.buf)
		w.buf = w.buf[:0]
	}
}

// atOnce writes through a logWriter without waiting, in the order of the lines gathered before.
type atOnce struct{ w *logWriter }

func (a atOnce) Write(p []byte) (int, error) {
	n, err := a.w.Write(p)
	a.w.Flush()
	return n, err
}

// newLoggers returns the logger of requests, whose lines may wait a moment, and that of events, whose lines do not.
func newLoggers(cfg gateconf.Config, w *logWriter) (access, events *slog.Logger) {
	build := func(w io.Writer) *slog.Logger {
		if cfg.LogFormat == "text" {
			return slog.New(slog.NewTextHandler(w, nil))
		}
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return build(w), build(atOnce{w})
}

// logRequest writes the line of one request. It holds no query and no header: both may carry secrets.
func logRequest(log *slog.Logger, e *exchange, r *http.Request) {
	path := r.URL.EscapedPath()
	if len(path) > longestPath {
		path = path[:longestPath]
	}
	var attrs [10]slog.Attr
	list := append(attrs[:0],
		slog.String("method", r.Method),
		slog.String("path", path),
		slog.Int("status", e.status),
		slog.String("outcome", e.outcome.String()),
		slog.Float64("seconds", float64(time.Since(e.start).Microseconds())/1e6),
		slog.Int64("bytes", e.bytes),
		slog.String("client", e.client.String()),
	)
	if e.identity.User != "" {
		list = append(list, slog.String("check", e.identity.Check), slog.String("user", e.identity.User))
	}
	if e.reason != "" {
		list = append(list, slog.String("reason", e.reason))
	}
	log.LogAttrs(context.Background(), slog.LevelInfo, "request", list...)
}
