package proxy

import (
	"context"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

// A way is how a request without a body gets to the upstream.
type way struct {
	name string
	*runningGate
	byReverse *atomic.Int64 // requests that ReverseProxy had
}

// letGo closes the connections to the upstream that nobody uses.
func (g *runningGate) letGo() {
	g.upstream.transport.CloseIdleConnections()
	if short := g.gate.forward.(*forwarder).short; short != nil {
		short.CloseIdleConnections()
	}
}

// startWays runs a gate that goes the short way where it can, and one that never does.
func startWays(t testing.TB, upstream string, change func(*Server)) []way {
	t.Helper()
	ways := []way{{name: "short"}, {name: "reverse"}}
	for i := range ways {
		ways[i].byReverse = &atomic.Int64{}
		ways[i].runningGate = startChanged(t, upstream, func(s *Server) {
			f := s.gate.forward.(*forwarder)
			if i == 1 {
				f.short = nil
			}
			reverse, n := f.reverse, ways[i].byReverse
			f.reverse = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n.Add(1); reverse.ServeHTTP(w, r) })
			if change != nil {
				change(s)
			}
		})
	}
	return ways
}

// startChanged is startGate, with a change to what New made.
func startChanged(t testing.TB, upstream string, change func(*Server)) *runningGate {
	t.Helper()
	return startConfigured(t, upstream, nil, change)
}

// startConfigured is both.
func startConfigured(t testing.TB, upstream string, configure func(*gateconf.Config), change func(*Server)) *runningGate {
	t.Helper()
	cfg := gateconf.Defaults()
	cfg.Listen, cfg.AdminListen = "127.0.0.1:0", "127.0.0.1:00"
	cfg.Upstream, cfg.UsersFile = upstream, filepath.Join(t.TempDir(), "auth")
	cfg.ShutdownDelay, cfg.ShutdownTimeout = 0, 5*time.Second
	writeFile(t, cfg.UsersFile, line(t, testUser, testPassword))
	if configure != nil {
		configure(&cfg)
	}
	g := &runningGate{usersFile: cfg.UsersFile, logs: &lockedBuffer{}, ended: make(chan error, 1)}
	s, err := New(cfg, Options{Log: g.logs})
	if err != nil {
		t.Fatal(err)
	}
	change(s)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	g.Server, g.stop, g.url, g.admin = s, stop, "http://"+s.Addr(), "http://"+s.AdminAddr()
	go func() { g.ended <- s.Serve(ctx); close(g.ended) }()
	t.Cleanup(func() {
		stop()
		for range g.ended {
		}
	})
	waitFor(t, "the gate to serve", s.gate.serving.Load)
	return g
}
