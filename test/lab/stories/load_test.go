//go:build linux

package stories

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	loadRate    = 100 // requests a second
	loadClients = 16  // with a connection each, which stays open
	loadFresh   = 10  // every so manieth request has a connection of its own
)

// A load asks for a page all the time, as fast as loadRate says however long the answers take: every second request is a
// POST, which no proxy on the way may send twice.
type load struct {
	url  string
	as   login
	stop context.CancelFunc
	done sync.WaitGroup

	mu       sync.Mutex
	requests int
	bodies   map[string]int // how often each answer came
	failures []string
	slowest  time.Duration // from when a request was due to the end of its answer
}

// startLoad begins a load, which ends with the story if not before.
func (s *story) startLoad(url string, as login) *load {
	ctx, stop := context.WithCancel(context.Background())
	l := &load{url: url, as: as, stop: stop, bodies: map[string]int{}}
	due := make(chan time.Time, 60*loadRate) // a minute in which nothing is answered: nothing that was due is forgotten
	l.done.Go(func() {
		defer close(due)
		tick := time.NewTicker(time.Second / loadRate)
		defer tick.Stop()
		for {
			select {
			case at := <-tick.C:
				due <- at
			case <-ctx.Done():
				return
			}
		}
	})
	for range loadClients {
		l.done.Go(func() {
			kept := &http.Transport{}
			defer kept.CloseIdleConnections()
			n := 0
			for at := range due {
				n++
				transport := kept
				if n%loadFresh == 0 {
					transport = &http.Transport{DisableKeepAlives: true}
				}
				l.ask(&http.Client{Transport: transport, Timeout: 30 * time.Second}, n%2 == 0, at)
			}
		})
	}
	s.Cleanup(l.end)
	return l
}

func (l *load) end() {
	l.stop()
	l.done.Wait()
}

// ask sends one request and writes down what became of it.
func (l *load) ask(c *http.Client, post bool, due time.Time) {
	start := time.Now()
	body, err := l.send(c, post)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	l.slowest = max(l.slowest, time.Since(due))
	if err != nil {
		l.failures = append(l.failures, fmt.Sprintf("%s, after %.2f s: %v", start.Format("15:04:05.000"), time.Since(start).Seconds(), err))
		return
	}
	l.bodies[body]++
}

func (l *load) send(c *http.Client, post bool) (string, error) {
	method, content := http.MethodGet, io.Reader(http.NoBody)
	if post {
		method, content = http.MethodPost, bytes.NewBufferString("asked=true")
	}
	req, err := http.NewRequestWithContext(context.Background(), method, l.url, content)
	if err != nil {
		return "", err
	}
	req.SetBasicAuth(l.as.user, l.as.password)
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %.200s", method, l.url, resp.Status, bytes.TrimSpace(body))
	}
	return string(bytes.TrimSpace(body)), err
}

// mark returns how often each answer has come so far.
func (l *load) mark() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.bodies)
}

// answered returns nil when the answer came that often.
func (l *load) answered(body string, times int) func() error {
	return func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.bodies[body] < times {
			return fmt.Errorf("%d answers %q, want %d; all: %v", l.bodies[body], body, times, l.bodies)
		}
		return nil
	}
}

// mustLoseNothing ends a load, tells the story how it went, and fails it when one request did.
func (s *story) mustLoseNothing(l *load) {
	s.Helper()
	l.end()
	s.count("%d requests, %d failed, the slowest took %.0f ms", l.requests, len(l.failures), 1000*l.slowest.Seconds())
	if len(l.failures) > 0 {
		s.Fatalf("%d of %d requests failed, the first of them:\n%s", len(l.failures), l.requests,
			strings.Join(l.failures[:min(20, len(l.failures))], "\n"))
	}
}
