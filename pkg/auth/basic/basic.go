// Package basic owns the check of HTTP Basic credentials (RFC 7617) against an htpasswd file. A password that was
// verified is remembered, so that a request costs about a microsecond; hashing is rationed, so that a flood of wrong
// passwords costs the pod about a tenth of a core.
package basic

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/auth/mac"
	"github.com/kauth-dev/kauth/pkg/cpulimit"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// Name is the Identity.Check of whom this check lets in.
const Name = "basic"

// The reasons of the decisions, for logs and metrics.
const (
	ReasonNoUsers       = "no users"            // 503: SetUsers was given none
	ReasonNoCredentials = "no credentials"      // pass
	ReasonAmbiguous     = "ambiguous header"    // 401: more than one Authorization header
	ReasonMalformed     = "malformed header"    // 401: not base64 of user:password, or over 4096 bytes
	ReasonUnknownUser   = "unknown user"        // 401
	ReasonWrongPassword = "wrong password"      // 401
	ReasonBusy          = "too many attempts"   // 429
	ReasonGone          = "client went away"    // 503, which nobody sees
	ReasonRemembered    = "password remembered" // allow
	ReasonVerified      = "password verified"   // allow
)

// Options are the settings of a Check. The zero value works: nothing is remembered, and nobody is let in before
// SetUsers.
type Options struct {
	Realm   string                     // of the challenge
	TTL     time.Duration              // how long a verified password is remembered; 0: not at all
	Queue   int                        // attempts that may wait for the one hashing slot, over all sources; at least 1
	Source  func(*http.Request) string // the client's address, between which the slot is shared fairly; nil: the peer's
	Now     func() time.Time           // nil: time.Now
	Observe Observer
}

// Observer is told what a Check does, for metrics. Any of the functions may be nil. They are called by many goroutines
// at once, some under a lock, and must be quick.
type Observer struct {
	Hashed     func(d time.Duration, ok bool)            // an attempt was hashed, which took d of a core; ok: the password was right
	Remembered func()                                    // a password was known without hashing
	Waiting    func(n int)                               // so many attempts wait for the slot now
	Decided    func(outcome auth.Outcome, reason string) // what Authenticate answers
}

// Check is the Authenticator. Make it with New.
type Check struct {
	options    Options
	challenges []string
	key        mac.Key
	match      func(htpasswd.Hash, string, func()) bool
	waste      func(time.Duration, htpasswd.Algorithm, string, func())
	slot       *slot

	setting sync.Mutex // held while SetUsers builds a table
	table   atomic.Pointer[table]
}

// New returns a Check that refuses everybody until SetUsers.
func New(o Options) *Check {
	used, cores := threadTime, cpulimit.Cores
	if o.Now != nil {
		used, cores = nil, nil // with a clock of its own, a test also says how long hashing takes
	} else {
		o.Now = time.Now
	}
	if o.Source == nil {
		o.Source = peer
	}
	c := &Check{
		options:    o,
		challenges: []string{challenge(o.Realm)},
		key:        randomKey(),
		match:      htpasswd.Hash.MatchSteps,
		waste:      htpasswd.Waste,
	}
	c.slot = newSlot(max(o.Queue, 1), o.Now, c.verify, o.Observe)
	c.slot.used, c.slot.cores = used, cores
	c.table.Store(&table{})
	return c
}

// randomKey is a key that no other process has.
func randomKey() mac.Key {
	var secret [sha256.Size]byte
	rand.Read(secret[:]) // it returns no error, but ends the program
	return mac.New(secret[:])
}

// consumed is what an Allow takes out of the request.
var consumed = []string{"Authorization"}

// Authenticate decides over the request's Authorization header:
//
//   - without users: Deny, 503, whatever was sent;
//   - no header, or another scheme: Pass, with the challenge;
//   - two headers, or one that cannot be read: Deny, 401, with the challenge;
//   - a right password: Allow, and the header is Consumed;
//   - a wrong one: Deny, 401, with the challenge, after the same work whoever the user is;
//   - no place or no time to check it: Deny, 429, with RetryAfter.
//
// It waits while the password is hashed, at most until the request's context ends. It never returns an error.
func (c *Check) Authenticate(r *http.Request) (auth.Decision, error) {
	d := c.decide(r)
	if c.options.Observe.Decided != nil {
		c.options.Observe.Decided(d.Outcome, d.Reason)
	}
	return d, nil
}

func (c *Check) decide(r *http.Request) auth.Decision {
	t := c.table.Load()
	if len(t.users) == 0 {
		return auth.Decision{Outcome: auth.Deny, Status: http.StatusServiceUnavailable, Reason: ReasonNoUsers}
	}
	headers := r.Header["Authorization"]
	if len(headers) > 1 {
		return c.unauthorized(ReasonAmbiguous)
	}
	if len(headers) == 0 {
		return auth.Decision{Outcome: auth.Pass, Challenges: c.challenges, Reason: ReasonNoCredentials}
	}
	token, ok := basicToken(headers[0])
	if !ok {
		return auth.Decision{Outcome: auth.Pass, Challenges: c.challenges, Reason: ReasonNoCredentials}
	}
	var space [tokenSpace]byte
	user, password, ok := decode(space[:], token)
	if !ok {
		return c.unauthorized(ReasonMalformed)
	}
	return c.judge(t, r, user, password)
}

// Verify is Authenticate for a user and a password that came with r in another way, such as a form: the same work, the
// same queue and the same answers, but for those about the header.
func (c *Check) Verify(r *http.Request, user, password string) auth.Decision {
	d := auth.Decision{Outcome: auth.Deny, Status: http.StatusServiceUnavailable, Reason: ReasonNoUsers}
	if t := c.table.Load(); len(t.users) > 0 {
		d = c.judge(t, r, []byte(user), []byte(password))
	}
	if c.options.Observe.Decided != nil {
		c.options.Observe.Decided(d.Outcome, d.Reason)
	}
	return d
}

// judge decides over a user and a password, whose bytes it does not keep.
func (c *Check) judge(t *table, r *http.Request, user, password []byte) auth.Decision {
	known := t.lookUp(string(user))
	if p := known.remembered(c.key.Sign(user, password, known.lines[:])); p != nil && c.options.Now().Before(p.until) {
		if c.options.Observe.Remembered != nil {
			c.options.Observe.Remembered()
		}
		return allow(known.name, p.line, ReasonRemembered)
	}
	return c.verified(r, user, password)
}

func allow(user string, line auth.Line, reason string) auth.Decision {
	return auth.Decision{
		Outcome: auth.Allow, Identity: auth.Identity{User: user, Check: Name}, Line: line, Consumed: consumed, Reason: reason,
	}
}

func (c *Check) unauthorized(reason string) auth.Decision {
	return auth.Decision{Outcome: auth.Deny, Status: http.StatusUnauthorized, Challenges: c.challenges, Reason: reason}
}

// verified has the credentials hashed. When the user's lines change meanwhile, it starts again: neither a password
// that is no longer valid nor the refusal of one that is by now must come of what was.
func (c *Check) verified(r *http.Request, user, password []byte) auth.Decision {
	a := &attempt{
		key:      c.key.Sign(user, password),
		user:     string(user),
		password: string(password),
		refused:  !utf8.Valid(user) || !utf8.Valid(password),
		source:   c.slot.source(c.options.Source(r), user),
	}
	for range 3 {
		t := c.table.Load()
		if len(t.users) > 0 {
			u := t.lookUp(a.user)
			a.proven = u.remembered(c.key.Sign(user, password, u.lines[:])) != nil
		}
		v, err := c.slot.wait(r.Context(), a)
		var busy *busyError
		switch {
		case errors.As(err, &busy):
			return auth.Decision{
				Outcome: auth.Deny, Status: http.StatusTooManyRequests, RetryAfter: busy.retryAfter, Reason: ReasonBusy,
			}
		case err != nil:
			return auth.Decision{Outcome: auth.Deny, Status: http.StatusServiceUnavailable, Reason: ReasonGone}
		}
		switch now := c.table.Load(); {
		case len(now.users) == 0:
			return auth.Decision{Outcome: auth.Deny, Status: http.StatusServiceUnavailable, Reason: ReasonNoUsers}
		case now.users[a.user] != v.user:
			continue
		case v.ok:
			return allow(v.user.name, v.line, ReasonVerified)
		case v.user == nil:
			return c.unauthorized(ReasonUnknownUser)
		default:
			return c.unauthorized(ReasonWrongPassword)
		}
	}
	return auth.Decision{
		Outcome: auth.Deny, Status: http.StatusTooManyRequests, RetryAfter: time.Second, Reason: ReasonBusy,
	}
}

// peer is the address of whoever opened the connection.
func peer(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}
