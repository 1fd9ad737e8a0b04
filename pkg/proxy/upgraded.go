package proxy

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// upgraded keeps the WebSockets that are open. A request is checked when it comes, but a WebSocket may stay for weeks, so
// it ends when the lines of its user change: whoever was removed, or whose password was, must not go on.
type upgraded struct {
	mu    sync.Mutex
	open  map[*holding]struct{}
	users *htpasswd.File // those in force
}

// holding is one of them.
type holding struct {
	user   string
	hashes []htpasswd.Hash // of the user when the request was let in
	end    context.CancelFunc
}

// hold returns a context that ends when the lines of user are not what they are in let, and at until, unless that is zero;
// and a function to be called when the connection has ended by itself.
func (u *upgraded) hold(ctx context.Context, user string, let *htpasswd.File, until time.Time) (context.Context, func()) {
	ctx, end := ending(ctx, until)
	h := &holding{user: user, hashes: let.Lookup(user), end: end}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open == nil {
		u.open = map[*holding]struct{}{}
	}
	u.open[h] = struct{}{}
	u.endIfChanged(h) // while the password was hashed
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

// change ends those whose users are not what they were.
func (u *upgraded) change(users *htpasswd.File) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.users = users
	for h := range u.open {
		u.endIfChanged(h)
	}
}

func (u *upgraded) endIfChanged(h *holding) {
	if u.users == nil || !slices.Equal(u.users.Lookup(h.user), h.hashes) {
		h.end()
	}
}
