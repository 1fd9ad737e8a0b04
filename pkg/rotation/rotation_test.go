package rotation_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/auth/session"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/rotation"
	"github.com/kauth-dev/kauth/pkg/secretstore"
	"github.com/kauth-dev/kauth/pkg/sessionkey"
	"github.com/kauth-dev/kauth/pkg/testenv"
)

// One API server serves all tests of the package; each has a namespace of its own.
var shared testenv.SharedServer

func TestMain(m *testing.M) { os.Exit(shared.Main(m)) }

func newStore(t *testing.T, name string) *secretstore.Store {
	t.Helper()
	server := shared.Server(t)
	config := rest.CopyConfig(server.Config)
	config.QPS = -1
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return &secretstore.Store{Client: c.CoreV1(), Namespace: server.CreateNamespace(t), Name: name, FieldManager: "test"}
}

// A clock is set by hand.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func newClock() *clock { return &clock{time.Date(2030, 1, 2, 3, 4, 5, 600, time.UTC)} }

func data(t *testing.T, s *secretstore.Store) map[string]string {
	t.Helper()
	secret, err := s.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for k, v := range secret.Data {
		m[k] = string(v)
	}
	return m
}

func keys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// A value that was replaced is accepted until its overlap is over, to the second, and never shorter.
func TestHeaderOverlap(t *testing.T) {
	c := newClock()
	h := rotation.Header{Store: newStore(t, "origin"), Now: c.now}
	rotate := func() string {
		t.Helper()
		change, err := h.Rotate(t.Context(), "", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return change.Secret
	}
	want := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, keys(data(t, h.Store))); diff != "" {
			t.Error(diff)
		}
	}
	first := rotate()
	want("current")
	second := rotate()
	// The clock says 3:04:05 and 600 ns, so an hour is over at 4:04:05 and 600 ns: 4:04:06 in whole seconds.
	want("current", "current.until-20300102T040406Z")
	third := rotate()
	want("current", "current.until-20300102T040406Z", "current.until-20300102T040407Z")
	if diff := cmp.Diff(map[string]string{"current": third, "current.until-20300102T040406Z": first, "current.until-20300102T040407Z": second}, data(t, h.Store)); diff != "" {
		t.Error(diff)
	}
	c.Time = c.Add(time.Hour)
	for range 2 {
		if change, err := h.Expire(t.Context(), false); err != nil || change.Changed || len(change.Removed) != 0 {
			t.Errorf("before the overlap is over: %+v, %v", change.Removed, err)
		}
	}
	c.Time = time.Date(2030, 1, 2, 4, 4, 6, 0, time.UTC)
	if change, err := h.Expire(t.Context(), false); err != nil || len(change.Removed) != 1 || change.Removed[0].Since.IsZero() {
		t.Errorf("after it: %+v, %v", change.Removed, err)
	}
	want("current", "current.until-20300102T040407Z")
	c.Time = c.Add(time.Second)
	rotate()
	want("current", "current.until-20300102T050407Z")
	values, warnings, err := h.List(t.Context())
	if err != nil || len(warnings) != 0 || len(values) != 2 || values[0].Since != c.Time || values[1].Fingerprint == values[0].Fingerprint {
		t.Errorf("%+v, %v, %v", values, warnings, err)
	}
}

// Nobody's value is lost, however many rotate at once.
func TestHeaderManyAtOnce(t *testing.T) {
	const many = 30
	h := rotation.Header{Store: newStore(t, "origin"), Now: newClock().now}
	var all sync.WaitGroup
	var mu sync.Mutex
	var made []string
	for range many {
		all.Go(func() {
			change, err := h.Rotate(t.Context(), "", time.Hour)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			made = append(made, change.Secret)
			mu.Unlock()
		})
	}
	all.Wait()
	slices.Sort(made)
	if diff := cmp.Diff(made, slices.Sorted(maps.Values(data(t, h.Store)))); diff != "" {
		t.Error(diff)
	}
	for range gateconf.MaxHeaderValues - many {
		if _, err := h.Rotate(t.Context(), "", time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Rotate(t.Context(), "", time.Hour); err == nil || !strings.Contains(err.Error(), "would have 65 values, and gates take 64") {
		t.Errorf("one too many: %v", err)
	}
}

// A value that somebody put under the key of one of ours is theirs: it has no age, and is not looked at.
func TestHeaderChangedByHand(t *testing.T) {
	h := rotation.Header{Store: newStore(t, "origin"), Now: newClock().now}
	if _, err := h.Rotate(t.Context(), "", 0); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Edit(t.Context(), func(s *corev1.Secret) error {
		s.Data["current"], s.Data[".hidden"] = []byte("theirs"), []byte("x")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	values, _, err := h.List(t.Context())
	if diff := cmp.Diff([]rotation.Value{{Name: "current"}}, values); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// What somebody else has written into the annotation is an error that says what to do, or tells nothing.
func TestNotesOfOthers(t *testing.T) {
	for text, want := range map[string]string{"null": "", "{}": "", "{": "metadata.annotations[kauth.dev/rotation]: ", `[]`: "metadata.annotations[kauth.dev/rotation]: "} {
		h := rotation.Header{Store: newStore(t, "origin"), Now: newClock().now}
		k := rotation.SessionKeys(h)
		if _, err := h.EditOrCreate(t.Context(), func(s *corev1.Secret) error {
			s.Annotations = map[string]string{gateconf.AnnotationRotation: text}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		_, ofHeader := h.Rotate(t.Context(), "", 0)
		_, ofKeys := k.Rotate(t.Context(), 0)
		for _, err := range []error{ofHeader, ofKeys} {
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
}

func TestValidKey(t *testing.T) {
	for key, good := range map[string]bool{
		"current": true, "a.b_c-D9": true, strings.Repeat("a", 230): true,
		strings.Repeat("a", 231): false, "": false, ".a": false, "a b": false, "a/b": false, "a.until-20300102T040406Z": false,
	} {
		if err := rotation.ValidKey(key); (err == nil) != good {
			t.Errorf("%q: %v", key, err)
		}
	}
	// The longest is one that Kubernetes takes with a time after it.
	h := rotation.Header{Store: newStore(t, "origin"), Now: newClock().now}
	for range 2 {
		if _, err := h.Rotate(t.Context(), strings.Repeat("a", 230), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
}

func ids(values []rotation.Value) string {
	var list []string
	for _, v := range values {
		list = append(list, v.Name)
	}
	return strings.Join(list, " ")
}

// A key that was replaced verifies as long as the overlap says, counted from when it last signed; the first always stays.
func TestSessionKeysOverlap(t *testing.T) {
	c := newClock()
	k := rotation.SessionKeys{Store: newStore(t, "kauth-users-session-key"), Now: c.now}
	rotate := func(overlap time.Duration) rotation.Change {
		t.Helper()
		change, err := k.Rotate(t.Context(), overlap)
		if err != nil {
			t.Fatal(err)
		}
		return change
	}
	stored := func() string {
		t.Helper()
		list, err := sessionkey.Parse([]byte(data(t, k.Store)["key"]))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, key := range list {
			names = append(names, key.ID().String())
		}
		return strings.Join(names, " ")
	}
	a := rotate(13 * time.Hour)
	if !a.Created || stored() != a.Added || ids(a.Left) != a.Added {
		t.Fatalf("%s, %+v", stored(), a.Left)
	}
	b := rotate(13 * time.Hour)
	if want := b.Added + " " + a.Added; stored() != want || ids(b.Left) != want || !b.Left[0].Until.IsZero() {
		t.Errorf("%s, %+v", stored(), b.Left)
	}
	if want := time.Date(2030, 1, 2, 16, 4, 6, 0, time.UTC); b.Left[1].Until != want {
		t.Errorf("until %s, want %s", b.Left[1].Until, want)
	}
	c.Time = c.Add(12 * time.Hour)
	d := rotate(13 * time.Hour) // a keeps its time
	if d.Left[2].Until != b.Left[1].Until || d.Left[1].Until != b.Left[1].Until.Add(12*time.Hour) {
		t.Errorf("%+v", d.Left)
	}
	c.Time = d.Left[2].Until
	if e, err := k.Expire(t.Context(), false); err != nil || ids(e.Removed) != a.Added || stored() != d.Added+" "+b.Added {
		t.Errorf("%+v, %v, %s", e.Removed, err, stored())
	}
	// Whoever takes an old key up again by hand signs with it: whatever the note says, it stays.
	if _, err := k.Edit(t.Context(), func(s *corev1.Secret) error {
		lines := strings.SplitAfter(string(s.Data["key"]), "\n")
		s.Data["key"] = []byte(lines[1] + lines[0])
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	c.Time = c.Add(100 * time.Hour)
	if e, err := k.Expire(t.Context(), true); err != nil || e.Changed || stored() != b.Added+" "+d.Added {
		t.Errorf("%+v, %v, %s", e.Removed, err, stored())
	}
	f := rotate(13 * time.Hour)
	if f.Left[1].Until != c.Add(13*time.Hour) {
		t.Errorf("what signed until now is needed for the whole overlap: %s", f.Left[1].Until)
	}
}

func TestSessionKeysManyAtOnce(t *testing.T) {
	k := rotation.SessionKeys{Store: newStore(t, "kauth-users-session-key"), Now: newClock().now}
	var all sync.WaitGroup
	for i := range sessionkey.MaxKeys {
		all.Go(func() {
			if _, err := k.Rotate(t.Context(), time.Hour); err != nil {
				t.Error(fmt.Errorf("%d: %w", i, err))
			}
		})
	}
	all.Wait()
	if list, err := sessionkey.Parse([]byte(data(t, k.Store)["key"])); err != nil || len(list) != sessionkey.MaxKeys {
		t.Errorf("%d keys, %v", len(list), err)
	}
	if _, err := k.Rotate(t.Context(), time.Hour); err == nil {
		t.Error("one more than gates take")
	}
}

// Sessions go on through a rotation, and end with the overlap: what the Secret holds is given to the check of a gate.
func TestSessionsGoOn(t *testing.T) {
	c := newClock()
	k := rotation.SessionKeys{Store: newStore(t, "kauth-users-session-key"), Now: c.now}
	gate := session.New(session.Options{Cookie: "__Host-kauth", TTL: 12 * time.Hour, Now: c.now})
	const hash = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="
	gate.SetUsers(htpasswd.Parse([]byte("alice:" + hash + "\n")))
	load := func() {
		t.Helper()
		keys, err := session.ParseKeys([]byte(data(t, k.Store)["key"]))
		if err != nil {
			t.Fatal(err)
		}
		gate.SetKeys(keys)
	}
	rotate := func(overlap time.Duration) {
		t.Helper()
		if _, err := k.Rotate(t.Context(), overlap); err != nil {
			t.Fatal(err)
		}
	}
	known := func(cookie string) bool {
		r := httptest.NewRequest(http.MethodGet, "http://app/", nil)
		r.Header.Set("Cookie", "__Host-kauth="+cookie)
		_, ok := gate.Find(r)
		return ok
	}
	rotate(13 * time.Hour)
	load()
	rotate(13 * time.Hour)
	old, _, err := gate.Issue("alice", auth.LineOf("alice", hash)) // the gate has not read the new key yet
	if err != nil {
		t.Fatal(err)
	}
	load()
	c.Time = c.Add(12*time.Hour - time.Second)
	if _, err := k.Expire(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	load()
	if !known(old) {
		t.Error("a session ended with the rotation")
	}
	rotate(0)
	load()
	if known(old) {
		t.Error("a session goes on after rotate --overlap 0")
	}
}
