package proxy

import (
	"context"
	"sync"
	"time"

	"github.com/kauth-dev/kauth/pkg/auth"
)

// upgraded keeps the WebSockets that are open. A request is checked when it comes, but a WebSocket may stay for weeks, so
// it ends when the line that let it in is gone: whoever was removed, or whose password was, must not go on. A second password
// beside the first, while one replaces the other, ends none.
type upgraded struct {
	accepts func(user string, line auth.Line) bool // the line is in force

	mu   sync.Mutex
	open map[*holding]struct{}
}

// holding is one of them.
type holding struct {
	user string
	line auth.Line // that let it in
	end  context.CancelFunc
}

// hold returns a context that ends when the line by which d lets a request in is in force no more, and at until, unless that
// is zero; and a function to be called when the connection has ended by itself.
func (u *upgraded) hold(ctx context.Context, d auth.Decision, until time.Time) (context.Context, func()) {
	ctx, end := ending(ctx, until)
	h := &holding{user: d.Identity.User, line: d.Line, end: end}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open == nil {
		u.open = map[*holding]struct{}{}
	}
	u.open[h] = struct{}{}
	u.endIfGone(h) // since the password was hashed
	return ctx, func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.open, h)
		end()
	}
}

func ending(ctx context.Context, until time.Time) (context.Context, context.CancelFunc) {
	if until.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, until)
}

// change ends those whose line is in force no more. It is called after each change of the users.
func (u *upgraded) change() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for h := range u.open {
		u.endIfGone(h)
	}
}

func (u *upgraded) endIfGone(h *holding) {
	if !u.accepts(h.user, h.line) {
		h.end()
	}
}
