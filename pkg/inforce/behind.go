package inforce

import (
	"fmt"
	"strings"
)

// behind is the error with the gates that are behind.
func (w *waiter) behind(err error) error {
	e := &BehindError{Gates: len(w.gates), Err: err}
	for _, g := range w.gates {
		if !g.done {
			e.Pods = append(e.Pods, Object{"Pod " + g.pod.Name, g.reason()})
		}
	}
	return e
}

// BehindError is the error of users that are not in force everywhere, or not known to be.
type BehindError struct {
	Gates int      // there are
	Pods  []Object // whose gates are behind
	Err   error    // why the waiting ended
}

// Error names the pods, at most ten.
func (e *BehindError) Error() string {
	if len(e.Pods) == 0 {
		return fmt.Sprintf("the users are changed; whether they are in force is not known: %v", e.Err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "the users are changed, but not in force at %d of %d gates: %v", len(e.Pods), e.Gates, e.Err)
	const most = 10
	for _, p := range e.Pods[:min(most, len(e.Pods))] {
		fmt.Fprintf(&text, "\n  %s: %s", p.Ref, p.Why)
	}
	if more := len(e.Pods) - most; more > 0 {
		fmt.Fprintf(&text, "\n  and %d more", more)
	}
	return text.String()
}

func (e *BehindError) Unwrap() error { return e.Err }
