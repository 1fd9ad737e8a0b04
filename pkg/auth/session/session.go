// Package session owns the check of a signed cookie that stands for a password which was verified before. Nothing is stored:
// the cookie says who was let in and when, and a MAC over that and the htpasswd line that was right says that it is true. So a
// session is good for every gate with the same keys and users, survives a restart, and ends when that line is gone: with the
// password, or with the user. A second password beside the first, while one replaces the other, leaves it alone. What nobody
// can do without a store is end one session and leave the others of the same line.
package session

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// Name is the Identity.Check of whom this check lets in.
const Name = "session"

// The reasons of the decisions, for logs and metrics.
const (
	ReasonNone        = "no session"           // pass: no cookie, or one that is not good (any more)
	ReasonCrossOrigin = "cross-origin request" // 403: another site's page used the visitor's cookie
	ReasonSession     = "session"              // allow
)

// Options are the settings of a Check.
type Options struct {
	Cookie string           // its name
	TTL    time.Duration    // how long a cookie is good after it was issued, also where it says that it is longer
	Now    func() time.Time // nil: time.Now
}

// Check is the Authenticator. Make it with New.
type Check struct {
	options Options
	origins *http.CrossOriginProtection

	setting sync.Mutex // held while a new state is made
	state   atomic.Pointer[state]
}

// state is never changed once it can be seen.
type state struct {
	keys  *Keys
	users map[string]known
	most  int // lines that any of them has, and so the work of each cookie
}

// New returns a Check that knows nobody until SetUsers and SetKeys.
func New(o Options) *Check {
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Check{options: o, origins: http.NewCrossOriginProtection()}
	c.state.Store(&state{})
	return c
}

// SetKeys puts keys in force at once. nil: nobody is known, and no cookie can be made. They are not changed afterwards.
func (c *Check) SetKeys(k *Keys) {
	c.setting.Lock()
	defer c.setting.Unlock()
	next := *c.state.Load()
	next.keys = k
	c.state.Store(&next)
}

// SetUsers puts the good lines of f in force at once: sessions that were begun with another are over. Of a user's lines
// those count that package basic looks at, the first four. A nil f means nobody. It does not keep f.
func (c *Check) SetUsers(f *htpasswd.File) {
	users, most := map[string]known{}, 0
	if f != nil {
		for _, e := range f.Entries() {
			u := users[e.User]
			if len(u.lines) < gateconf.MaxPasswords {
				users[e.User] = known{name: e.User, lines: append(u.lines, auth.LineOf(e.User, e.Hash.String()))}
				most = max(most, len(u.lines)+1)
			}
		}
	}
	c.setting.Lock()
	defer c.setting.Unlock()
	next := *c.state.Load()
	next.users, next.most = users, most
	c.state.Store(&next)
}

// Ready says whether cookies can be made: there are keys.
func (c *Check) Ready() bool { return c.state.Load().keys.Len() > 0 }

// ErrGone is the error of Issue where there are no keys, or no such line of the user, any more.
var ErrGone = errors.New("no such password of the user, or no key to sign a session with")

// Issue returns the value of a cookie for user, who has just been verified by line, and what it says.
func (c *Check) Issue(user string, line auth.Line) (string, Session, error) {
	st := c.state.Load()
	if !slices.Contains(st.users[user].lines, line) || st.keys.Len() == 0 {
		return "", Session{}, ErrGone
	}
	now := c.options.Now()
	s := Session{User: user, Issued: now, Expires: now.Add(c.options.TTL), Line: line}
	value, err := st.keys.list[0].seal(s)
	return value, s, err
}

// Authenticate decides over the cookies of a request:
//
//   - none that is good, for whatever reason: Pass, without a challenge;
//   - a good one that another site's page made the browser send, to change something or to open a WebSocket: Deny, 403,
//     or Pass where the request carries a credential of its own;
//   - a good one: Allow. Basic credentials beside it are Consumed: they are always for the gate, and the application is not
//     given a password because a cookie was there too.
//
// X-Forwarded-Host must be gone unless a trusted proxy wrote it. Authenticate never returns an error.
func (c *Check) Authenticate(r *http.Request) (auth.Decision, error) {
	s, ok := c.Find(r)
	if !ok {
		return auth.Decision{Outcome: auth.Pass, Reason: ReasonNone}, nil
	}
	credentials := r.Header["Authorization"]
	if c.CrossOrigin(r) {
		if len(credentials) > 0 {
			return auth.Decision{Outcome: auth.Pass, Reason: ReasonCrossOrigin}, nil
		}
		return auth.Decision{Outcome: auth.Deny, Status: http.StatusForbidden, Reason: ReasonCrossOrigin}, nil
	}
	d := auth.Decision{Outcome: auth.Allow, Identity: auth.Identity{User: s.User, Check: Name}, Line: s.Line, Reason: ReasonSession}
	for _, line := range credentials {
		if isBasic(line) {
			d.Consumed = consumed
		}
	}
	return d, nil
}

var consumed = []string{"Authorization"}

// isBasic is as generous as the least careful reader behind the gate might be.
func isBasic(credential string) bool {
	const scheme = "basic"
	credential = strings.TrimSpace(credential)
	return len(credential) >= len(scheme) && strings.EqualFold(credential[:len(scheme)], scheme)
}

// CrossOrigin says whether r changes something, or opens a WebSocket, and a browser says that a page of another origin asks
// for it. SameSite=Lax keeps cookies out of what other sites send, but other hosts of the same site are none.
func (c *Check) CrossOrigin(r *http.Request) bool {
	upgrade := r.Header["Upgrade"] != nil
	if !upgrade && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return false
	}
	ask := &http.Request{Method: r.Method, Header: r.Header, Host: r.Host, URL: r.URL}
	if upgrade { // a GET, but what follows is no page to be looked at
		ask.Method = http.MethodPost
	}
	if c.origins.Check(ask) == nil {
		return false
	}
	if ask.Host = r.Header.Get("X-Forwarded-Host"); ask.Host == "" {
		return true
	}
	return c.origins.Check(ask) != nil
}
