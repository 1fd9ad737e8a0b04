package proxy

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

// Under load, none of the requests that clients send is lost: each client goes on, on new connections too, until an
// answer asks it to come back elsewhere, as a load balancer does whose target is withdrawn.
func TestDrainLosesNothing(t *testing.T) {
	up := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush() // the answer has begun; its end comes later
		<-time.After(time.Millisecond)
		_, _ = io.WriteString(w, "whole")
	})
	g := startGate(t, up, func(c *gateconf.Config) { c.ShutdownDelay = 300 * time.Millisecond })
	statusFor(t, g, testUser, testPassword)
	var done, closing atomic.Int32
	var clients sync.WaitGroup
	for i := range 16 {
		transport := &http.Transport{DisableKeepAlives: i%2 == 0}
		t.Cleanup(transport.CloseIdleConnections)
		clients.Go(func() {
			for !g.gate.draining.Load() || i%2 == 1 {
				res, err := transport.RoundTrip(request(t, "POST", g.url+"/", nil))
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || string(body) != "whole" {
					t.Errorf("got %q, %v", body, err)
				}
				done.Add(1)
				if i%2 == 1 && res.Close {
					closing.Add(1)
					return
				}
			}
		})
	}
	waitFor(t, "load", func() bool { return done.Load() > 200 })
	g.stop()
	waitFor(t, "the drain", g.gate.draining.Load)
	if res, body := send(t, request(t, "GET", g.admin+"/readyz", nil)); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("readyz while draining: %s %q", res.Status, body)
	}
	clients.Wait()
	if closing.Load() != 8 {
		t.Errorf("%d clients were asked to go elsewhere, want 8", closing.Load())
	}
	if err := <-g.ended; err != nil {
		t.Error(err)
	}
}

// A request that takes longer than the timeout is cut, visibly to its client, and does not hold up the end.
func TestDrainIsBounded(t *testing.T) {
	began := make(chan bool, 1)
	up := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		began <- true
		<-r.Context().Done()
	})
	g := startGate(t, up, func(c *gateconf.Config) { c.ShutdownTimeout = 100 * time.Millisecond })
	res, err := http.DefaultTransport.RoundTrip(request(t, "GET", g.url+"/", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	<-began
	start := time.Now()
	g.stop()
	if err := <-g.ended; err != nil || time.Since(start) > 5*time.Second {
		t.Errorf("ended after %s with %v", time.Since(start), err)
	}
	if _, err := io.ReadAll(res.Body); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("the answer that was cut looks whole: %v", err)
	}
}

// An application with a preStop hook serves on while routes are withdrawn, and so does its gate, however long that is.
// When the application takes no more connections, there is nothing that the gate could wait for.
func TestDrainLastsAsLongAsTheUpstream(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	defer up.Close()
	g := startGate(t, up.URL, func(c *gateconf.Config) { c.ShutdownDelay = time.Hour })
	g.stop()
	waitFor(t, "the drain", g.gate.draining.Load)
	for range 3 { // on new connections, each after the gate has looked whether its upstream is still there
		<-time.After(endPoll + 20*time.Millisecond)
		fresh := &http.Transport{DisableKeepAlives: true}
		r := request(t, "GET", g.url+"/", nil)
		r.SetBasicAuth(testUser, testPassword)
		res, err := fresh.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatalf("while the upstream serves on: %s", res.Status)
		}
	}
	up.Close()
	select {
	case err := <-g.ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the gate outlives its upstream")
	}
}
