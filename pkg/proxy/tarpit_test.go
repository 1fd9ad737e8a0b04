package proxy

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestTarpit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pit tarpit
		start := time.Now()
		ended, end := context.WithCancel(t.Context())
		end()
		if !pit.hold(ended) || time.Since(start) != 0 {
			t.Errorf("a client that is gone was held for %s", time.Since(start))
		}
		done := make(chan time.Duration, maxHeld)
		for range maxHeld {
			go func() {
				pit.hold(t.Context())
				done <- time.Since(start)
			}()
		}
		synctest.Wait()
		if pit.hold(t.Context()) || time.Since(start) != 0 {
			t.Errorf("one too many was held, for %s", time.Since(start))
		}
		for range maxHeld {
			if got := <-done; got != heldFor {
				t.Fatalf("held for %s", got)
			}
		}
		if n := pit.held.Load(); n != 0 {
			t.Errorf("%d held after all are gone", n)
		}
	})
}
