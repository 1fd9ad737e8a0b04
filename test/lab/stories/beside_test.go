//go:build linux

package stories

import (
	"fmt"
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
			case <-time.After(20 * time.Millisecond):
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

// guard asks for a page without a password, to the end of the story if not ended before. Whatever else may happen to such
// a request, the application must not answer it.
func (s *story) guard(page string) *beside {
	var refused atomic.Int64
	b := s.beside("nobody gets in", func() error {
		switch r, err := get(page, nobody); {
		case err != nil: // nothing there, or Traefik gives up
		case r.status == 401:
			refused.Add(1)
		case r.status < 400:
			return fmt.Errorf("%s without a password: %d %.200q at %s", page, r.status, r.body, time.Now().Format("15:04:05.000"))
		}
		return nil
	})
	s.Cleanup(func() { // before that of beside, since the last comes first
		b.end()
		if n := refused.Load(); n < 20 {
			s.Errorf("%s without a password: %d times 401 of %d, too few to say that nobody gets in", page, n, b.asked.Load())
		}
	})
	return b
}

// took tells how long a step took.
func (s *story) took(step func()) time.Duration {
	s.Helper()
	start := time.Now()
	step()
	return time.Since(start)
}
