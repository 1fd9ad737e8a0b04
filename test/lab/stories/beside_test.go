//go:build linux

package stories

import (
	"sync"
	"sync/atomic"
	"time"
)

// A beside asks the same question all the time, beside what the story does.
type beside struct {
	s     *story
	what  string
	asked atomic.Int64
	stop  func()

	mu    sync.Mutex
	wrong error // the first answer that should not have been
}

// beside asks until end, or the end of the story, which fails when an answer was an error.
func (s *story) beside(what string, ask func() error) *beside {
	done, ended := make(chan struct{}), make(chan struct{})
	b := &beside{s: s, what: what, stop: sync.OnceFunc(func() { close(done); <-ended })}
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
			}
			b.asked.Add(1)
			if err := ask(); err != nil {
				b.mu.Lock()
				if b.wrong == nil {
					b.wrong = err
				}
				b.mu.Unlock()
			}
		}
	}()
	s.Cleanup(b.end)
	return b
}

// end stops asking and says what came of it.
func (b *beside) end() {
	b.s.Helper()
	b.stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.wrong != nil:
		b.s.Errorf("%s, asked %d times: %v", b.what, b.asked.Load(), b.wrong)
	case b.asked.Load() == 0:
		b.s.Errorf("%s: never asked", b.what)
	}
	b.wrong = nil // said once
}
