// Package auth owns what the checks of a gate have in common: the Authenticator that each of them is, the Decision
// that it takes, the Identity that it finds, and the Chain that asks them in order. It knows no check and no proxy.
package auth

import (
	"net/http"
	"time"
)

// An Authenticator decides whether it knows who sent a request. It knows neither the proxy nor the other checks, and
// is safe for use by many goroutines.
type Authenticator interface {
	// Authenticate must not change the request. An error means that the check itself is broken; the client sees a 5xx.
	Authenticate(*http.Request) (Decision, error)
}

// Outcome is what a check says of a request.
type Outcome int

// The outcomes. The zero value lets nobody in.
const (
	Pass    Outcome = iota // the request carries nothing for this check; ask the next one
	Allow                  // the check knows who sent the request
	Deny                   // the check knows that the request must not get in
	Respond                // the check answers the request itself, such as with a redirect
)

// Identity is who a check found.
type Identity struct {
	User   string
	Groups []string
	Check  string // the check that found it, such as "basic"
}

// Decision is what a check, or the Chain, says of one request.
type Decision struct {
	Outcome    Outcome
	Identity   Identity      // with Allow
	Line       Line          // with Allow: what the credential goes back to, and counts no longer than
	Status     int           // with Deny: 401, 403, 429 or 503; the Chain sends 401 where it is zero
	Challenges []string      // values for WWW-Authenticate, with Pass and with a Deny of 401
	RetryAfter time.Duration // with a Deny of 429 or 503; zero: not said
	Consumed   []string      // with Allow: names of headers that carried the credential and must not reach the upstream
	Handler    http.Handler  // with Respond
	Reason     string        // one of a few fixed words for logs and metrics, such as "wrong password"; never sent to the client
}

// Chain asks its checks in order. The first that does not pass decides. A Chain without checks lets nobody in.
type Chain []Authenticator

// Authenticate returns the first decision that is not Pass. When all pass, or there are none, it is a Deny of 401
// with the challenges of all.
func (c Chain) Authenticate(r *http.Request) (Decision, error) {
	denied := Decision{Outcome: Deny, Status: http.StatusUnauthorized, Reason: "no credentials"}
	for _, check := range c {
		d, err := check.Authenticate(r)
		if err != nil {
			return Decision{}, err
		}
		if d.Outcome != Pass {
			if d.Outcome == Deny && d.Status == 0 {
				d.Status = http.StatusUnauthorized
			}
			return d, nil
		}
		denied.Challenges = append(denied.Challenges, d.Challenges...)
	}
	return denied, nil
}
