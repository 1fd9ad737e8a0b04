package proxy

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kauth-dev/kauth/pkg/auth"
)

// A WebSocket ends when its user's password changes or the user is removed, and not when other users change.
func TestWebSocketEndsWithItsUser(t *testing.T) {
	t.Parallel() // it waits more than it works
	g := startGate(t, startUpstream(t, echo), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	bobLine := line(t, "bob", "pw")
	users := g.users.watcher.State().Value
	writeFile(t, g.usersFile, string(users.Bytes())+bobLine)
	waitFor(t, "bob to be in force", func() bool { return g.users.snapshot().count == 2 })
	open := func(user, password string) *websocket.Conn {
		t.Helper()
		c, _, err := websocket.Dial(ctx, g.url, &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {basicOf(user, password)}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.CloseNow() })
		return c
	}
	alice, bob := open(testUser, testPassword), open("bob", "pw")
	writeFile(t, g.usersFile, line(t, testUser, "another")+bobLine)
	if _, _, err := alice.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("the WebSocket of a user whose password changed stays open: %v", err)
	}
	if err := bob.Write(ctx, websocket.MessageText, []byte("still here")); err != nil {
		t.Error(err)
	}
	if _, got, err := bob.Read(ctx); err != nil || string(got) != "still here" {
		t.Errorf("the WebSocket of another user: %q, %v", got, err)
	}
	writeFile(t, g.usersFile, line(t, testUser, "another"))
	if _, _, err := bob.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("the WebSocket of a user who was removed stays open: %v", err)
	}
	waitFor(t, "them to be forgotten", func() bool {
		g.users.upgraded.mu.Lock()
		defer g.users.upgraded.mu.Unlock()
		return len(g.users.upgraded.open) == 0
	})
}

// A line that went while its password was hashed, or while the request was on its way, lets no WebSocket stay.
func TestWebSocketOfALineThatIsGone(t *testing.T) {
	line := auth.LineOf(testUser, "x")
	for name, tt := range map[string]struct {
		in    auth.Line
		until time.Time
		ends  bool
	}{
		"there": {line, time.Time{}, false}, "there, in a session": {line, time.Now().Add(time.Hour), false},
		"gone": {auth.LineOf(testUser, "y"), time.Time{}, true}, "gone, in a session": {auth.Line{1}, time.Now().Add(time.Hour), true},
	} {
		u := upgraded{accepts: func(user string, l auth.Line) bool { return user == testUser && l == tt.in }}
		ctx, release := u.hold(t.Context(), auth.Decision{Identity: auth.Identity{User: testUser}, Line: line}, tt.until)
		if ended := ctx.Err() != nil; ended != tt.ends {
			t.Errorf("%s: ended is %v", name, ended)
		}
		release()
		if ctx.Err() == nil || len(u.open) != 0 {
			t.Errorf("%s: is kept after its end", name)
		}
	}
}
