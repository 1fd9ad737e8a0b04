package proxy

import (
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

func TestHealthIsTheUpstreams(t *testing.T) {
	for answer, want := range map[int]int{200: 200, 204: 200, 302: 200, 399: 200, 400: 503, 401: 503, 404: 503, 500: 503, 503: 503} {
		up := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/-/healthy" || r.URL.RawQuery != "x=1" || r.Header.Get("Authorization") != "" {
				t.Errorf("health asked %s", r.URL)
			}
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("X-Secret", "upstream")
			w.WriteHeader(answer)
			if answer != 204 {
				_, _ = w.Write([]byte("secret of the upstream"))
			}
		})
		g := startGate(t, up, func(c *gateconf.Config) { c.UpstreamHealthPath = "/-/healthy?x=1" })
		res, body := send(t, request(t, "GET", g.url+"/health", nil))
		if res.StatusCode != want || strings.Contains(body, "secret") || res.Header.Get("X-Secret") != "" {
			t.Errorf("upstream says %d: got %s %q, want %d", answer, res.Status, body, want)
		}
		if res, body := send(t, request(t, "HEAD", g.url+"/health", nil)); res.StatusCode != want || body != "" {
			t.Errorf("HEAD: got %s %q, want %d", res.Status, body, want)
		}
	}
}

// A hundred askers at once are one question, and a hung upstream is unhealthy.
func TestHealthIsSharedAndBounded(t *testing.T) {
	t.Parallel() // it waits more than it works
	var asked atomic.Int32
	hang := make(chan struct{})
	up := startUpstream(t, func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	defer close(hang)
	g := startGate(t, up, func(c *gateconf.Config) { c.UpstreamHealthPath = "/-/healthy" })
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			res, err := http.DefaultTransport.RoundTrip(request(t, "GET", g.url+"/health", nil))
			if err != nil {
				t.Error(err)
				return
			}
			res.Body.Close()
			if res.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("got %s", res.Status)
			}
		})
	}
	all.Wait()
	if n := asked.Load(); n > 2 {
		t.Errorf("the upstream was asked %d times", n)
	}
}

func TestHealthByConnection(t *testing.T) {
	t.Parallel() // it waits more than it works
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := startGate(t, "http://"+ln.Addr().String(), nil)
	if res, _ := send(t, request(t, "GET", g.url+"/health", nil)); res.StatusCode != http.StatusOK {
		t.Errorf("accepts connections: %s", res.Status)
	}
	ln.Close()
	waitFor(t, "health to fail", func() bool {
		res, _ := send(t, request(t, "GET", g.url+"/health", nil))
		return res.StatusCode == http.StatusServiceUnavailable
	})
}

func TestUpstreamTLS(t *testing.T) {
	up := httptest.NewTLSServer((&recorder{}))
	defer up.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	writeFile(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: up.Certificate().Raw})))
	for _, tt := range []struct {
		name   string
		change func(*gateconf.Config)
		want   int
		health int
	}{
		{"trusted by the CA file", func(c *gateconf.Config) { c.UpstreamCAFile = ca }, 200, 200},
		{"another name", func(c *gateconf.Config) { c.UpstreamCAFile, c.UpstreamServerName = ca, "example.com" }, 200, 200},
		{"wrong name", func(c *gateconf.Config) { c.UpstreamCAFile, c.UpstreamServerName = ca, "wrong.example" }, 502, 503},
		{"unknown CA", nil, 502, 503},
		{"any certificate", func(c *gateconf.Config) { c.InsecureUpstreamSkipVerify = true }, 200, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := startGate(t, up.URL, tt.change)
			if res, _ := send(t, request(t, "GET", g.url+"/", nil)); res.StatusCode != tt.want {
				t.Errorf("got %s, want %d", res.Status, tt.want)
			}
			if res, _ := send(t, request(t, "GET", g.url+"/health", nil)); res.StatusCode != tt.health {
				t.Errorf("health is %s, want %d", res.Status, tt.health)
			}
		})
	}
}
