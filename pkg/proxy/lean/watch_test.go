package lean

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
)

// A watched is a context that counts who waits for its end.
type watched struct {
	context.Context
	by atomic.Int64
}

func (w *watched) AfterFunc(f func()) func() bool {
	w.by.Add(1)
	stop := context.AfterFunc(w.Context, f)
	return func() bool {
		stopped := stop()
		if stopped {
			w.by.Add(-1)
		}
		return stopped
	}
}

// Value hides the context within, which would be watched directly.
func (*watched) Value(any) any { return nil }

// A context may live much longer than the requests made with it.
func TestNobodyWatchesAfterTheEnd(t *testing.T) {
	for name, said := range sayings {
		u := newUpstream(t, func(p *peer) {
			if _, came := p.request(); came {
				p.say(said)
				_ = p.CloseWrite()
				p.gone()
			}
		})
		l := u.lean()
		ctx := &watched{Context: t.Context()}
		ask(l, request(t, http.MethodGet).WithContext(ctx))
		l.CloseIdleConnections()
		if n := ctx.by.Load(); n != 0 {
			t.Errorf("%s: %d watch the context", name, n)
		}
	}
}
