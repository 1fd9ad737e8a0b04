// Package browser owns the tests of what only a browser shows: how it takes the challenge, what people see when the
// gate refuses them, and that the pages' own policy lets the pages look as they should.
package browser

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/proxy"
	"github.com/kauth-dev/kauth/pkg/testenv"
)

const (
	user     = "alice"
	password = "open sesame ☂"
	realm    = `Metrics of "shop" \ staging`
)

// One browser serves all tests of the package; each opens tabs of its own.
var (
	scratch  string
	shared   *testenv.Browser
	errStart error
	start    sync.Once
)

func TestMain(m *testing.M) {
	os.Exit(testenv.Main(m, &scratch, func() {
		if shared != nil {
			shared.Stop()
		}
	}))
}

func newTab(t *testing.T) *testenv.Tab {
	t.Helper()
	testenv.Tool(t, "chromium")
	start.Do(func() { shared, errStart = testenv.StartBrowser(scratch) })
	if errStart != nil {
		t.Fatal(errStart)
	}
	tab := shared.NewTab(t)
	tab.Call("Page.enable", nil, nil)
	tab.Call("Page.setLifecycleEventsEnabled", testenv.Params{"enabled": true}, nil)
	tab.Call("Network.enable", nil, nil)
	tab.Call("Log.enable", nil, nil)
	return tab
}

// startGate runs a gate in front of upstream until the test ends, and returns its URL.
func startGate(t *testing.T, upstream string, change func(*gateconf.Config)) string {
	t.Helper()
	cfg := gateconf.Defaults()
	cfg.Listen, cfg.AdminListen = "127.0.0.1:0", "127.0.0.1:00" // two addresses, or it would not be valid
	cfg.Upstream, cfg.Realm = upstream, realm
	cfg.UsersFile = filepath.Join(t.TempDir(), "auth")
	cfg.ShutdownDelay, cfg.ShutdownTimeout = 0, time.Second
	hash, err := htpasswd.Generate(password, htpasswd.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cfg.UsersFile, []byte(user+":"+hash.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&cfg)
	}
	s, err := proxy.New(cfg, proxy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + s.Addr()
}

func noUsers(c *gateconf.Config) { c.UsersFile += ".missing" }

// startUpstream runs an application with one page, which says who it thinks is there, one JSON document, one WebSocket that
// says what it is told, and one page that sends its visitors to another origin.
func startUpstream(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, "<!doctype html><title>shop</title><h1>The application</h1><p id=credential>%q</p><p id=cookies>%q</p>", r.Header["Authorization"], r.Header["Cookie"])
	})
	mux.HandleFunc("GET /api", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"up":true}`))
	})
	mux.HandleFunc("GET /ws", func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // what is tested is the gate
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			kind, msg, err := c.Read(r.Context())
			if err != nil || c.Write(r.Context(), kind, msg) != nil {
				return
			}
		}
	})
	mux.HandleFunc("GET /elsewhere", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<h1>Done</h1>")) })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// screenshot keeps what the tab shows as dist/screenshots/NAME.png, and checks that it is a picture of something.
func screenshot(t *testing.T, tab *testenv.Tab, name string, width, height int) image.Image {
	t.Helper()
	data := tab.Screenshot()
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "dist", "screenshots")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s.png: %v", name, err)
	}
	if size := picture.Bounds().Size(); size != image.Pt(width, height) {
		t.Errorf("%s.png: %v pixels, want %d by %d", name, size, width, height)
	}
	colors := map[[3]uint32]bool{}
	for y := range height {
		for x := range width {
			r, g, b, _ := picture.At(x, y).RGBA()
			colors[[3]uint32{r, g, b}] = true
		}
	}
	if len(colors) < 50 { // letters with soft edges on a card, on a gradient
		t.Errorf("%s.png: %d colors; the page is as good as blank", name, len(colors))
	}
	return picture
}

// brightness is that of a pixel, from 0 to 255.
func brightness(picture image.Image, x, y int) int {
	r, g, b, _ := picture.At(x, y).RGBA()
	return int((r + g + b) / 3 >> 8)
}
