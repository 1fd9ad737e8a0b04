package proxy

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/auth/basic"
	"github.com/kauth-dev/kauth/pkg/auth/session"
	"github.com/kauth-dev/kauth/pkg/gateconf"
)

// The gate's own pages, below the prefix, and what their forms are for.
const (
	ownPages    = "_kauth/"
	signInPage  = "sign-in"
	signOutPage = "sign-out"
)

// Limits of a form: bytes, and how long it may take to arrive.
const (
	maxForm     = 8 << 10
	formTimeout = 10 * time.Second
)

// signIn serves the pages by which people sign in and out.
type signIn struct {
	gate      *gate
	prefix    string
	realm     string
	cookies   cookies
	check     *session.Check
	passwords *basic.Check
	challenge []string // for scripts
}

// newSignIn returns nil where people sign in by the browser's dialog.
func newSignIn(cfg gateconf.Config, g *gate, u *users) *signIn {
	if u.sessions == nil {
		return nil
	}
	return &signIn{
		gate: g, prefix: cfg.Prefix, realm: cfg.Realm, cookies: newCookies(cfg.Prefix), check: u.sessions.check, passwords: u.check,
		challenge: []string{session.Challenge(cfg.Realm)},
	}
}

// serve answers a request for one of the gate's own pages, and says whether there is such a page.
func (s *signIn) serve(e *exchange, r *http.Request, users *snapshot) bool {
	if s == nil {
		return false
	}
	var get, post func(*exchange, *http.Request)
	switch strings.TrimPrefix(r.URL.Path, s.prefix+"/"+ownPages) {
	case signInPage:
		get, post = s.show, s.submit
	case signOutPage:
		get, post = s.showSignOut, s.signOut
	default:
		return false
	}
	e.outcome = ownPage
	switch {
	case !users.ready:
		s.gate.refuse(e, r, noUsers, http.StatusServiceUnavailable, "no users")
	case !s.check.Ready(): // there the browser's dialog asks
		e.declineBody(r)
		s.redirect(e, returnPath(s.prefix, r.URL.Query().Get("return")), "no session key")
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		e.declineBody(r)
		get(e, r)
	case r.Method != http.MethodPost:
		e.Header().Set("Allow", "GET, HEAD, POST")
		s.gate.refuse(e, r, badRequest, http.StatusMethodNotAllowed, "method")
	case s.check.CrossOrigin(r):
		s.gate.refuse(e, r, denied, http.StatusForbidden, session.ReasonCrossOrigin)
	default:
		post(e, r)
	}
	return true
}

// refuses answers a request without a good credential in the way of a gate that has a sign-in page, and says whether it did;
// where it did not, d is what is left to be said. People are sent to the page. Scripts of a page whose session has ended get
// a 401 at which the browser opens no dialog. Programs get Basic as ever.
func (s *signIn) refuses(e *exchange, r *http.Request, d *auth.Decision) bool {
	if s == nil || !s.check.Ready() || d.Status != http.StatusUnauthorized {
		return false
	}
	mode := r.Header.Get("Sec-Fetch-Mode")
	switch {
	case mode == "navigate" && !isNavigation(r): // a form of the application, sent too late
		e.outcome, e.reason = denied, d.Reason
		e.declineBody(r)
		e.Header()["Www-Authenticate"] = s.challenge
		s.write(e, http.StatusUnauthorized, s.ended())
	case mode != "" && mode != "navigate", r.Header["X-Requested-With"] != nil, r.Header["Upgrade"] != nil && r.Header["Origin"] != nil:
		d.Challenges = s.challenge
		return false
	case isNavigation(r) && r.Header["Authorization"] == nil:
		to := s.own(signInPage)
		if back := returnPath(s.prefix, r.URL.RequestURI()); back != s.prefix+"/" {
			to += "?return=" + url.QueryEscape(back)
		}
		e.outcome = denied
		e.declineBody(r)
		s.redirect(e, to, d.Reason)
	default:
		return false
	}
	return true
}

// until is when what d allows must end at the latest; zero: it need not.
func (s *signIn) until(r *http.Request, d auth.Decision) time.Time {
	if s == nil || d.Identity.Check != session.Name {
		return time.Time{}
	}
	found, ok := s.check.Find(r)
	if !ok { // it ended since it was looked at
		return time.Now()
	}
	return found.Expires
}

func (s *signIn) own(page string) string { return s.prefix + "/" + ownPages + page }

// show is the page to sign in with.
func (s *signIn) show(e *exchange, r *http.Request) {
	back := returnPath(s.prefix, r.URL.Query().Get("return"))
	if _, ok := s.check.Find(r); ok { // and not for the sake of another credential, which may not be sent for the path to return to
		s.redirect(e, back, "signed in already")
		return
	}
	s.form(e, r, http.StatusOK, signInForm{back: back})
}

// submit is the page's form: it verifies the password as every other one, and starts the session.
func (s *signIn) submit(e *exchange, r *http.Request) {
	values, status := readForm(e, r)
	if status != 0 {
		s.gate.refuse(e, r, badRequest, status, "form")
		return
	}
	f := signInForm{back: returnPath(s.prefix, values.Get("return")), user: values.Get("username")}
	nonce := s.nonce(r)
	switch {
	case nonce == "":
		f.problem = noCookie
	case !s.check.ValidForm(signInPage, nonce, "", values.Get("token")):
		f.problem = staleForm
	}
	if f.problem != "" {
		e.outcome, e.reason = denied, "form token"
		s.form(e, r, http.StatusForbidden, f)
		return
	}
	d := s.passwords.Verify(r, f.user, values.Get("password"))
	e.reason = d.Reason
	switch {
	case d.Outcome == auth.Allow:
		s.start(e, r, d, f)
	case d.Status == http.StatusTooManyRequests:
		e.outcome, f.problem = throttled, tooMany
		if !s.gate.tarpit.hold(e) {
			e.Header().Set("Connection", "close")
		}
		e.Header().Set("Retry-After", retryAfter(d.RetryAfter))
		s.form(e, r, d.Status, f)
	case d.Status == http.StatusServiceUnavailable:
		s.gate.deny(e, r, d)
	default:
		// Not 401, which would have to carry a challenge: RFC 9110 section 15.5.2.
		e.outcome, f.problem = denied, wrongPassword
		s.form(e, r, http.StatusForbidden, f)
	}
}

// start gives the browser its session and sends it to where it wanted to go.
func (s *signIn) start(e *exchange, r *http.Request, d auth.Decision, f signInForm) {
	value, started, err := s.check.Issue(d.Identity.User, d.Line)
	if err != nil { // the password was taken away since it was verified, or the key was
		e.outcome, e.reason, f.problem = denied, "no session", staleForm
		s.form(e, r, http.StatusForbidden, f)
		return
	}
	e.identity = d.Identity
	welcome(r.Context())
	s.cookies.set(e.Header(), s.cookies.session, value, started.MaxAge(time.Now()))
	if !acceptsHTML(r) {
		s.redirect(e, f.back, "signed in")
		return
	}
	e.reason = "signed in"
	s.write(e, http.StatusOK, s.signedIn(f.back))
}

// showSignOut is the page to sign out with. A link cannot sign anybody out; only its form can.
func (s *signIn) showSignOut(e *exchange, r *http.Request) {
	who, ok := s.check.Find(r)
	if !ok {
		s.write(e, http.StatusOK, s.signedOut())
		return
	}
	e.identity = auth.Identity{User: who.User, Check: session.Name}
	nonce := s.keepNonce(e, r)
	s.write(e, http.StatusOK, s.signOutForm(who.User, s.check.FormToken(signOutPage, nonce, who.User)))
}

// signOut takes the cookie away. The session that it stood for is good until it ends: whoever copied it before still has it.
func (s *signIn) signOut(e *exchange, r *http.Request) {
	values, status := readForm(e, r)
	if status != 0 {
		s.gate.refuse(e, r, badRequest, status, "form")
		return
	}
	if who, ok := s.check.Find(r); ok {
		e.identity = auth.Identity{User: who.User, Check: session.Name}
		if !s.check.ValidForm(signOutPage, s.nonce(r), who.User, values.Get("token")) {
			e.outcome, e.reason = denied, "form token"
			nonce := s.keepNonce(e, r)
			s.write(e, http.StatusForbidden, s.signOutForm(who.User, s.check.FormToken(signOutPage, nonce, who.User)))
			return
		}
	}
	e.reason = "signed out"
	s.cookies.set(e.Header(), s.cookies.session, "", -1)
	s.write(e, http.StatusOK, s.signedOut())
}

// nonce returns what the browser was given with a form, or nothing.
func (s *signIn) nonce(r *http.Request) string {
	for _, c := range r.CookiesNamed(s.cookies.nonce) {
		if session.ValidNonce(c.Value) {
			return c.Value
		}
	}
	return ""
}

// keepNonce is nonce, and gives the browser one where it has none. Forms in several tabs go with the same.
func (s *signIn) keepNonce(e *exchange, r *http.Request) string {
	nonce := s.nonce(r)
	if nonce == "" {
		nonce = session.NewNonce()
		s.cookies.set(e.Header(), s.cookies.nonce, nonce, 0)
	}
	return nonce
}

// redirect sends the browser on, with GET.
func (s *signIn) redirect(e *exchange, to, reason string) {
	e.reason = reason
	h := e.Header()
	h.Set("Location", to)
	h.Set("Content-Length", "0")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	e.WriteHeader(http.StatusSeeOther)
}

// readForm returns the fields of a form in the body of r, which is at an end then, or the status of a refusal.
func readForm(e *exchange, r *http.Request) (url.Values, int) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, http.StatusUnsupportedMediaType
	}
	conn := http.NewResponseController(e.ResponseWriter)
	_ = conn.SetReadDeadline(time.Now().Add(formTimeout)) // the server's connections can
	came := waiting(r.Context())
	body, err := io.ReadAll(http.MaxBytesReader(e.ResponseWriter, r.Body, maxForm))
	came()
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, http.StatusRequestEntityTooLarge
	case err != nil:
		return nil, http.StatusBadRequest
	}
	_ = conn.SetReadDeadline(time.Time{})
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, http.StatusBadRequest
	}
	return values, 0
}

// retryAfter is the value of Retry-After: whole seconds, at least one.
func retryAfter(d time.Duration) string {
	return strconv.FormatInt(max(int64((d+time.Second-1)/time.Second), 1), 10)
}
