package verify

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/live"
	"github.com/kauth-dev/kauth/pkg/proof"
)

// TestRefuses: what a gate may say to strangers, and what of that is an open door. The gates of the stories are real; here
// are those that are hard to come by.
func TestRefuses(t *testing.T) {
	asks := func(code int, challenge string) response {
		return response{code: code, header: http.Header{"Www-Authenticate": {challenge}}}
	}
	good, fine := asks(401, `Basic realm="R\"x", charset="UTF-8"`), response{code: 200}
	for _, c := range []struct {
		name   string
		change func(*gateconf.Config)
		a      answer
		want   string
	}{
		{"as it should", nil, answer{plain: good, wrong: good, health: fine}, `pass: 401 without a password (realm "R\"x"); /health 200`},
		{"the application itself", nil, answer{plain: asks(401, "Basic"), wrong: asks(401, "Basic")}, "pass: 401 without a password"},
		{"waits after failures", nil, answer{plain: good, wrong: response{code: 429}, health: fine}, "pass: "},
		{"lets everybody in", nil, answer{plain: response{code: 200}, health: fine}, "fail: lets everybody in: 200 without a password"},
		{"redirects everybody", nil, answer{plain: response{code: 302}, health: fine}, "fail: lets everybody in: 302"},
		{"not there", nil, answer{plain: response{code: 404}, health: fine}, "fail: answers 404 without a password, not 401"},
		{"takes any password", nil, answer{plain: good, wrong: response{code: 200}, health: fine}, "fail: lets everybody in: 200 with a password that nobody has"},
		{"another realm", nil, answer{plain: asks(401, `Basic realm="other"`), health: fine}, `fail: asks for a password of realm "other", but its arguments say "R\"x"`},
		{"another scheme", nil, answer{plain: asks(401, `Bearer realm="R"`), health: fine}, "fail: answers 401, but asks for no Basic password"},
		{"no users", nil, answer{plain: response{code: 503}}, "fail: answers 503: nobody gets in"},
		{"hangs", nil, answer{plain: response{err: errors.New("no answer within 15s")}}, "fail: no answer: no answer within 15s"},
		{"not well", nil, answer{plain: good, wrong: good, health: response{code: 503}}, `fail: 401 without a password (realm "R\"x"); /health answers 503`},
		{"wants a header", func(c *gateconf.Config) { c.RequireHeader = "X-O" }, answer{plain: response{code: 403}, wrong: response{code: 403}, health: fine}, "warn: 403 without header X-O; whether it asks for a password with the header was not tried, for its values could not be read; /health 200"},
		{"no answer with its header", func(c *gateconf.Config) { c.RequireHeader = "X-O" }, answer{plain: response{code: 403}, headed: response{err: errors.New("hung up")}, health: fine}, "warn: 403 without header X-O; whether it asks for a password with the header is not known, for there was no answer: hung up; /health 200"},
		{"not there behind its header", func(c *gateconf.Config) { c.RequireHeader = "X-O" }, answer{plain: response{code: 403}, headed: response{code: 404}, health: fine}, "fail: answers 404 with header X-O and without a password, not 401"},
		{"a wrong password is let to what is not there", nil, answer{plain: good, wrong: response{code: 404}, health: fine}, "fail: answers 404 to a password that nobody has, not 401"},
		{"no answer to a wrong password", nil, answer{plain: good, wrong: response{err: errors.New("hung up")}, health: fine}, "warn: 401 without a password; no answer to a wrong password: hung up (realm"},
		{"no other check", func(c *gateconf.Config) { c.RequireHeader, c.Auth = "X-O", gateconf.AuthNone }, answer{plain: response{code: 403}, health: fine}, "pass: 403 without header X-O; /health 200"},
		{"takes its header", func(c *gateconf.Config) { c.RequireHeader = "X-O" }, answer{plain: response{code: 403}, headed: good, wrong: good, health: fine}, "pass: 403 without header X-O, 401 with it; /health 200"},
		{"a header is enough", func(c *gateconf.Config) { c.RequireHeader = "X-O" }, answer{plain: response{code: 403}, headed: fine, health: fine}, "fail: lets everybody in who has the header: 200"},
		{"a header is to be enough", func(c *gateconf.Config) { c.RequireHeader, c.Auth = "X-O", gateconf.AuthNone }, answer{plain: response{code: 403}, headed: fine, health: fine}, "pass: 403 without header X-O, 200 with it; /health 200"},
		{"wants no header", func(c *gateconf.Config) { c.RequireHeader = "X-O" }, answer{plain: good, health: fine}, "fail: answers 401 without a password, not 403"},
	} {
		s := &subject{Standing: proof.Standing{Checked: proof.Checked{Mode: config.ModeSidecar}, Config: gateconf.Defaults()}}
		s.Config.Realm = `R"x`
		if c.name == "the application itself" {
			s.Mode = config.ModeNative
		}
		if c.change != nil {
			c.change(&s.Config)
		}
		v := &verifier{Report: &Report{}}
		v.refuses(s, &live.Pod{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}}}, "Pod p", &c.a)
		if got := string(v.Checks[0].Status) + ": " + v.Checks[0].Message; len(v.Checks) != 1 || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestLoaded: the users that a gate says it goes by, beside those of the Secret.
func TestLoaded(t *testing.T) {
	told := func(loaded int, fingerprint, fault string) answer {
		status := &live.GateStatus{}
		status.Users.Loaded, status.Users.Fingerprint, status.Users.Error = loaded, fingerprint, fault
		return answer{status: status}
	}
	for _, c := range []struct {
		a      answer
		secret *users
		want   string
	}{
		{told(2, "f", ""), &users{fingerprint: "f"}, `pass: in force: 2, as Secret "kauth-users" says`},
		{told(2, "old", ""), &users{fingerprint: "f"}, `fail: in force: 2, from another text than Secret "kauth-users" has now`},
		{told(0, "f", ""), &users{fingerprint: "f"}, "fail: no user is in force, so nobody gets in"},
		{told(2, "old", "line 3: no colon"), &users{fingerprint: "f"}, "fail: the last good users are in force, 2 of them, not the Secret's: line 3: no colon"},
		{told(0, "", "no such file"), &users{fingerprint: "f"}, "fail: nobody gets in: no such file"},
		{told(2, "f", ""), nil, `warn: in force: 2; not compared with Secret "kauth-users", which could not be read`},
		{told(2, "", ""), &users{fingerprint: "f"}, `warn: in force: 2; not compared with Secret "kauth-users", for the gate tells no fingerprint`},
		{answer{noStatus: errors.New("connection refused")}, &users{fingerprint: "f"}, "fail: its port 8182, where a gate says which users are in force: connection refused"},
	} {
		s := &subject{Standing: proof.Standing{Checked: proof.Checked{Mode: config.ModeNative}, Config: gateconf.Defaults()}}
		v := &verifier{Report: &Report{}, Options: Options{Secret: "kauth-users"}, secrets: map[string]*users{"/kauth-users": c.secret}}
		v.loaded(s, &live.Pod{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}}}, "Pod p", &c.a)
		if got := string(v.Checks[0].Status) + ": " + v.Checks[0].Message; len(v.Checks) != 1 || got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestLetsIn: what becomes of the password of --user.
func TestLetsIn(t *testing.T) {
	for code, want := range map[int]string{
		200: "pass: let in (200)", 302: "pass: let in (302)", 404: "pass: let in (404)", 401: "fail: refused with 401", 403: "fail: refused with 403",
		429: "fail: made to wait after failed passwords (429)", 503: "fail: let in, or not: the answer was 503",
	} {
		v := &verifier{Report: &Report{}, Options: Options{User: "alice"}}
		v.letsIn(&subject{}, "Pod p", response{code: code})
		if got := string(v.Checks[0].Status) + ": " + v.Checks[0].Message; got != want {
			t.Errorf("%d: %q, want %q", code, got, want)
		}
	}
}

// TestNotCompared: what is said of a gate's users where the Secret's are not known.
func TestNotCompared(t *testing.T) {
	for unknown, known := range map[string]*users{"could not be read": nil, "is not there": {unknown: "is not there"}, `has no key "auth"`: {unknown: `has no key "auth"`}} {
		s := &subject{Standing: proof.Standing{Checked: proof.Checked{Mode: config.ModeSidecar}, Config: gateconf.Defaults()}}
		s.Config.UsersSecret = "u"
		v := &verifier{Report: &Report{}, secrets: map[string]*users{"/u": known}}
		a := &answer{status: &live.GateStatus{}}
		a.status.Users.Loaded = 2
		v.loaded(s, &live.Pod{Pod: &corev1.Pod{}}, "Pod p", a)
		if got, want := v.Checks[0].Message, `in force: 2; not compared with Secret "u", which `+unknown; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestGrants: who gets past the gates through the API server.
func TestGrants(t *testing.T) {
	rule := func(groups, resources, verbs string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: strings.Split(groups, ","), Resources: strings.Split(resources, ","), Verbs: strings.Split(verbs, ",")}
	}
	for _, c := range []struct {
		rule  rbacv1.PolicyRule
		minor int
		want  string
	}{
		{rule("", "pods", "*"), 36, ""},
		{rule("", "pods/portforward", "create"), 36, "pods/portforward"},
		{rule("", "pods/portforward", "list"), 0, ""},
		{rule("", "pods/portforward,pods/exec,pods/attach", "get"), 34, "pods/attach pods/exec pods/portforward"},
		{rule("", "pods/portforward,pods/exec,pods/attach", "get"), 35, ""},
		{rule("", "pods/exec", "get"), 0, "pods/exec"},
		{rule("apps", "*", "*"), 36, ""},
		{rule("", "*/proxy", "get"), 36, "nodes/proxy pods/proxy services/proxy"},
		{rule("", "services/proxy", "create"), 36, "services/proxy"},
		{rule("", "nodes/proxy", "get"), 36, "nodes/proxy"},
		{rule("*", "*", "*"), 36, "nodes/proxy pods/attach pods/ephemeralcontainers pods/exec pods/portforward pods/proxy services/proxy"},
	} {
		if got := strings.Join(rightsOf([]rbacv1.PolicyRule{c.rule}, c.minor), " "); got != c.want {
			t.Errorf("%v in 1.%d: %q, want %q", c.rule, c.minor, got, c.want)
		}
	}
	grants := map[string][]string{}
	grant(grants, "ns", []rbacv1.Subject{
		{Kind: "User", Name: "system:kube-scheduler"},
		{Kind: "Group", Name: "system:masters"},
		{Kind: "ServiceAccount", Name: "x", Namespace: "kube-system"},
		{Kind: "Group", Name: "system:authenticated"},
		{Kind: "Group", Name: "system:serviceaccounts:ns"},
		{Kind: "User", Name: "olga"},
		{Kind: "ServiceAccount", Name: "bob"},
	}, []string{nodeProxy, "pods/exec"})
	grant(grants, "ns", []rbacv1.Subject{{Kind: "User", Name: "node"}}, []string{nodeProxy}) // no namespace can give it
	grant(grants, "", []rbacv1.Subject{{Kind: "User", Name: "everywhere"}}, []string{nodeProxy})
	want := map[string][]string{
		"Group system:authenticated": {"pods/exec"}, "Group system:serviceaccounts:ns": {"pods/exec"}, "User olga": {"pods/exec"}, "ServiceAccount ns/bob": {"pods/exec"},
		"User everywhere": {nodeProxy},
	}
	if diff := cmp.Diff(want, grants); diff != "" {
		t.Error(diff)
	}
}

// TestSameImage: what mirrors and webhooks make of an image is the same, another version is not.
func TestSameImage(t *testing.T) {
	const one, other = "@sha256:01", "@sha256:02"
	for _, c := range []struct {
		wanted, found string
		same, pinned  bool
	}{
		{"ghcr.io/x/proxy:v1", "mirror:5000/ghcr.io/x/proxy:v1", true, false},
		{"ghcr.io/x/proxy:v1", "ghcr.io/x/proxy:v1" + one, true, false},
		{"ghcr.io/x/proxy:v1" + one, "mirror/proxy:v1", true, false},
		{"ghcr.io/x/proxy:v1" + one, "ghcr.io/x/proxy" + one, true, false},
		{"ghcr.io/x/proxy:v1", "ghcr.io/x/proxy" + one, false, true},
		{"ghcr.io/x/proxy:v1" + one, "ghcr.io/x/proxy:v1" + other, false, false},
		{"ghcr.io/x/proxy:v1" + one, "ghcr.io/x/proxy" + other, false, false},
		{"ghcr.io/x/proxy:v1", "ghcr.io/x/proxy:v2" + one, false, false},
		{"ghcr.io/x/proxy:v1", "ghcr.io/x/other:v1", false, false},
		{"ghcr.io/x/proxy:v1", "ghcr.io/x/other" + one, false, false},
		{"ghcr.io/x/proxy", "ghcr.io/x/proxy" + one, false, false},
	} {
		if got := sameImage(c.wanted, c.found); got != c.same {
			t.Errorf("%s, %s: the same: %v", c.wanted, c.found, got)
		}
		if got := pinned(c.wanted, c.found); got != c.pinned {
			t.Errorf("%s, %s: pinned: %v", c.wanted, c.found, got)
		}
	}
}

// TestNativeHints: an application that asks for the password itself has no gate to replace, nor one whose log may say why.
func TestNativeHints(t *testing.T) {
	p := &live.Pod{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "p"}}}
	s := &subject{Standing: proof.Standing{Checked: proof.Checked{Mode: config.ModeNative}, Config: gateconf.Defaults()}}
	for _, c := range []struct {
		a    answer
		want string
	}{
		{answer{plain: response{code: 200}}, anew},
		{answer{plain: response{err: errors.New("hung up")}}, "kubectl logs -n ns p may say why"},
	} {
		v := &verifier{Report: &Report{}}
		v.refuses(s, p, "Pod ns/p", &c.a)
		if got := v.Checks[0].Hint; got != c.want {
			t.Errorf("%s: %q, want %q", v.Checks[0].Message, got, c.want)
		}
	}
}
