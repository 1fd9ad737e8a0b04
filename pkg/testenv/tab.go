package testenv

import (
	"encoding/json"
	"slices"
	"testing"
)

// A Tab is one tab of a Browser. What goes wrong in it ends the test. It is not safe for concurrent use.
type Tab struct {
	tb   testing.TB
	page *devtools
}

// Send calls a DevTools method without waiting until it is done: Page.navigate, for one, is done only when a login
// that the page asks for has been given.
func (t *Tab) Send(method string, params Params) {
	t.tb.Helper()
	if _, err := t.page.send(method, params); err != nil {
		t.tb.Fatal(err)
	}
}

// Call calls a DevTools method and stores its result in the given pointer, unless that is nil.
func (t *Tab) Call(method string, params Params, result any) {
	t.tb.Helper()
	if err := t.page.call(method, params, result); err != nil {
		t.tb.Fatal(err)
	}
}

// Await returns the parameters of the next event of that name which no Await returned before, and for which where,
// unless it is nil, says yes; those for which it says no are gone.
func Await[T any](t *Tab, event string, where func(T) bool) T {
	t.tb.Helper()
	var found T
	err := t.page.wait(event, func(params json.RawMessage) (bool, error) {
		var candidate T
		if err := json.Unmarshal(params, &candidate); err != nil {
			return false, err
		}
		found = candidate
		return where == nil || where(candidate), nil
	})
	if err != nil {
		t.tb.Fatal(err)
	}
	return found
}

// Seen returns the parameters of the events of that name that have come so far and that neither Await nor Seen
// returned before.
func Seen[T any](t *Tab, event string) []T {
	t.tb.Helper()
	var all []T
	for i := 0; i < len(t.page.events); {
		if t.page.events[i].method != event {
			i++
			continue
		}
		var one T
		if err := json.Unmarshal(t.page.events[i].params, &one); err != nil {
			t.tb.Fatal(err)
		}
		all = append(all, one)
		t.page.events = slices.Delete(t.page.events, i, i+1)
	}
	return all
}

// Evaluate runs a JavaScript expression in the page, waits for it if it is a promise, and returns its value.
func Evaluate[T any](t *Tab, expression string) T {
	t.tb.Helper()
	var answer struct {
		Result           struct{ Value T }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	t.Call("Runtime.evaluate", Params{"expression": expression, "awaitPromise": true, "returnByValue": true}, &answer)
	if e := answer.ExceptionDetails; e != nil {
		t.tb.Fatalf("%s: %s %s", expression, e.Text, e.Exception.Description)
	}
	return answer.Result.Value
}

// Screenshot returns what the tab shows, as a PNG.
func (t *Tab) Screenshot() []byte {
	t.tb.Helper()
	var shot struct{ Data []byte } // base64 in JSON
	t.Call("Page.captureScreenshot", Params{"format": "png"}, &shot)
	return shot.Data
}
