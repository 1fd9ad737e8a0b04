package proxy

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/kauth-dev/kauth/pkg/auth"
)

// exchange is one request and its answer: what the gate learns of it on the way, for the forwarder and the log. It
// is the request's context, which costs nothing more and lets the checks and the forwarder find it, and the answer's
// ResponseWriter, which counts.
type exchange struct {
	context.Context
	http.ResponseWriter

	gate    *gate
	start   time.Time
	client  client
	expects bool // the client waits for 100 Continue before it sends the body

	outcome  outcome
	reason   string
	identity auth.Identity
	consumed []string    // headers that carried the credential
	body     *clientBody // of a forwarded request that has one

	own      http.Header // what the gate said of the answer before ReverseProxy, which forgets it after an informational one
	informed bool        // there was one
	old      bool        // HTTP/1.0, which knows none: RFC 9110 section 15.2

	status int // of the final answer; 0: none yet
	bytes  int64
}

type exchangeKey struct{}

// Value finds the exchange itself, and otherwise what the server's context holds.
func (e *exchange) Value(key any) any {
	if key == (exchangeKey{}) {
		return e
	}
	return e.Context.Value(key)
}

func exchangeOf(r *http.Request) *exchange {
	e, _ := r.Context().Value(exchangeKey{}).(*exchange)
	return e
}

// Unwrap lets http.ResponseController flush.
func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

func (e *exchange) WriteHeader(status int) {
	e.informed = e.informed || status < 200
	if status == http.StatusContinue || status < 200 && e.old {
		// The upstream's. The transport now reads the client's body, on which net/http sends a 100 of its own; passing this
		// one on as well would race with that, and send two.
		return
	}
	if status < http.StatusOK {
		stripSetCookies(e.Header()) // the application's: the gate's own answers have no informational part
	}
	if status >= 200 && e.status == 0 {
		e.status = status
		if e.informed {
			addAll(e.Header(), e.own)
		}
		if e.gate.draining.Load() {
			e.Header().Set("Connection", "close")
		}
	}
	e.ResponseWriter.WriteHeader(status)
}

func (e *exchange) Write(p []byte) (int, error) {
	if e.status == 0 {
		e.WriteHeader(http.StatusOK)
	}
	n, err := e.ResponseWriter.Write(p)
	e.bytes += int64(n)
	return n, err
}

// Hijack is how an upgrade is answered, past WriteHeader.
func (e *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(e.ResponseWriter).Hijack()
	if err == nil {
		e.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

// declineBody prepares an answer that does not wait for the body of r, if there is one. Otherwise net/http reads the body
// before it sends the answer, for as long as the client likes. Nor must it take the rest of a body that came too late
// for the next request.
func (e *exchange) declineBody(r *http.Request) {
	if r.ContentLength != 0 {
		e.Header().Set("Connection", "close")
		e.stopReading(refusedBodyTimeout)
	}
}

// stopReading gives the rest of the request's body d to arrive, or less where the client waits for a 100 Continue. Only
// for answers after which the connection is closed: the server would take what comes later for the next request.
func (e *exchange) stopReading(d time.Duration) {
	if e.expects {
		d = min(d, awaitedBodyTimeout)
	}
	_ = http.NewResponseController(e.ResponseWriter).SetReadDeadline(time.Now().Add(d)) // fails on hijacked ones only
}

// client is who sent a request, as far as addresses tell.
type client struct {
	peer    netip.Addr // the other end of the connection; the zero Addr if it is not an IP address
	addr    netip.Addr // the client itself, behind trusted proxies
	trusted bool       // the peer is a trusted proxy
}

func (c client) String() string {
	if !c.addr.IsValid() {
		return ""
	}
	return c.addr.String()
}
