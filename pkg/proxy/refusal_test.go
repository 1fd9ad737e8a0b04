package proxy

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// A refusal does not wait for the body, and what comes of it later is never taken for a request.
func TestRefusalDoesNotReadTheBody(t *testing.T) {
	rec := &recorder{}
	g := startGate(t, startUpstream(t, rec.ServeHTTP), nil)
	start := time.Now()
	res := sendRaw(t, g, "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 1000\r\n\r\nGET /smuggled HTTP/1.1\r\n")
	if res == nil || res.StatusCode != http.StatusUnauthorized || !res.Close {
		t.Errorf("got %v, want a 401 that closes the connection", res)
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("the answer took %s", d)
	}
}

// While wrong passwords flood the gate, whoever is signed in goes on, and the others are told when to come back.
func TestFloodOfWrongPasswords(t *testing.T) {
	hash, err := htpasswd.Generate(testPassword, htpasswd.DefaultCost-2)
	if err != nil {
		t.Fatal(err)
	}
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), func(c *gateconf.Config) {
		c.HashQueue = 2
		writeFile(t, c.UsersFile, testUser+":"+hash.String()+"\n")
	})
	if got := statusFor(t, g, testUser, testPassword); got != http.StatusOK {
		t.Fatal(got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var throttled atomic.Int32
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			r := request(t, "GET", g.url+"/", nil, "-Authorization", "Accept: text/html", "Authorization: "+basicOf(testUser, strings.Repeat("x", i+1)))
			res, err := http.DefaultTransport.RoundTrip(r.WithContext(ctx))
			if err != nil {
				if ctx.Err() == nil {
					t.Error(err)
				}
				return
			}
			res.Body.Close()
			switch res.StatusCode {
			case http.StatusTooManyRequests:
				throttled.Add(1)
				if res.Header.Get("Retry-After") == "" || res.Header.Get("WWW-Authenticate") != "" || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
					t.Errorf("429 with %v", res.Header)
				}
			case http.StatusUnauthorized:
			default:
				t.Errorf("a wrong password: %s", res.Status)
			}
		})
	}
	waitFor(t, "the queue to be full", func() bool { return throttled.Load() > 0 })
	for range 20 {
		if got := statusFor(t, g, testUser, testPassword); got != http.StatusOK {
			t.Errorf("a remembered user in a flood: %d", got)
		}
	}
	cancel() // those that still wait for their turn
	all.Wait()
}

func TestAccessLogCanBeOff(t *testing.T) {
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), func(c *gateconf.Config) { c.AccessLog = false })
	statusFor(t, g, testUser, testPassword)
	g.stop()
	if err := <-g.ended; err != nil {
		t.Error(err)
	}
	if logs := g.logs.String(); strings.Contains(logs, `"msg":"request"`) || !strings.Contains(logs, "stopped") {
		t.Errorf("log is %s", logs)
	}
}
