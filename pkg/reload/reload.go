// Package reload owns the watching of one file: it polls the content, builds a value of it, and keeps the last good
// value. Because only the content counts, the symlink swap of a mounted Secret with the same content is no event.
package reload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"
)

// Watcher keeps a value of type T in step with the content of a file. Fill in the fields, call Load once, then Run.
//
// A change counts when two reads, Settle apart, agree on it, so that neither the empty file nor the half of it that
// a plain rewrite shows for a moment is taken for the new content. Then:
//
//   - content that Build accepts becomes the value;
//   - content that Build refuses, and a file that cannot be read, leave the last good value in force;
//   - a file that is gone (fs.ErrNotExist) takes the value away: State.OK is false and State.Value is zero.
type Watcher[T any] struct {
	Read     func() ([]byte, error)  // reads the whole content; see File
	Build    func([]byte) (T, error) // makes a value of it; must not keep the bytes
	OnChange func(State[T])          // called after each distinct change, never twice at once; nil: nobody is told
	Interval time.Duration           // between two looks at the file; 0: 500 ms
	Settle   time.Duration           // between the two reads that must agree; 0: 75 ms

	mu    sync.Mutex // held while looking, so that Load and Run do not mix
	seen  sight      // what the last outcome was about
	state atomic.Pointer[State[T]]
}

// State is what a Watcher knows. States are never changed once they can be seen.
type State[T any] struct {
	Value       T         // the value in force, zero where OK is false
	OK          bool      // there is a value in force: something was good once, and the file is not gone
	Absent      bool      // the file is gone, or was never there
	Err         error     // why the last attempt failed; nil when the file as it is now is in force
	LastGood    time.Time // when the file was last found good; zero: never
	Reloads     uint64    // values put in force
	Failures    uint64    // distinct failures, absence among them
	Fingerprint string    // SHA-256 of the content in force, in hex; empty where OK is false
}

// State returns the state at this moment, in one atomic load. Before Load it is the zero State.
func (w *Watcher[T]) State() State[T] {
	if s := w.state.Load(); s != nil {
		return *s
	}
	return State[T]{}
}

// Load looks at the file once, takes it as it is, and returns State.Err. Call it before Run, to start with a value. It
// calls OnChange unless nothing changed since it was last called.
func (w *Watcher[T]) Load() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := w.look(); !now.equal(w.seen) {
		w.apply(now)
	}
	return w.State().Err
}

// Run follows the file until ctx ends, and returns its error. A failure never ends it.
func (w *Watcher[T]) Run(ctx context.Context) error {
	tick := time.NewTicker(orDefault(w.Interval, 500*time.Millisecond))
	defer tick.Stop()
	for {
		if err := w.follow(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// maxUnsettled is how many reads in a row may differ before that is reported as a failure.
const maxUnsettled = 20

var errUnsettled = errors.New("the file changes all the time; write it once, or replace it by renaming")

// follow looks at the file, and where it is not what it was, again until two looks agree.
func (w *Watcher[T]) follow(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.look()
	for range maxUnsettled {
		if now.equal(w.seen) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(orDefault(w.Settle, 75*time.Millisecond)):
		}
		again := w.look()
		if again.equal(now) {
			w.apply(now)
			return nil
		}
		now = again
	}
	if restless := (sight{err: errUnsettled, what: "error " + errUnsettled.Error()}); !restless.equal(w.seen) {
		w.apply(restless)
	}
	return nil
}

// A sight is what one look at the file showed.
type sight struct {
	what    string // tells two sights apart; empty: there was none yet
	content []byte
	err     error
}

func (s sight) equal(other sight) bool { return s.what == other.what }

func (w *Watcher[T]) look() sight {
	content, err := w.Read()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return sight{what: "absent", err: err}
	case err != nil:
		return sight{what: "error " + err.Error(), err: err}
	}
	sum := sha256.Sum256(content)
	return sight{what: hex.EncodeToString(sum[:]), content: content}
}

// apply makes a new state of what was seen and tells about it.
func (w *Watcher[T]) apply(s sight) {
	next := w.State()
	next.Absent = false
	switch {
	case errors.Is(s.err, fs.ErrNotExist):
		var zero T
		next.Value, next.OK, next.Absent, next.Fingerprint = zero, false, true, ""
		next.Err = s.err
		next.Failures++
	case s.err != nil:
		next.Err = s.err
		next.Failures++
	case next.OK && next.Fingerprint == s.what:
		next.Err, next.LastGood = nil, time.Now() // back to what is still in force
	default:
		value, err := w.Build(s.content)
		if err != nil {
			next.Err = err
			next.Failures++
			break
		}
		next.Value, next.OK, next.Err, next.LastGood, next.Fingerprint = value, true, nil, time.Now(), s.what
		next.Reloads++
	}
	s.content = nil
	w.seen = s
	w.state.Store(&next)
	if w.OnChange != nil {
		w.OnChange(next)
	}
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}
