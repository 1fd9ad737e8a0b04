//go:build linux

package stories

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	floodClients = 16
	floodTime    = 20 * time.Second
	floodRate    = 50 // requests a second of whoever is signed in
)

// A flood of wrong passwords against a sidecar with a CPU limit of a fifth of a core: whoever is signed in does not notice,
// whoever signs in from another address meanwhile gets in, and nobody is let in by mistake.
func TestFlood(t *testing.T) {
	s := tell(t, 12, "a flood of wrong passwords, 200m of CPU")
	h := s.helm("helm4")
	alice, bob := login{"alice", "correct horse"}, login{"bob", "battery staple"}
	s.addUser(alice.user, alice.password)
	s.addUser(bob.user, bob.password)
	h.run("install", "web", chart("web"), "--set", "host="+s.host(), "--post-renderer", "kauth")
	s.kubectl("", "set", "resources", "deployment/web", "-c", "kauth-proxy", "--limits=cpu=200m,memory=320Mi")
	s.until("one pod", s.replaced("web", 1))
	gate := s.container("app=web", "kauth-proxy")
	address := s.podIP("app=web")
	page := "http://" + address + ":8181/version"
	s.until("alice in", answers(page, alice, 200))

	ctx, stop := context.WithTimeout(t.Context(), floodTime)
	defer stop()
	var flood sync.WaitGroup
	var wrong, letIn atomic.Int64
	for i := range floodClients {
		flood.Go(func() { s.guess(ctx, page, i, &wrong, &letIn) })
	}
	served, slow := s.steady(ctx, page, alice)
	flood.Wait()
	s.count("%d guesses", wrong.Load())
	s.count("signed in: %d of %d served, p99 %.0f ms", served, floodRate*int(floodTime.Seconds()), 1000*slow.Seconds())
	if letIn.Load() > 0 {
		s.Fatalf("%d wrong passwords were let in", letIn.Load())
	}
	if wrong.Load() < floodClients {
		s.Fatalf("only %d guesses: no flood", wrong.Load())
	}
	// On an idle machine all but one or two are served; BenchmarkFlood measures that. This is for one that has other work.
	if least := floodRate * int(floodTime.Seconds()) * 3 / 4; served < least {
		s.Errorf("signed in: %d served, want %d", served, least)
	}

	// And bob, from another address, while it goes on.
	ctx, stop = context.WithTimeout(t.Context(), patience)
	defer stop()
	for i := range floodClients {
		flood.Go(func() { s.guess(ctx, page, i, &wrong, &letIn) })
	}
	began := wrong.Load()
	s.until("the flood to be on", func() error {
		if wrong.Load() < began+floodClients {
			return errors.New("not yet")
		}
		return nil
	})
	s.figure("first sign-in from another address", s.until("bob in", func() error { return s.from("172.31.255.1", page, bob) }))
	stop()
	flood.Wait()
	if now := s.container("app=web", "kauth-proxy"); now != gate {
		s.Fatalf("the gate was started again: %v, %v", gate, now)
	}
}

// guess sends one wrong password after the other on one connection until ctx ends.
func (s *story) guess(ctx context.Context, page string, who int, wrong, letIn *atomic.Int64) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for n := 0; ctx.Err() == nil; n++ {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, http.NoBody)
		if err != nil {
			return
		}
		req.SetBasicAuth("alice", fmt.Sprintf("guess %d of %d", n, who))
		resp, err := transport.RoundTrip(req)
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			letIn.Add(1)
		}
		wrong.Add(1)
	}
}

// steady sends floodRate requests a second as somebody until ctx ends, and returns how many were served and the time that
// one in a hundred took longer than.
func (s *story) steady(ctx context.Context, page string, as login) (served int, p99 time.Duration) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	tick := time.NewTicker(time.Second / floodRate)
	defer tick.Stop()
	var took []time.Duration
	for {
		select {
		case <-ctx.Done():
			if len(took) == 0 {
				return 0, 0
			}
			slices.Sort(took)
			return len(took), took[len(took)*99/100]
		case <-tick.C:
		}
		start := time.Now()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, http.NoBody)
		if err != nil {
			return 0, 0
		}
		req.SetBasicAuth(as.user, as.password)
		resp, err := transport.RoundTrip(req)
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			took = append(took, time.Since(start))
		}
	}
}

// from asks for a page once from another address of the node, and returns nil when it is let in.
func (s *story) from(address, page string, as login) error {
	if _, err := s.try("ip", "address", "replace", address+"/32", "dev", "lo"); err != nil {
		return err
	}
	transport := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext, DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, page, http.NoBody)
	if err != nil {
		return err
	}
	req.SetBasicAuth(as.user, as.password)
	resp, err := (&http.Client{Transport: transport, Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s from %s: %s", page, address, resp.Status)
	}
	return nil
}
