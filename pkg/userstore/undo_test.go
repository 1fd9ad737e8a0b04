package userstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kauth-dev/kauth/pkg/history"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

func keepingStore(t *testing.T) (*userstore.Store, kubernetes.Interface) {
	t.Helper()
	s, c := newStore(t)
	s.Keep = keeping("change")
	return s, c
}

// put makes text the users' text.
func put(t *testing.T, s *userstore.Store, text string) userstore.Result {
	t.Helper()
	r, err := s.EditOrCreate(t.Context(), func(f *htpasswd.File) error { *f = *htpasswd.Parse([]byte(text)); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func undo(t *testing.T, s *userstore.Store, want string) userstore.Undone {
	t.Helper()
	u, err := s.Undo(t.Context(), "", false)
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := s.Read(t.Context())
	if err != nil || string(f.Bytes()) != want || string(u.Text) != want {
		t.Errorf("%v: %.300q, want %.300q", err, f.Bytes(), want)
	}
	return u
}

func entries(t *testing.T, s *userstore.Store) []*history.Entry {
	t.Helper()
	chain, err := s.Changes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return chain.Entries
}

// What is put back is what was there byte for byte, lines that no gate can use included.
func TestUndoByteForByte(t *testing.T) {
	s, _ := keepingStore(t)
	texts := []string{"", "# c\r\na:" + sha + "\r\n\r\nb:" + sha, "\xef\xbb\xbfa:" + sha + "\nnot a line\n\xff\xfe\x00\n", "a:" + sha, "# nobody\n"}
	for _, text := range texts {
		put(t, s, text)
	}
	for i := len(texts) - 2; i >= 0; i-- {
		if u := undo(t, s, texts[i]); u.Unkept != nil || u.Entry.Who != "test" || u.Entry.Command != "change" {
			t.Errorf("%+v", u)
		}
	}
	if _, err := s.Undo(t.Context(), "", false); err == nil || !strings.Contains(err.Error(), "nothing further back is kept") {
		t.Error(err)
	}
}

// Twenty thousand lines have room for one text beside the new; a text as large as a Secret may be has none.
func TestHistoryOfLargeTexts(t *testing.T) {
	s, _ := keepingStore(t)
	var users strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&users, "user%05d:%s\n", i, bcryptHash)
	}
	big := users.String() // 710 kB
	put(t, s, big)
	for i := range 3 {
		if r := put(t, s, strings.Repeat("# one more\n", i+1)+big); r.Unkept != nil {
			t.Fatal(r.Unkept)
		}
	}
	if got := entries(t, s); len(got) != 1 || got[0].Status != history.Done {
		t.Errorf("%d entries", len(got))
	}
	undo(t, s, strings.Repeat("# one more\n", 2)+big)

	largest := strings.Repeat("#234567890123456789012345678901\n", 32*1024) // 1 MiB
	if r := put(t, s, largest); r.Unkept != nil {
		t.Fatal(r.Unkept)
	}
	r := put(t, s, "a:"+sha+"\n")
	if r.Unkept == nil || !strings.Contains(r.Unkept.Error(), "and Kubernetes takes 1048576 in one Secret") || len(r.Warnings()) != 1 {
		t.Errorf("%v, %v", r.Unkept, r.Warnings())
	}
	if _, err := s.Undo(t.Context(), "", false); err == nil || !strings.Contains(err.Error(), "changed by something else") {
		t.Error(err)
	}
	if r := put(t, s, "b:"+sha+"\n"); r.Unkept != nil {
		t.Error(r.Unkept)
	}
	undo(t, s, "a:"+sha+"\n")
}

// Bounded, however many changes there are.
func TestHistoryIsBounded(t *testing.T) {
	s, _ := keepingStore(t)
	for i := range 30 {
		put(t, s, fmt.Sprintf("# %d\n", i))
	}
	got := entries(t, s)
	if len(got) != 20 || string(got[0].Text) != "# 28\n" || string(got[19].Text) != "# 9\n" {
		t.Errorf("%d entries, from %q", len(got), got[len(got)-1].Text)
	}
}

// Between two requests, somebody deletes the history, or puts another Secret there.
func TestHistoryMeddledWith(t *testing.T) {
	s, c := keepingStore(t)
	secrets := c.CoreV1().Secrets(s.Namespace)
	name := s.Name + "-history"
	put(t, s, "1\n")
	meddled := func(do func()) userstore.Result {
		t.Helper()
		late := *s
		late.Client = &between{SecretsGetter: s.Client, name: name, do: do}
		return put(t, &late, "2\n")
	}
	remove := func() {
		if err := secrets.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	if r := meddled(remove); r.Unkept != nil || r.Attempts != 2 {
		t.Errorf("%+v", r)
	}
	if got := entries(t, s); len(got) != 1 || string(got[0].Text) != "1\n" || got[0].Status != history.Done {
		t.Errorf("%d entries", len(got))
	}
	undo(t, s, "1\n")
	foreign := func() *corev1.Secret {
		return create(t, c, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name}, Data: map[string][]byte{"a": []byte("b")}})
	}
	r := meddled(func() { remove(); foreign() })
	if r.Unkept == nil || !strings.Contains(r.Unkept.Error(), "no history that kubectl basicauth keeps") {
		t.Errorf("%+v", r)
	}
	secret, err := secrets.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil || len(secret.Data) != 1 {
		t.Error(secret, err)
	}
}

// What others have put beside the entries is left alone, and may leave no room.
func TestHistoryGarbled(t *testing.T) {
	s, c := keepingStore(t)
	secrets := c.CoreV1().Secrets(s.Namespace)
	spoil := func(edit func(data map[string][]byte, last string)) {
		t.Helper()
		secret, err := secrets.Get(t.Context(), s.Name+"-history", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		edit(secret.Data, entries(t, s)[0].ID)
		if _, err := secrets.Update(t.Context(), secret, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, "1\n")
	put(t, s, "2\n")
	spoil(func(data map[string][]byte, last string) {
		data[last+".htpasswd"], data["note"] = []byte("mallory\n"), []byte("mine")
	})
	_, err := s.Undo(t.Context(), "", true)
	if err == nil || !strings.Contains(err.Error(), ".htpasswd has been changed, so what was before") {
		t.Error(err)
	}
	put(t, s, "3\n")
	undo(t, s, "2\n")
	spoil(func(data map[string][]byte, last string) { data[last+".json"] = []byte("{") })
	_, err = s.Undo(t.Context(), "", false)
	if err == nil || !strings.Contains(err.Error(), ".json is not what kubectl basicauth writes") {
		t.Error(err)
	}
	spoil(func(data map[string][]byte, _ string) { data["large"] = bytes.Repeat([]byte("x"), 1<<20-8192) })
	if r := put(t, s, strings.Repeat("4\n", 8192)); r.Unkept != nil {
		t.Error(r.Unkept) // what was before is small
	}
	if r := put(t, s, "5\n"); r.Unkept == nil {
		t.Error("kept without room")
	}
	if got := get(t, c, &userstore.Store{Namespace: s.Namespace, Name: s.Name + "-history"}).Data; string(got["note"]) != "mine" {
		t.Errorf("note %q", got["note"])
	}
}

// Of several who undo at once, one does, and the others are told.
func TestUndoAtOnce(t *testing.T) {
	s, _ := keepingStore(t)
	for i := range 5 {
		put(t, s, fmt.Sprintf("# %d\n", i))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	ready := make(chan struct{})
	for range 8 {
		wg.Go(func() {
			<-ready
			_, err := s.Undo(t.Context(), "", false)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done++
			} else if !strings.Contains(err.Error(), "meanwhile; nothing was undone") {
				t.Error(err)
			}
		})
	}
	close(ready)
	wg.Wait()
	f, _, err := s.Read(t.Context())
	if err != nil || done == 0 || string(f.Bytes()) != fmt.Sprintf("# %d\n", 4-done) {
		t.Errorf("%d undone: %q, %v", done, f.Bytes(), err)
	}
}

// An undo among many changes takes one of them back, or none.
func TestUndoWhileOthersAdd(t *testing.T) {
	s, _ := keepingStore(t)
	put(t, s, "# first\n")
	var wg sync.WaitGroup
	var mu sync.Mutex
	gone := map[string]bool{}
	for i := range 50 {
		edit := set(t, fmt.Sprintf("user%02d", i))
		wg.Go(func() {
			if r, err := s.Edit(t.Context(), edit); err != nil || r.Unkept != nil {
				t.Error(err, r.Unkept)
			}
		})
	}
	for range 5 {
		wg.Go(func() {
			u, err := s.Undo(t.Context(), "", false)
			if err != nil && !strings.Contains(err.Error(), "meanwhile; nothing was undone") {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, user := range u.Users.Removed {
				gone[user] = true
			}
			if len(u.Users.Added)+len(u.Users.Changed) > 0 || len(u.Users.Removed) > 1 {
				t.Errorf("%+v", u.Users)
			}
		})
	}
	wg.Wait()
	f, _, err := s.Read(t.Context())
	if err != nil || len(f.Users()) != 50-len(gone) {
		t.Errorf("%d users, without %v: %v", len(f.Users()), gone, err)
	}
	t.Logf("%d of 5 took a change back", len(gone))
}

// Who may change the history and not the users leaves nothing behind; who may do neither is told what is missing.
func TestHistoryByRights(t *testing.T) {
	s, c := keepingStore(t)
	put(t, s, "# first\n")
	ed, config := ed(t, s, c,
		rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{s.Name}, Verbs: []string{"get"}},
		rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{s.Name + "-history"}, Verbs: []string{"get", "patch"}},
	)
	eventually(t, func() error { // RBAC is read from caches
		_, err := ed.Changes(t.Context())
		return err
	})
	if _, err := ed.EditOrCreate(t.Context(), set(t, "alice")); !apierrors.IsForbidden(err) {
		t.Error(err)
	}
	if got := entries(t, s); len(got) != 1 {
		t.Errorf("%d entries", len(got))
	}
	if got := history.Caller(t.Context(), config, "x"); got != "ed" {
		t.Error(got)
	}
}

func TestCaller(t *testing.T) {
	acting := rest.CopyConfig(server(t).Config)
	if got := history.Caller(t.Context(), acting, "x"); got != "admin" {
		t.Error(got)
	}
	acting.Impersonate = rest.ImpersonationConfig{UserName: "carol"}
	if got := history.Caller(t.Context(), acting, "x"); got != "carol" {
		t.Error(got)
	}
	for want, config := range map[string]*rest.Config{
		"x": {Host: "https://127.0.0.1:1"}, "dave": {Host: "https://127.0.0.1:1", Impersonate: rest.ImpersonationConfig{UserName: "dave"}},
	} {
		if got := history.Caller(t.Context(), config, "x"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A dry run keeps nothing, but says whether it could.
func TestHistoryInDryRuns(t *testing.T) {
	s, c := keepingStore(t)
	for _, mode := range []userstore.DryRun{userstore.DryRunClient, userstore.DryRunServer} {
		dry := *s
		dry.DryRun = mode
		for range 2 { // without a history, and with one
			before, _ := s.Changes(t.Context())
			if r, err := dry.EditOrCreate(t.Context(), set(t, "alice")); err != nil || r.Unkept != nil {
				t.Error(r, err)
			}
			after, _ := s.Changes(t.Context())
			if (before == nil) != (after == nil) || before != nil && len(before.Entries) != len(after.Entries) {
				t.Error("kept")
			}
			put(t, s, fmt.Sprintf("# %d\n", mode))
		}
	}
	create(t, c, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "other-history"}})
	s.Name, s.DryRun = "other", userstore.DryRunServer
	if r, err := s.EditOrCreate(t.Context(), set(t, "alice")); err != nil || r.Unkept == nil {
		t.Error(r, err)
	}
}

// Where the API server is gone when the history is to be written, nothing is changed.
func TestNothingWithoutHistoryWhenInterrupted(t *testing.T) {
	s, _ := keepingStore(t)
	put(t, s, "# first\n")
	ctx, cancel := context.WithCancel(t.Context())
	late := *s
	late.Client = &between{SecretsGetter: s.Client, name: s.Name + "-history", do: cancel}
	_, err := late.EditOrCreate(ctx, set(t, "alice"))
	if !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "may or may not") {
		t.Error(err)
	}
	f, _, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("# first\n", string(f.Bytes())); diff != "" {
		t.Error(diff)
	}
}
