package proxy

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// While one password replaces another, whoever came with either goes on, and the end of the old one ends what came with it
// and nothing else: sessions, and the WebSockets of sessions and of programs.
func TestOverlapOfPasswords(t *testing.T) {
	t.Parallel() // it waits more than it works
	g := startGate(t, startUpstream(t, echo), withPage(t))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	oldLine, newLine := string(g.users.watcher.State().Value.Bytes()), line(t, testUser, "new")
	users := func(text string) {
		t.Helper()
		loaded := func() int { return strings.Count(g.logs.String(), "users loaded") } // said when all of the gate goes by them
		before := loaded()
		writeFile(t, g.usersFile, text)
		waitFor(t, "the change", func() bool { return loaded() > before })
	}
	dial := func(name, value string) *websocket.Conn {
		t.Helper()
		c, _, err := websocket.Dial(ctx, g.url, &websocket.DialOptions{HTTPHeader: http.Header{name: {value}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.CloseNow() })
		return c
	}
	type visitor struct {
		*person
		sockets []*websocket.Conn
	}
	come := func(password string) visitor {
		t.Helper()
		v := visitor{person: newPerson(t, g, "")}
		if res, body := v.signIn(testUser, password); res.StatusCode != 200 {
			t.Fatalf("%s %s", res.Status, body)
		}
		v.sockets = append(v.sockets, dial("Cookie", "__Host-kauth="+v.cookies["__Host-kauth"]), dial("Authorization", basicOf(testUser, password)))
		return v
	}
	stays := func(what string, v visitor) {
		t.Helper()
		if res, _ := v.do("GET", "/x", ""); res.StatusCode == http.StatusSeeOther {
			t.Errorf("%s: signed out", what)
		}
		for i, c := range v.sockets {
			if err := c.Write(ctx, websocket.MessageText, []byte("x")); err != nil {
				t.Errorf("%s: WebSocket %d: %v", what, i, err)
				continue
			}
			if _, got, err := c.Read(ctx); err != nil || string(got) != "x" {
				t.Errorf("%s: WebSocket %d: %q, %v", what, i, got, err)
			}
		}
	}

	before := come(testPassword)
	users(newLine + oldLine)
	stays("the old password, after rotate", before)
	during, after := come(testPassword), come("new")
	users(oldLine + newLine)
	for what, v := range map[string]visitor{"before": before, "during": during, "new": after} {
		stays(what+", swapped", v)
	}
	users(newLine)
	stays("the new password, after expire", after)
	for what, v := range map[string]visitor{"before": before, "during": during} {
		if res, _ := v.do("GET", "/x", ""); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: still signed in after expire: %s", what, res.Status)
		}
		for i, c := range v.sockets {
			if _, _, err := c.Read(ctx); err == nil || ctx.Err() != nil {
				t.Errorf("%s: WebSocket %d stays open: %v", what, i, err)
			}
		}
	}
	if got := statusFor(t, g, testUser, testPassword); got != http.StatusUnauthorized {
		t.Errorf("the old password after expire: %d", got)
	}
}
