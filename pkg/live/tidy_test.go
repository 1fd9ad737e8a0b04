package live_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"

	"github.com/kauth-dev/kauth/pkg/live"
)

// An error of a connection reads the same whichever goroutine of net/http saw it first.
func TestTidy(t *testing.T) {
	gone := errors.New("port 8182: gone")
	for _, err := range []error{
		gone,
		&url.Error{Op: "Get", URL: "http://gate", Err: gone},
		&url.Error{Op: "Get", URL: "http://gate", Err: fmt.Errorf("readLoopPeekFailLocked: %w", gone)},
		&url.Error{Op: "Get", URL: "http://gate", Err: wrapped{fmt.Errorf("readLoopPeekFailLocked: %w", gone)}},
		&url.Error{Op: "Get", URL: "http://gate", Err: fmt.Errorf("net/http: HTTP/1.x transport connection broken: %w", fmt.Errorf("readLoopPeekFailLocked: %w", gone))},
		fmt.Errorf("net/http: Transport failed to read from server: %w", gone),
	} {
		if got := live.Tidy(t.Context(), err); got.Error() != gone.Error() {
			t.Errorf("%v: %v", err, got)
		}
	}
	over, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("time is up"))
	if got := live.Tidy(over, gone); got.Error() != "time is up" {
		t.Error(got)
	}
}

// wrapped is an error that says what its inner one says, as some of net/http's do.
type wrapped struct{ error }

func (w wrapped) Unwrap() error { return w.error }
