package userstore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/linenotes"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// numbered returns a bcrypt hash of nobody's password.
func numbered(t *testing.T, n int) htpasswd.Hash {
	t.Helper()
	return hash(t, fmt.Sprintf("$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00%09d", n))
}

// A rotator is a store whose clock the test sets, and what it looks at.
type rotator struct {
	*testing.T
	*userstore.Store
	client kubernetes.Interface
	now    time.Time
}

func newRotator(t *testing.T) *rotator {
	t.Helper()
	s, c := newStore(t)
	r := &rotator{T: t, Store: s, client: c, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	s.Now = func() time.Time { return r.now }
	return r
}

func (r *rotator) at(clock string) *rotator {
	r.Helper()
	now, err := time.Parse("15:04", clock)
	if err != nil {
		r.Fatal(err)
	}
	r.now = time.Date(2026, 1, 1, now.Hour(), now.Minute(), 0, 0, time.UTC)
	return r
}

func who(user string) userstore.Pick {
	return func(*htpasswd.File) (string, error) { return user, nil }
}

func (r *rotator) rotate(user string, n int, overlap time.Duration) userstore.Result {
	r.Helper()
	result, err := r.Rotate(r.Context(), who(user), numbered(r.T, n), overlap)
	if err != nil {
		r.Fatal(err)
	}
	return result
}

func (r *rotator) edit(edit func(*htpasswd.File)) userstore.Result {
	r.Helper()
	result, err := r.EditOrCreate(r.Context(), func(f *htpasswd.File) error { edit(f); return nil })
	if err != nil {
		r.Fatal(err)
	}
	return result
}

// byHand changes the Secret as kubectl edit does.
func (r *rotator) byHand(change func(*corev1.Secret)) {
	r.Helper()
	secret := get(r.T, r.client, r.Store)
	change(secret)
	if _, err := r.client.CoreV1().Secrets(r.Namespace).Update(r.Context(), secret, metav1.UpdateOptions{}); err != nil {
		r.Fatal(err)
	}
}

func replace(old, with string) func(*corev1.Secret) {
	return func(s *corev1.Secret) {
		s.Data["auth"] = []byte(strings.Replace(string(s.Data["auth"]), old, with, 1))
	}
}

// want compares the lines: user, the end of the hash, since and until.
func (r *rotator) want(lines ...string) {
	r.Helper()
	file, meta, err := r.Read(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	clock := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.Format("15:04")
	}
	got := []string{}
	for _, l := range meta.Lines(file) {
		text := l.Hash.String()
		got = append(got, strings.Join([]string{l.User, text[len(text)-1:], clock(l.Since), clock(l.Until)}, " "))
	}
	if diff := cmp.Diff(lines, got); diff != "" {
		r.Error(diff)
	}
}

// Every command's lines are noted, without code of its own; and one that changes nothing writes nothing.
func TestNotesFollowEveryEdit(t *testing.T) {
	r := newRotator(t)
	set := func(user string, n int) func(*htpasswd.File) {
		return func(f *htpasswd.File) { f.Set(user, numbered(t, n)) }
	}
	r.at("01:00").edit(set("alice", 1))
	r.at("02:00").edit(set("bob", 2))
	r.at("03:00").edit(func(f *htpasswd.File) {
		if _, err := userstore.Merge(f, htpasswd.Parse([]byte("bob:"+numbered(t, 3).String()+"\ncarol:"+sha+"\n")), true); err != nil {
			t.Error(err)
		}
	})
	r.want("alice 1 01:00 -", "bob 3 03:00 -", "carol = 03:00 -")
	before := get(t, r.client, r.Store).ResourceVersion
	if result := r.at("04:00").edit(set("alice", 1)); result.Changed || get(t, r.client, r.Store).ResourceVersion != before {
		t.Errorf("%+v", result)
	}
	r.edit(func(f *htpasswd.File) { f.Remove("bob") })
	r.want("alice 1 01:00 -", "carol = 03:00 -")
	r.byHand(replace("carol:", "dave:"+numbered(t, 4).String()+"\ncarol:"))
	r.want("alice 1 01:00 -", "dave 4 - -", "carol = 03:00 -")
	r.at("05:00").edit(set("erin", 5))
	r.want("alice 1 01:00 -", "dave 4 - -", "carol = 03:00 -", "erin 5 05:00 -")
	r.edit(func(f *htpasswd.File) { *f = *htpasswd.Parse(nil) })
	if notes, ok := get(t, r.client, r.Store).Annotations[gateconf.AnnotationUsers]; ok {
		t.Errorf("notes of nobody: %q", notes)
	}
}

func TestRotateAndExpire(t *testing.T) {
	r := newRotator(t)
	r.at("01:00").edit(func(f *htpasswd.File) {
		*f = *htpasswd.Parse([]byte("# people\r\nalice:" + numbered(t, 1).String() + "\r\nbob:" + sha + "\r\nalice: junk:\r\nbob:" + numbered(t, 2).String()))
	})
	r.at("02:00").rotate("alice", 3, time.Hour)
	result := r.at("02:10").rotate("bob", 4, time.Hour)
	text := "# people\r\nalice:" + numbered(t, 3).String() + "\r\nalice:" + numbered(t, 1).String() + "\r\nbob:" + numbered(t, 4).String() + "\r\nbob:" + sha + "\r\nbob:" + numbered(t, 2).String()
	if diff := cmp.Diff(text, string(result.Text)); diff != "" {
		t.Error(diff)
	}
	r.want("alice 3 02:00 -", "alice 1 01:00 03:00", "bob 4 02:10 -", "bob = 01:00 03:10", "bob 2 01:00 03:10")
	r.at("02:20").rotate("alice", 5, 2*time.Hour)
	r.want("alice 5 02:20 -", "alice 3 02:00 04:20", "alice 1 01:00 03:00", "bob 4 02:10 -", "bob = 01:00 03:10", "bob 2 01:00 03:10")
	r.at("02:30").rotate("alice", 6, time.Minute) // what counts less long already does not count longer
	r.want("alice 6 02:30 -", "alice 5 02:20 02:31", "alice 3 02:00 02:31", "alice 1 01:00 02:31", "bob 4 02:10 -", "bob = 01:00 03:10", "bob 2 01:00 03:10")
	if _, err := r.Rotate(t.Context(), who("alice"), numbered(t, 7), time.Hour); err == nil || !strings.Contains(err.Error(), `user "alice" would have 5 passwords, and gates take 4`) {
		t.Error(err)
	}
	if removed := r.at("03:10").rotate("alice", 7, time.Hour).Removed; len(removed) != 5 { // what is over does not stand in the way; bob's go as well
		t.Errorf("%+v", removed)
	}
	r.want("alice 7 03:10 -", "alice 6 02:30 04:10", "bob 4 02:10 -")
	r.at("03:20").rotate("bob", 8, time.Minute)
	for user, want := range map[string]string{"bob": "", "alice": ""} {
		if result, err := r.Expire(t.Context(), who(user), false); err != nil || len(result.Removed) != 0 || result.Changed {
			t.Errorf("%s: %+v, %v, want %s", user, result.Removed, err, want)
		}
	}
	if result, err := r.Expire(t.Context(), who("alice"), true); err != nil || len(result.Removed) != 1 || result.Removed[0].User != "alice" {
		t.Errorf("%+v, %v", result.Removed, err)
	}
	r.at("03:30").rotate("alice", 9, time.Hour)
	if result, err := r.Expire(t.Context(), nil, false); err != nil || len(result.Removed) != 0 { // bob's went with that
		t.Errorf("%+v, %v", result.Removed, err)
	}
	r.want("alice 9 03:30 -", "alice 7 03:10 04:30", "bob 8 03:20 -")
	r.at("09:00")
	if result, err := r.Expire(t.Context(), nil, false); err != nil || len(result.Removed) != 1 {
		t.Errorf("%+v, %v", result.Removed, err)
	}
	r.rotate("bob", 10, 0)
	r.want("alice 9 03:30 -", "bob 0 09:00 -")
}

// Unsalted hashes go by their place: an old one stays an old one beside a new one of the same kind.
func TestRotateUnsalted(t *testing.T) {
	const other = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="
	r := newRotator(t)
	r.at("01:00").edit(func(f *htpasswd.File) { f.Set("alice", hash(t, sha)) })
	if _, err := r.at("02:00").Rotate(t.Context(), who("alice"), hash(t, other), time.Hour); err != nil {
		t.Fatal(err)
	}
	r.want("alice = 02:00 -", "alice = 01:00 03:00")
	r.at("02:30").edit(func(f *htpasswd.File) { f.Set("bob", hash(t, sha)) })
	r.want("alice = 02:00 -", "alice = 01:00 03:00", "bob = 02:30 -")
	result := r.at("03:00").edit(func(f *htpasswd.File) { f.Set("carol", hash(t, sha)) })
	if diff := cmp.Diff("alice:"+other+"\nbob:"+sha+"\ncarol:"+sha+"\n", string(result.Text)); diff != "" {
		t.Error(diff)
	}
	r.want("alice = 02:00 -", "bob = 02:30 -", "carol = 03:00 -")
}

// Whatever others do to the Secret meanwhile, no user is left without a password, and no old one comes to count longer.
func TestOthersEditBetween(t *testing.T) {
	r := newRotator(t)
	r.at("01:00").edit(func(f *htpasswd.File) { f.Set("alice", numbered(t, 1)); f.Set("bob", numbered(t, 2)) })
	r.at("02:00").rotate("alice", 3, time.Hour)
	rotated := get(t, r.client, r.Store)
	r.byHand(replace("alice:"+numbered(t, 3).String()+"\n", "")) // the new one: the old one is what she has
	r.want("alice 1 01:00 -", "bob 2 01:00 -")
	r.at("09:00").edit(func(f *htpasswd.File) { f.Set("carol", numbered(t, 4)) })
	r.want("alice 1 01:00 -", "bob 2 01:00 -", "carol 4 09:00 -")

	r.at("02:00").rotate("bob", 5, time.Hour)
	swapped := numbered(t, 2).String() + "\nbob:" + numbered(t, 5).String()
	r.byHand(replace(numbered(t, 5).String()+"\nbob:"+numbered(t, 2).String(), swapped))
	r.want("alice 1 01:00 -", "bob 2 01:00 03:00", "bob 5 02:00 -", "carol 4 09:00 -")
	r.byHand(replace("bob:", "mallory:"+numbered(t, 6).String()+"\nbob:"))
	r.at("03:00").edit(func(f *htpasswd.File) { f.Remove("mallory") })
	r.want("alice 1 01:00 -", "bob 5 02:00 -", "carol 4 09:00 -")

	// Back to what was stored before, text and notes: they count as they did.
	r.at("02:30")
	if _, err := r.Edit(t.Context(), func(f *htpasswd.File) error { *f = *htpasswd.Parse(rotated.Data["auth"]); return nil }); err != nil {
		t.Fatal(err)
	}
	r.want("alice 3 02:30 -", "alice 1 01:00 -", "bob 2 02:30 -") // the text alone, as user undo would: nothing is known of what comes back
	r.byHand(func(s *corev1.Secret) { s.Annotations, s.Data = rotated.Annotations, rotated.Data })
	r.want("alice 3 02:00 -", "alice 1 01:00 03:00", "bob 2 01:00 -")
}

// The clock may go back, and times be far away.
func TestClocks(t *testing.T) {
	r := newRotator(t)
	r.at("05:00").edit(func(f *htpasswd.File) { f.Set("alice", numbered(t, 1)) })
	r.at("01:00").rotate("alice", 2, time.Hour)
	r.want("alice 2 01:00 -", "alice 1 05:00 02:00")
	r.rotate("alice", 3, 100*365*24*time.Hour) // past 2106: it stops there, and is not none
	file, meta, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if until := meta.Lines(file)[1].Until; until.Year() != 2106 {
		t.Error(until)
	}
	r.now = time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC) // a clock that was never set
	r.rotate("alice", 4, time.Hour)
	r.now = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)
	if result, err := r.Expire(t.Context(), nil, false); err != nil || len(result.Removed) != 3 {
		t.Errorf("%+v, %v", result.Removed, err)
	}
	r.now = time.Date(2026, 1, 1, 1, 0, 0, 5e8, time.UTC) // an overlap is never cut short
	r.rotate("alice", 5, time.Second)
	file, meta, _ = r.Read(t.Context())
	if until := meta.Lines(file)[1].Until; until.Second() != 2 {
		t.Error(until)
	}
}

// Ten thousand users fit; where another annotation takes the room, the oldest times are forgotten, and no end ever is.
func TestManyUsers(t *testing.T) {
	r := newRotator(t)
	const many = 10_000
	var text strings.Builder
	for i := range many {
		fmt.Fprintf(&text, "user%05d:%s\n", i, numbered(t, i))
	}
	r.at("01:00").edit(func(f *htpasswd.File) { *f = *htpasswd.Parse([]byte(text.String())) })
	known := func() int {
		t.Helper()
		file, meta, err := r.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, l := range meta.Lines(file) {
			if !l.Since.IsZero() {
				n++
			}
		}
		return n
	}
	if n := known(); n != many {
		t.Errorf("of %d times %d are known", many, n)
	}
	r.rotate("user00000", 1, time.Hour)
	r.byHand(func(s *corev1.Secret) {
		s.Annotations["other"] = strings.Repeat("x", 255<<10-len(s.Annotations[gateconf.AnnotationUsers])-10)
	})
	r.edit(func(f *htpasswd.File) { f.Set("more", numbered(t, 1)) })
	r.byHand(func(s *corev1.Secret) {
		delete(s.Annotations, gateconf.AnnotationUsers)
		s.Annotations["other"] = strings.Repeat("x", 256<<10-len("other")-len(gateconf.AnnotationUsers)-150)
	})
	r.rotate("user00001", 2, time.Hour)
	file, meta, _ := r.Read(t.Context())
	if got := meta.Lines(file)[3]; got.User != "user00001" || got.Until.IsZero() || known() != 1 {
		t.Errorf("%+v; %d are known", got, known())
	}
	for n := range 10 {
		if _, err := r.Rotate(t.Context(), who(fmt.Sprintf("user%05d", 100+n)), numbered(t, n), time.Hour); err != nil {
			if !errors.Is(err, linenotes.ErrFull) {
				t.Error(err)
			}
			r.edit(func(f *htpasswd.File) { f.Remove("more") }) // nothing else is kept from its work
			return
		}
	}
	t.Error("there is no end of room")
}

// Fifty who rotate and fifty who set passwords at once lose nothing of each other.
func TestManyRotateAtOnce(t *testing.T) {
	r := newRotator(t)
	r.at("01:00").edit(func(f *htpasswd.File) {
		for i := range 50 {
			f.Set(fmt.Sprintf("r%02d", i), numbered(t, i))
			f.Set(fmt.Sprintf("p%02d", i), numbered(t, 100+i))
		}
	})
	r.at("02:00")
	var wg sync.WaitGroup
	for _, i := range rand.Perm(100) {
		n := i / 2
		rotated, changed := numbered(t, 200+n), numbered(t, 300+n)
		wg.Go(func() {
			var err error
			if i%2 == 0 {
				_, err = r.Rotate(t.Context(), who(fmt.Sprintf("r%02d", n)), rotated, time.Hour)
			} else {
				_, err = r.Edit(t.Context(), func(f *htpasswd.File) error { f.Set(fmt.Sprintf("p%02d", n), changed); return nil })
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var want []string
	for i := range 50 {
		end := i % 10
		want = append(want, fmt.Sprintf("r%02d %d 02:00 -", i, end), fmt.Sprintf("r%02d %d 01:00 03:00", i, end), fmt.Sprintf("p%02d %d 02:00 -", i, end))
	}
	r.want(want...)
}
