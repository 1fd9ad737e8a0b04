// Command web is the application of the lab's charts that has no login of its own: it answers every request with what it
// saw of it. It ends the way a well-made application does: after SIGTERM it serves on until routes have been withdrawn.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(1)
	}
}

func run() error {
	addr := flag.String("listen", ":8080", "address to listen on")
	version := flag.String("version", "1", "what /version answers")
	linger := flag.Duration("linger", 5*time.Second, "how long to serve on after SIGTERM")
	once := flag.Duration("for", 0, "end by itself after so long, as a job does")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if *once > 0 {
		ctx, stop = context.WithTimeout(ctx, *once)
		defer stop()
	}
	server := &http.Server{Addr: *addr, Handler: handler(*version), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	if *once == 0 {
		time.Sleep(*linger)
	}
	return server.Shutdown(context.Background())
}

// handler answers /healthz, /version, /crash, which ends the process at once, /slow?for=3s after so long, /busy with how
// many of those are under way, and everything else with the request.
func handler(version string) http.Handler {
	mux := http.NewServeMux()
	var busy atomic.Int32
	mux.HandleFunc("/busy", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, busy.Load()) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		d, err := time.ParseDuration(r.URL.Query().Get("for"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		busy.Add(1)
		defer busy.Add(-1)
		time.Sleep(d)
		_, _ = fmt.Fprintln(w, "done")
	})
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/version", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, version) })
	mux.HandleFunc("/end", func(http.ResponseWriter, *http.Request) { os.Exit(0) })
	mux.HandleFunc("/crash", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		host, _ := os.Hostname() // the pod's name
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"pod": host, "path": r.URL.Path, "host": r.Host, "header": r.Header})
	})
	return mux
}
