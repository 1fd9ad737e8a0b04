package session

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/auth/mac"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/sessionkey"
)

func TestParseKeys(t *testing.T) {
	long := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("z", 64))) + "\n"
	for text, want := range map[string]string{
		keyText("a"):                                       "1 keys",
		strings.TrimSpace(keyText("a")):                    "1 keys",
		"\r\n# old\n\n  " + keyText("a") + long:            "2 keys",
		strings.Repeat(keyText("a"), sessionkey.MaxKeys):   "16 keys",
		strings.Repeat(keyText("a"), sessionkey.MaxKeys+1): "line 17: more than 16 keys; take the oldest away",
		"":                         "no key",
		"# none\n":                 "no key",
		keyText("a") + "geheim!\n": "line 2: not base64",
		"c2VjcmV0\n":               "line 1: a key of 6 bytes, and it takes 32",
		strings.Replace(keyText("\xff"), "/", "_", 1): "line 1: not base64",
	} {
		k, err := ParseKeys([]byte(text))
		got := fmt.Sprint(k)
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
		if strings.Contains(got, "geheim") || strings.Contains(got, "c2Vj") {
			t.Errorf("%s shows what is in the file", got)
		}
	}
}

// However keys are printed or logged, nothing of them shows.
func TestKeysDoNotShow(t *testing.T) {
	k := mustKeys(t, keyText("a"))
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "keys", k, "all", []any{k})
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "keys", k)
	said := log.String() + fmt.Sprintf("%v %+v %#v %s %x %q %d", k, k, k, k, k, k, k)
	for _, secret := range []string{strings.TrimSpace(keyText("a")), strings.Repeat("a", sessionkey.MinSize), strings.Fields(strings.Trim(fmt.Sprintf("%x", k.list[0].session), "{}"))[0], fmt.Sprint(k.list[0].session), fmt.Sprint(k.list[0].form)} {
		if strings.Contains(said, secret) {
			t.Errorf("a key shows: %s", said)
		}
	}
	if a, b := k.Signer(), mustKeys(t, keyText("b")).Signer(); len(a) != 8 || a == b {
		t.Errorf("signers are %q and %q", a, b)
	}
}

func TestForms(t *testing.T) {
	c, at := newCheck(t, keyText("a"))
	nonce := NewNonce()
	token := c.FormToken("sign-out", nonce, "alice")
	session := issue(t, c, "alice")
	for name, tt := range map[string]struct{ purpose, nonce, user, token string }{
		"missing":            {"sign-out", nonce, "alice", ""},
		"cut":                {"sign-out", nonce, "alice", token[:len(token)-1]},
		"other purpose":      {"sign-in", nonce, "alice", token},
		"other browser":      {"sign-out", NewNonce(), "alice", token},
		"other user":         {"sign-out", nonce, "bob", token},
		"no user":            {"sign-out", nonce, "", token},
		"no cookie":          {"sign-out", "", "alice", c.FormToken("sign-out", "", "alice")},
		"a cookie of theirs": {"sign-out", "x", "alice", c.FormToken("sign-out", "x", "alice")},
		"fields moved":       {"sign-ou", "t" + nonce, "alice", token},
		"a session":          {"sign-out", nonce, "alice", session},
	} {
		if c.ValidForm(tt.purpose, tt.nonce, tt.user, tt.token) {
			t.Errorf("%s: a form is good", name)
		}
	}
	start := at.Time
	for after, want := range map[time.Duration]bool{0: true, formTTL: true, formTTL + time.Millisecond: false, -maxSkew: true, -maxSkew - time.Millisecond: false} {
		if at.Time = start.Add(after); c.ValidForm("sign-out", nonce, "alice", token) != want {
			t.Errorf("%s after it was given out: a form is not %v", after, want)
		}
	}
	at.Time = start
	c.SetKeys(mustKeys(t, keyText("b")+keyText("a")))
	if !c.ValidForm("sign-out", nonce, "alice", token) {
		t.Error("a form of before a rotation is not good")
	}
	c.SetKeys(nil)
	if c.ValidForm("sign-out", nonce, "alice", token) || c.FormToken("sign-out", nonce, "alice") != "" {
		t.Error("a form without a key")
	}
}

// Whatever comes in the Cookie header, a session is found only where one that was issued stands there as a whole.
func FuzzCookies(f *testing.F) {
	c, _ := newCheck(f, keyText("a"))
	good := issue(f, c, "alice")
	for _, seed := range []string{
		"", ";", "=", "__Host-kauth", "__Host-kauth=", "__Host-kauth=" + good, " a=b;\t__Host-kauth=" + good + " ;", "__Host-kauth=x; __Host-kauth=" + good,
		"__Host-kauth=" + good[:len(good)-1], "__Host-kauth=" + good + "=", "__Host-kauth=" + good[:9] + "\n" + good[9:], `__Host-kauth="` + good + `"`, "__host-kauth=" + good,
		strings.Repeat("__Host-kauth=x;", 100), strings.Repeat("A", 5000), "\x00;__Host-kauth=\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		s, ok := c.Find(with(header))
		whole := strings.Contains(header, cookie+"="+good)
		if ok && (!whole || s.User != "alice") {
			t.Errorf("found a session of %q in %q", s.User, header)
		}
		if !ok && header == cookie+"="+good {
			t.Error("the good one is not found")
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	c := New(Options{Cookie: cookie, TTL: time.Hour})
	c.SetUsers(htpasswd.Parse([]byte(users)))
	c.SetKeys(mustKeys(b, keyText("a")))
	r := with("theme=dark; " + cookie + "=" + issue(b, c, "alice"))
	b.ReportAllocs()
	for b.Loop() {
		if d, _ := c.Authenticate(r); d.Identity.User != "alice" {
			b.Fatal(d)
		}
	}
}

// The name of a key is made of it as its other parts are: cookies carry it, so it may never become another.
func TestKeyID(t *testing.T) {
	keys, err := sessionkey.Parse([]byte(keyText("a")))
	if err != nil {
		t.Fatal(err)
	}
	root := mac.New(keys[0].Secret)
	want := root.Sign([]byte("kauth key id, version 1"))
	if got := keys[0].ID(); got != sessionkey.ID(want[:4]) || mustKeys(t, keyText("a")).Signer() != got.String() {
		t.Errorf("%s, want %x", got, want[:4])
	}
	line, id := sessionkey.New()
	if mustKeys(t, string(line)).Signer() != id.String() {
		t.Errorf("a new key is not called %s", id)
	}
}
