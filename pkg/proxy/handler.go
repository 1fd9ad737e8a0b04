package proxy

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kauth-dev/kauth/pkg/auth"
)

// How long a client may go on sending a body that nobody wants: after a refusal, so that whoever has no password
// cannot hold a connection open by sending slowly; and where it waits for a 100 that it will not get.
const (
	refusedBodyTimeout = 5 * time.Second
	awaitedBodyTimeout = 250 * time.Millisecond
)

// gate is the handler of the gate's port. Its fields are set once, before the first request.
type gate struct {
	healthPath string
	ownPrefix  string // the gate's own pages live below it
	origin     *origin
	open       bool // the required header is all that is asked for
	users      *users
	clients    *clients
	pages      *pages
	signIn     *signIn // nil: the browser's dialog asks for passwords
	metrics    *metrics
	health     *health
	tarpit     tarpit
	forward    http.Handler
	access     *slog.Logger // nil: no access log
	log        *slog.Logger

	serving  atomic.Bool  // the listener takes connections
	draining atomic.Bool  // the process is going to end
	underWay atomic.Int64 // requests, upgraded ones among them
}

// ServeHTTP is log and recover, the outermost room.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := &exchange{Context: r.Context(), ResponseWriter: w, gate: g, start: time.Now(), client: g.clients.of(r), expects: r.Header["Expect"] != nil}
	g.underWay.Add(1)
	defer func() {
		g.finish(e, r, recover())
	}()
	g.serve(e, r.WithContext(e))
}

// finish answers what panicked, counts and logs. A panic after the answer began is handed on: the connection must be
// cut, since a clean end would make a short body look whole.
func (g *gate) finish(e *exchange, r *http.Request, panicked any) {
	defer g.underWay.Add(-1)
	again := panicked
	if panicked != nil && panicked != http.ErrAbortHandler { //nolint:errorlint // a panic value, as net/http compares it
		g.log.Error("panic", "value", panicked, "stack", string(debug.Stack()))
		e.outcome, e.reason = gateError, "panic"
		if e.status == 0 {
			g.pages.text(e, http.StatusInternalServerError, "internal error")
			again = nil
		} else {
			again = http.ErrAbortHandler
		}
	} else if panicked != nil {
		e.outcome, e.reason = g.abortReason(e)
	}
	g.metrics.requests[e.outcome].Inc()
	g.metrics.seconds.Observe(time.Since(e.start).Seconds())
	if g.access != nil {
		logRequest(g.access, e, r)
	}
	if again != nil {
		panic(again)
	}
}

// abortReason says why the connection of a request that was being forwarded is cut.
func (g *gate) abortReason(e *exchange) (outcome, string) {
	switch {
	case e.Err() == nil:
		return upstreamError, "upstream broke off"
	case g.draining.Load():
		return allowed, "shutting down"
	}
	return allowed, "client went away"
}

// serve is the rooms between the log and the upstream, in their order.
func (g *gate) serve(e *exchange, r *http.Request) {
	users := g.users.snapshot()
	if len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1) {
		// net/http hides a Content-Length beside the Transfer-Encoding, and a Transfer-Encoding in HTTP/1.0. A proxy in front
		// that went by the hidden one would see the next request where this one still goes on: RFC 9112 section 6.1.
		e.Header().Set("Connection", "close")
	}
	if status, reason := ambiguous(r); status != 0 {
		if status == http.StatusMethodNotAllowed { // RFC 9110 section 15.5.6 wants the list
			e.Header().Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
		}
		g.refuse(e, r, badRequest, status, reason)
		return
	}
	admitted := g.origin.admits(r)
	strip(r, e.client.trusted)

	if g.isHealth(r) {
		e.outcome = healthAsked
		g.serveHealth(e, r)
		return
	}
	if !admitted {
		g.refuse(e, r, denied, http.StatusForbidden, "required header")
		return
	}
	if strings.HasPrefix(r.URL.Path, g.ownPrefix) {
		if !g.signIn.serve(e, r, users) {
			g.refuse(e, r, badRequest, http.StatusNotFound, "no such page of the gate")
		}
		return
	}
	g.authenticate(e, r, users)
}

// authenticate is the checks, and what follows from them.
func (g *gate) authenticate(e *exchange, r *http.Request, users *snapshot) {
	if g.open {
		e.outcome = allowed
		welcome(r.Context())
		g.pass(e, r)
		return
	}
	if !users.ready {
		g.refuse(e, r, noUsers, http.StatusServiceUnavailable, "no users")
		return
	}
	d, err := users.chain.Authenticate(r)
	if err != nil {
		g.log.Error("check is broken", "error", err)
		g.refuse(e, r, gateError, http.StatusInternalServerError, "check is broken")
		return
	}
	e.identity, e.reason = d.Identity, d.Reason
	switch d.Outcome {
	case auth.Allow:
		e.outcome, e.consumed = allowed, d.Consumed
		welcome(r.Context())
		if r.Header["Upgrade"] != nil {
			held, release := g.users.upgraded.hold(e.Context, d, g.signIn.until(r, d))
			defer release()
			e.Context = held
		}
		g.pass(e, r)
	case auth.Respond:
		e.outcome = denied
		d.Handler.ServeHTTP(e, r)
	case auth.Pass, auth.Deny:
		if !g.signIn.refuses(e, r, &d) {
			g.deny(e, r, d)
		}
	}
}

// pass forwards r. A body flows both ways at once: without full duplex, net/http throws away the first 256 KiB of what
// the client still has to send when the upstream begins to answer.
func (g *gate) pass(e *exchange, r *http.Request) {
	if r.ContentLength == 0 {
		g.forward.ServeHTTP(e, r)
		return
	}
	_ = http.NewResponseController(e.ResponseWriter).EnableFullDuplex() // HTTP/1.1 always can
	if e.expects {
		// net/http closes a connection whose body it never asked for, but first waits for it.
		defer func() {
			if !e.body.ended() {
				e.stopReading(awaitedBodyTimeout)
			}
		}()
	}
	g.forward.ServeHTTP(e, r)
}

func (g *gate) deny(e *exchange, r *http.Request, d auth.Decision) {
	o := denied
	switch d.Status {
	case http.StatusTooManyRequests:
		o = throttled
		if !g.tarpit.hold(e) {
			e.Header().Set("Connection", "close")
		}
	case http.StatusServiceUnavailable:
		if r.Context().Err() == nil { // else the client left while its password was waiting, and nobody sees the answer
			o = noUsers
		}
	case 0:
		d.Status = http.StatusUnauthorized
	}
	if d.Status == http.StatusUnauthorized {
		for _, c := range d.Challenges {
			e.Header().Add("WWW-Authenticate", c)
		}
	}
	if d.RetryAfter > 0 && (o == throttled || o == noUsers) {
		seconds := int64((d.RetryAfter + time.Second - 1) / time.Second)
		e.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	} else if o == throttled {
		e.Header().Set("Retry-After", "1")
	}
	g.refuse(e, r, o, d.Status, d.Reason)
}

// refuse answers a request that must not get through.
func (g *gate) refuse(e *exchange, r *http.Request, o outcome, status int, reason string) {
	e.outcome, e.reason = o, reason
	e.declineBody(r)
	g.pages.refuse(e, r, status)
}

// ambiguous returns a status and a reason for requests that two readers might understand in two ways, and for the
// methods that no gate can pass on.
func ambiguous(r *http.Request) (int, string) {
	switch {
	case r.Method == http.MethodConnect:
		return http.StatusMethodNotAllowed, "method"
	case r.Method == http.MethodTrace: // it would echo the credential: RFC 9110 section 9.3.8
		return http.StatusMethodNotAllowed, "method"
	case r.RequestURI == "*":
		return http.StatusBadRequest, "asterisk-form"
	case !originForm(r):
		return http.StatusBadRequest, "absolute-form"
	case !strings.HasPrefix(r.URL.Path, "/"):
		return http.StatusBadRequest, "path"
	}
	return 0, ""
}

// originForm makes an absolute-form target, which RFC 9112 section 3.2.2 wants accepted, the origin-form, and says
// whether that could be done. The target's host has already taken the place of the Host header, as that section wants;
// it decides nothing here. OPTIONS without a path is an asterisk-form in disguise.
func originForm(r *http.Request) bool {
	u := r.URL
	if u.Host == "" && u.Scheme == "" {
		return u.Opaque == "" && u.User == nil
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Opaque != "" || u.User != nil {
		return false
	}
	if u.Path == "" && r.Method != http.MethodOptions {
		u.Path = "/"
	}
	u.Scheme, u.Host = "", ""
	return true
}

// isHealth says whether r asks for the health path, letter by letter: a path that some reader would have to decode or
// clean first is not exempt. RequestURI is what the client sent, before net/http took it to pieces.
func (g *gate) isHealth(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	return path == g.healthPath && r.URL.Path == g.healthPath
}

func (g *gate) serveHealth(e *exchange, r *http.Request) {
	e.declineBody(r)
	h := e.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	body := "ok\n"
	if !g.health.ok(r.Context()) {
		e.reason, body = "upstream unhealthy", "upstream unhealthy\n"
		e.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = e.Write([]byte(body))
}
