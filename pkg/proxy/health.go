package proxy

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	healthTimeout = 2 * time.Second
	healthShared  = time.Second // how long one result answers for all who ask
)

// health asks the upstream how it is, for all who ask at once and for a second after that: the probes of a kubelet
// and of several load balancers together must not become load, nor may anyone make it by asking without a password.
type health struct {
	ask func(context.Context) bool

	mu      sync.Mutex
	at      time.Time // when result was found
	result  bool
	running chan struct{} // closed when the question under way is answered; nil: none is
}

// newHealth asks path of the upstream, or, where path is empty, whether it accepts a connection.
func newHealth(up *upstream, path string) *health {
	if path == "" {
		return &health{ask: up.accepts}
	}
	// Without redirects: where the upstream's health is 302 to its sign-in page, it is up. 200 to 399 is the kubelet's own
	// rule, and the path comes from the container's probes.
	return &health{ask: func(ctx context.Context) bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, up.url.String()+path, nil)
		if err != nil {
			return false
		}
		req.Header.Set("User-Agent", "kauth-proxy")
		res, err := up.transport.RoundTrip(req)
		if err != nil {
			return false
		}
		defer func() { _ = res.Body.Close() }()      // only read from
		_, _ = io.CopyN(io.Discard, res.Body, 4<<10) // so that the connection can be used again
		return res.StatusCode >= 200 && res.StatusCode < 400
	}}
}

// accepts says whether the upstream takes a connection, and speaks TLS where it should.
func (up *upstream) accepts(ctx context.Context) bool {
	conn, err := up.dialer.DialContext(ctx, "tcp", up.address)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }() // nothing was written
	return up.tls == nil || tls.Client(conn, up.tls).HandshakeContext(ctx) == nil
}

// ok says whether the upstream is healthy, or false when ctx ends before that is known.
func (h *health) ok(ctx context.Context) bool {
	h.mu.Lock()
	if h.running == nil && !h.at.IsZero() && time.Since(h.at) < healthShared {
		defer h.mu.Unlock()
		return h.result
	}
	running := h.running
	if running == nil {
		running = make(chan struct{})
		h.running = running
		go h.find(running) //nolint:gosec // the result is for all who wait, so it outlives the request that began it
	}
	h.mu.Unlock()
	select {
	case <-running:
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.result
	case <-ctx.Done():
		return false
	}
}

// find belongs to nobody's request: the first to ask may go away while others still wait.
func (h *health) find(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	result := h.ask(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at, h.result, h.running = time.Now(), result, nil
	close(done)
}
