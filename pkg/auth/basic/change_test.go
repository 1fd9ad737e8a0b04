package basic

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// TestUsersChangeWhileHashing: an attempt that is being hashed is judged by the lines of the moment it ends.
func TestUsersChangeWhileHashing(t *testing.T) {
	oldLine, newLine := "ann:{SHA}"+sha1Of("old")+"\n", "ann:{SHA}"+sha1Of("new")+"\n"
	for _, tc := range []struct {
		password, after, reason string
		took                    time.Duration // at least
	}{
		{"old", newLine, ReasonWrongPassword, 2 * hashTime},
		{"new", newLine, ReasonVerified, 2 * hashTime},
		{"old", oldLine + "bob:{SHA}" + sha1Of("x"), ReasonVerified, hashTime},
		{"old", "bob:{SHA}" + sha1Of("x"), ReasonUnknownUser, 2 * hashTime},
		{"old", "", ReasonNoUsers, hashTime},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSlow(t, Options{}, "nobody")
			s.SetUsers(htpasswd.Parse([]byte(oldLine)))
			time.AfterFunc(hashTime/2, func() { s.SetUsers(htpasswd.Parse([]byte(tc.after))) })
			d, took := s.try("a", "ann", tc.password)
			if d.Reason != tc.reason || took < tc.took {
				t.Errorf("%s, then %q: %s after %s, want %s", tc.password, tc.after, d.Reason, took, tc.reason)
			}
			s.SetUsers(htpasswd.Parse([]byte(oldLine)))
			d, _ = s.try("b", "ann", "old")
			if unchanged := strings.HasPrefix(tc.after, oldLine); (d.Reason == ReasonRemembered) != unchanged {
				t.Errorf("%q and back: %s", tc.after, d.Reason)
			}
		})
	}
}

// TestRaces lets readers and writers loose on one Check, with real hashes; -race looks on.
func TestRaces(t *testing.T) {
	ann, bob := hashed(t, "ann", "a"), hashed(t, "bob", "b")
	c := New(Options{TTL: time.Millisecond, Queue: 4})
	files := []*htpasswd.File{
		htpasswd.Parse([]byte(ann + bob)), htpasswd.Parse([]byte(ann)), htpasswd.Parse([]byte(ann + hashed(t, "bob", "b2"))),
	}
	c.SetUsers(files[0])
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				c.SetUsers(files[i%len(files)])
			}
		}
	})
	var readers sync.WaitGroup
	for i := range 8 {
		readers.Go(func() {
			for n := range 200 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(n%5)*time.Millisecond)
				r := from(ctx, fmt.Sprint(i%3), []string{"ann", "bob", "cy"}[n%3], []string{"a", "b", "x"}[(n+i)%3])
				if d := decide(t, c, r); d.Outcome == auth.Allow && d.Identity.User == "cy" {
					t.Error("a user who never was")
				}
				cancel()
			}
		})
	}
	readers.Wait()
	close(stop)
	wg.Wait()
}
