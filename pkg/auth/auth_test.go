package auth

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fixed is a check that always says the same.
type fixed struct {
	decision Decision
	err      error
	asked    *int
}

func (f fixed) Authenticate(*http.Request) (Decision, error) {
	if f.asked != nil {
		*f.asked++
	}
	return f.decision, f.err
}

func TestChain(t *testing.T) {
	broken := errors.New("broken")
	pass := func(challenge string) fixed { return fixed{decision: Decision{Challenges: []string{challenge}}} }
	alice := Decision{Outcome: Allow, Identity: Identity{User: "alice", Check: "basic"}, Consumed: []string{"Authorization"}}
	busy := Decision{Outcome: Deny, Status: http.StatusTooManyRequests, Reason: "too many attempts"}
	for _, tc := range []struct {
		name  string
		chain Chain
		want  Decision
		err   error
	}{
		{"no check lets nobody in", nil, Decision{Outcome: Deny, Status: 401, Reason: "no credentials"}, nil},
		{
			"all pass: every challenge, in order",
			Chain{pass("Basic"), pass("Bearer")},
			Decision{Outcome: Deny, Status: 401, Reason: "no credentials", Challenges: []string{"Basic", "Bearer"}},
			nil,
		},
		{"the first that does not pass decides", Chain{pass("Basic"), fixed{decision: alice}, fixed{decision: busy}}, alice, nil},
		{"a denial is not overruled", Chain{fixed{decision: busy}, fixed{decision: alice}}, busy, nil},
		{"a denial without status is a 401", Chain{fixed{decision: Decision{Outcome: Deny}}}, Decision{Outcome: Deny, Status: 401}, nil},
		{"a broken check lets nobody in", Chain{pass("Basic"), fixed{decision: alice, err: broken}, fixed{decision: alice}}, Decision{}, broken},
	} {
		t.Run(tc.name, func(t *testing.T) {
			asked := 0
			got, err := append(tc.chain, fixed{decision: Decision{}, asked: &asked}).Authenticate(httptest.NewRequest(http.MethodGet, "/", nil))
			if !errors.Is(err, tc.err) {
				t.Errorf("error %v, want %v", err, tc.err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if passed := got.Reason == "no credentials"; passed != (asked == 1) {
				t.Errorf("the last check was asked %d times", asked)
			}
		})
	}
}
