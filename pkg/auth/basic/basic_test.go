package basic

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

const wantChallenge = `Basic realm="Prom \"x\" \\", charset="UTF-8"`

// hashed makes a line of bcrypt at the lowest cost.
func hashed(t testing.TB, user, password string) string {
	t.Helper()
	h, err := htpasswd.Generate(password, htpasswd.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return user + ":" + h.String() + "\n"
}

// counted is a Check whose hashes are counted.
type counted struct {
	*Check
	hashes, hits atomic.Int64
}

func newCounted(o Options, lines ...string) *counted {
	c := &counted{}
	o.Observe.Hashed = func(time.Duration, bool) { c.hashes.Add(1) }
	o.Observe.Remembered = func() { c.hits.Add(1) }
	o.Queue = max(o.Queue, 16)
	if o.TTL == 0 {
		o.TTL = time.Hour
	}
	c.Check = New(o)
	c.SetUsers(htpasswd.Parse([]byte(strings.Join(lines, ""))))
	return c
}

func request(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, h := range headers {
		r.Header.Add("Authorization", h)
	}
	return r
}

func credentials(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func decide(t testing.TB, c auth.Authenticator, r *http.Request) auth.Decision {
	t.Helper()
	d, err := c.Authenticate(r)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestHeaders(t *testing.T) {
	c := newCounted(Options{Realm: `Prom "x" \`}, "ann:{SHA}"+sha1Of("s3:cret")+"\n", "zoë:{SHA}"+sha1Of("pässwörd")+"\n")
	good := credentials("ann", "s3:cret")
	token := strings.TrimPrefix(good, "Basic ")
	challenges := []string{wantChallenge}
	pass := auth.Decision{Outcome: auth.Pass, Challenges: challenges, Reason: ReasonNoCredentials}
	deny := func(reason string) auth.Decision {
		return auth.Decision{Outcome: auth.Deny, Status: 401, Challenges: challenges, Reason: reason}
	}
	passwords := map[string]string{"ann": "s3:cret", "zoë": "pässwörd"}
	allowed := func(user, reason string) auth.Decision {
		return auth.Decision{
			Outcome: auth.Allow, Identity: auth.Identity{User: user, Check: "basic"},
			Line:     auth.LineOf(user, "{SHA}"+sha1Of(passwords[user])),
			Consumed: []string{"Authorization"}, Reason: reason,
		}
	}
	for _, tc := range []struct {
		name    string
		headers []string
		want    auth.Decision
	}{
		{"none", nil, pass},
		{"empty", []string{""}, pass},
		{"bearer", []string{"Bearer abc"}, pass},
		{"another scheme that begins alike", []string{"Basically " + token}, pass},
		{"right", []string{good}, allowed("ann", ReasonVerified)},
		{"right, again", []string{good}, allowed("ann", ReasonRemembered)},
		{"right, UTF-8", []string{credentials("zoë", "pässwörd")}, allowed("zoë", ReasonVerified)},
		{"scheme in capitals, more spaces", []string{"BASIC   " + token + " "}, allowed("ann", ReasonRemembered)},
		{"two", []string{good, good}, deny(ReasonAmbiguous)},
		{"two, of which one is another scheme", []string{"Bearer abc", good}, deny(ReasonAmbiguous)},
		{"two in one line", []string{good + ", " + good}, deny(ReasonMalformed)},
		{"scheme alone", []string{"Basic"}, deny(ReasonMalformed)},
		{"scheme and space", []string{"Basic "}, deny(ReasonMalformed)},
		{"a tab after the scheme", []string{"Basic\t" + token}, pass},
		{"not base64", []string{"Basic ann:s3:cret"}, deny(ReasonMalformed)},
		{"no padding", []string{"Basic " + strings.TrimRight(credentials("ann", "s3:cre"), "=")[6:]}, deny(ReasonMalformed)},
		{"no colon", []string{"Basic " + base64.StdEncoding.EncodeToString([]byte("ann"))}, deny(ReasonMalformed)},
		{"too long", []string{credentials("ann", strings.Repeat("x", 4096))}, deny(ReasonMalformed)},
		{"wrong password", []string{credentials("ann", "s3:cre")}, deny(ReasonWrongPassword)},
		{"no password", []string{credentials("ann", "")}, deny(ReasonWrongPassword)},
		{"unknown user", []string{credentials("bob", "s3:cret")}, deny(ReasonUnknownUser)},
		{"no user", []string{credentials("", "s3:cret")}, deny(ReasonUnknownUser)},
		{"no user, no password", []string{credentials("", "")}, deny(ReasonUnknownUser)},
		{"user in another case", []string{credentials("Ann", "s3:cret")}, deny(ReasonUnknownUser)},
		{"a NUL at the end", []string{credentials("ann", "s3:cret\x00")}, deny(ReasonWrongPassword)},
		{"not UTF-8", []string{credentials("zo\xeb", "p\xe4ssw\xf6rd")}, deny(ReasonUnknownUser)},
		{"longer than what needs no allocation", []string{credentials("ann", strings.Repeat("x", 2000))}, deny(ReasonWrongPassword)},
	} {
		if diff := cmp.Diff(tc.want, decide(t, c, request(tc.headers...))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestNoUsersMeansNobody(t *testing.T) {
	want := auth.Decision{Outcome: auth.Deny, Status: 503, Reason: ReasonNoUsers}
	c := New(Options{})
	for _, file := range []*htpasswd.File{nil, htpasswd.Parse(nil), htpasswd.Parse([]byte("# none\nann:plain\n"))} {
		for _, header := range []string{"", "Bearer x", credentials("ann", "plain"), credentials("", "")} {
			if diff := cmp.Diff(want, decide(t, c, request(header))); diff != "" {
				t.Errorf("%q (-want +got):\n%s", header, diff)
			}
		}
		c.SetUsers(htpasswd.Parse([]byte(hashed(t, "ann", "x"))))
		if d := decide(t, c, request(credentials("ann", "x"))); d.Outcome != auth.Allow {
			t.Errorf("with users: %v", d.Reason)
		}
		c.SetUsers(file)
	}
}

// TestRemembered changes the users and looks at whose passwords have to be hashed again.
func TestRemembered(t *testing.T) {
	now := time.Unix(1000, 0)
	ann, bob := hashed(t, "ann", "a"), hashed(t, "bob", "b")
	c := newCounted(Options{TTL: time.Minute, Now: func() time.Time { return now }}, ann, bob)
	expect := func(what, user, password string, outcome auth.Outcome, hashes int64) {
		t.Helper()
		before := c.hashes.Load()
		d := decide(t, c, request(credentials(user, password)))
		if d.Outcome != outcome || c.hashes.Load()-before != hashes {
			t.Errorf("%s: %v %q after %d hashes, want %v after %d", what, d.Outcome, d.Reason, c.hashes.Load()-before, outcome, hashes)
		}
		now = now.Add(time.Second) // pays for what failed
	}
	expect("first", "ann", "a", auth.Allow, 1)
	expect("second", "ann", "a", auth.Allow, 0)
	expect("other user", "bob", "b", auth.Allow, 1)
	expect("the password of another", "ann", "b", auth.Deny, 1)
	expect("failures are not remembered", "ann", "b", auth.Deny, 1)

	c.SetUsers(htpasswd.Parse([]byte("# new\n" + bob + hashed(t, "cy", "c") + ann)))
	expect("lines that moved", "ann", "a", auth.Allow, 0)
	ann2 := hashed(t, "ann", "a2")
	c.SetUsers(htpasswd.Parse([]byte(bob + ann + ann2)))
	expect("a line more", "ann", "a", auth.Allow, 1)
	expect("its password", "ann", "a2", auth.Allow, 1)
	expect("both stay", "ann", "a", auth.Allow, 0)
	expect("untouched user", "bob", "b", auth.Allow, 0)
	c.SetUsers(htpasswd.Parse([]byte(bob + ann2)))
	expect("the old password", "ann", "a", auth.Deny, 1)
	expect("the new password", "ann", "a2", auth.Allow, 1)
	c.SetUsers(htpasswd.Parse([]byte(bob)))
	expect("removed", "ann", "a2", auth.Deny, 1)
	c.SetUsers(htpasswd.Parse([]byte(bob + ann2)))
	expect("back", "ann", "a2", auth.Allow, 1)

	now = now.Add(time.Minute)
	expect("after its time", "ann", "a2", auth.Allow, 1)
	expect("and again", "ann", "a2", auth.Allow, 0)
}

func TestNothingIsRememberedWithoutTTL(t *testing.T) {
	hashes := 0
	c := New(Options{Observe: Observer{Hashed: func(time.Duration, bool) { hashes++ }}})
	c.SetUsers(htpasswd.Parse([]byte(hashed(t, "ann", "a"))))
	for range 3 {
		if d := decide(t, c, request(credentials("ann", "a"))); d.Outcome != auth.Allow {
			t.Fatal(d.Reason)
		}
	}
	if hashes != 3 {
		t.Errorf("%d hashes, want 3", hashes)
	}
}

// TestMoreLinesThanCount: of a user's lines the first four count, and more passwords than that are never remembered.
func TestMoreLinesThanCount(t *testing.T) {
	var lines []string
	for _, p := range []string{"1", "2", "3", "4", "5"} {
		lines = append(lines, hashed(t, "ann", p))
	}
	c := newCounted(Options{}, lines...)
	for range 2 {
		for _, p := range []string{"1", "2", "3", "4"} {
			if d := decide(t, c, request(credentials("ann", p))); d.Outcome != auth.Allow {
				t.Errorf("password %s: %s", p, d.Reason)
			}
		}
	}
	if c.hashes.Load() != 4 {
		t.Errorf("%d attempts were hashed, want 4", c.hashes.Load())
	}
	if d := decide(t, c, request(credentials("ann", "5"))); d.Outcome != auth.Deny {
		t.Error("the fifth line counts")
	}
}

// FuzzAuthenticate: whatever the header, only the exact credentials get in, and no decision repeats what was sent.
func FuzzAuthenticate(f *testing.F) {
	const user, password = "annabella", "correct horse"
	good := credentials(user, password)
	for _, seed := range []string{"", "Basic", good, "basic  " + good[6:], "Bearer x", credentials(user, ""), credentials("", ""), good + "="} {
		f.Add(seed)
	}
	now := time.Unix(0, 0)
	c := New(Options{Realm: "x", TTL: time.Minute, Queue: 1, Now: func() time.Time { return now }})
	c.SetUsers(htpasswd.Parse([]byte(user + ":{SHA}" + sha1Of(password) + "\n")))
	f.Fuzz(func(t *testing.T, header string) {
		now = now.Add(time.Second)
		d := decide(t, c, request(header))
		// net/http takes blanks at the end off before anybody sees the header, and so may the check.
		u, p, ok := request(strings.TrimRight(header, " ")).BasicAuth()
		if d.Outcome == auth.Allow && (!ok || u != user || p != password) && !strings.HasPrefix(strings.ToLower(header), "basic  ") {
			t.Fatalf("%q gets in", header)
		}
		if ok && u == user && p == password && d.Outcome != auth.Allow {
			t.Fatalf("%q does not get in: %s", header, d.Reason)
		}
		if ok && len(p) > 8 && strings.Contains(d.Reason+strings.Join(d.Challenges, ""), p) {
			t.Fatalf("%q is repeated in the decision", header)
		}
	})
}
