package basic

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/auth"
)

// What came in a form is judged as what comes in the header, and both remember for each other.
func TestVerify(t *testing.T) {
	c := newCounted(Options{Realm: "r"}, "ann:{SHA}"+sha1Of("s3:cret")+"\n")
	var told []string
	c.options.Observe.Decided = func(_ auth.Outcome, reason string) { told = append(told, reason) }
	for _, tt := range []struct{ user, password string }{
		{"ann", "s3:cret"}, {"ann", "s3:cret"}, {"ann", "S3:cret"}, {"ann", ""}, {"ann:s3", "cret"}, {"eve", "x"}, {"", ""}, {"ann\xff", "s3:cret"}, {"ann", "s3:cret\x00"},
	} {
		got := c.Verify(request(), tt.user, tt.password)
		want := tt.user == "ann" && tt.password == "s3:cret"
		if (got.Outcome == auth.Allow) != want || want != (got.Identity.User == "ann") || !want && got.Status != http.StatusUnauthorized {
			t.Errorf("%q %q: %+v", tt.user, tt.password, got)
		}
	}
	if got := decide(t, c, request(credentials("ann", "s3:cret"))); got.Reason != ReasonRemembered {
		t.Errorf("in the header, what was verified in a form: %s", got.Reason)
	}
	c.SetUsers(nil)
	if got := c.Verify(request(), "ann", "s3:cret"); got.Status != http.StatusServiceUnavailable || got.Reason != ReasonNoUsers {
		t.Errorf("without users: %+v", got)
	}
	want := []string{
		ReasonVerified, ReasonRemembered, ReasonWrongPassword, ReasonWrongPassword, ReasonUnknownUser, ReasonUnknownUser, ReasonUnknownUser,
		ReasonUnknownUser, ReasonWrongPassword, ReasonRemembered, ReasonNoUsers,
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("what was told (-want +got):\n%s", diff)
	}
}
