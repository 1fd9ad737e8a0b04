package proxy

import (
	"net/http"
	"sync/atomic"
	"testing"
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

// startWays runs a gate that goes the short ways where it can, in and out, and one that never does.
func startWays(t testing.TB, upstream string, change func(*Server)) []way {
	t.Helper()
	ways := []way{{name: "short"}, {name: "reverse"}}
	for i := range ways {
		ways[i].byReverse = &atomic.Int64{}
		ways[i].runningGate = startGateWith(t, upstream, nil, nil, func(s *Server) {
			f := s.gate.forward.(*forwarder)
			if i == 1 {
				f.short, s.plain = nil, true
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
