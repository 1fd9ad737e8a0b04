package proxy

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

const longestPath = 1024 // of a path in the log

// newLoggers returns the logger of requests, whose lines may wait a moment, and that of events, whose lines do not.
func newLoggers(cfg gateconf.Config, w *logWriter) (access, events *slog.Logger) {
	build := func(w io.Writer) *slog.Logger {
		if cfg.LogFormat == "text" {
			return slog.New(slog.NewTextHandler(w, nil))
		}
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	access, events = build(w), build(atOnce{w})
	w.lost = func(lines int) { events.Warn("log lines lost, because nobody reads the log", "lines", lines) }
	return access, events
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
