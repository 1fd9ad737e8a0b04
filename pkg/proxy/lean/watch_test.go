package lean

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
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

// The watch begins only when an answer keeps its caller waiting. A caller who leaves then is noticed at once, and earlier ones
// by then.
func TestWatchOfASlowAnswer(t *testing.T) {
	for _, tt := range []struct {
		name  string
		said  string // before the upstream falls silent
		after time.Duration
	}{
		{"no answer, left at once", "", time.Millisecond},
		{"no answer, left later", "", 3 * grace},
		{"half a header", "HTTP/1.1 200 OK\r\nContent-", 3 * grace},
		{"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", 3 * grace},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t, func(p *peer) {
				_, _ = p.request()
				p.say(tt.said)
				p.gone()
			})
			ctx, cancel := context.WithCancel(t.Context())
			seen := &watched{Context: ctx}
			time.AfterFunc(tt.after, cancel)
			l, start := u.lean(), time.Now()
			res, err := l.RoundTrip(request(t, http.MethodGet).WithContext(seen))
			if err == nil {
				_, err = io.ReadAll(res.Body)
			}
			if took := time.Since(start); !errors.Is(err, context.Canceled) || took > tt.after+patience/2 {
				t.Errorf("%v after %v", err, took)
			}
			if l.idling() != 0 {
				t.Error("the connection is kept")
			}
			u.allGone()
		})
	}
}

// An answer that comes after the watch began leaves a connection of use, and nobody who watches.
func TestWatchEndsWithTheAnswer(t *testing.T) {
	u := newUpstream(t, func(p *peer) {
		for {
			if _, came := p.request(); !came {
				return
			}
			<-time.After(3 * grace)
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
			<-time.After(3 * grace)
			p.say("ok")
		}
	})
	l := u.lean()
	for range 3 {
		ctx := &watched{Context: t.Context()}
		res, err := l.RoundTrip(request(t, http.MethodGet).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		if n := ctx.by.Load(); n != 1 {
			t.Errorf("%d watch a slow answer", n)
		}
		if got, err := io.ReadAll(res.Body); string(got) != "ok" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if n := ctx.by.Load(); n != 0 || l.idling() != 1 || u.dialled() != 1 {
			t.Errorf("%d watch the context, %d idle of %d connections", n, l.idling(), u.dialled())
		}
	}
}

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
