package userstore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kauth-dev/kauth/pkg/history"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// Between read and write, another writer creates, changes or deletes the Secret: nobody's change is lost.
func TestOthersWriteInBetween(t *testing.T) {
	s, c := newStore(t)
	other := *s
	meddle := func(do func()) func(*htpasswd.File) error {
		first := true
		return func(f *htpasswd.File) error {
			if first {
				first = false
				do()
			}
			return set(t, "mine")(f)
		}
	}
	edit := func(user string) func() {
		return func() {
			if _, err := other.EditOrCreate(t.Context(), set(t, user)); err != nil {
				t.Error(err)
			}
		}
	}
	remove := func() {
		if err := c.CoreV1().Secrets(s.Namespace).Delete(t.Context(), s.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	check := func(r userstore.Result, err error, want ...string) {
		t.Helper()
		f, _, readErr := s.Read(t.Context())
		if err != nil || readErr != nil || r.Attempts != 2 {
			t.Fatalf("%+v, %v, %v", r, err, readErr)
		}
		if diff := cmp.Diff(want, f.Users()); diff != "" {
			t.Error(diff)
		}
	}
	r, err := s.EditOrCreate(t.Context(), meddle(edit("first")))
	check(r, err, "first", "mine")
	r, err = s.Edit(t.Context(), func(f *htpasswd.File) error { f.Remove("mine"); return nil })
	if err != nil {
		t.Fatal(r, err)
	}
	r, err = s.Edit(t.Context(), meddle(edit("second")))
	check(r, err, "first", "second", "mine")
	_, err = s.Edit(t.Context(), func(f *htpasswd.File) error { f.Remove("mine"); return nil })
	if err != nil {
		t.Fatal(err)
	}
	r, err = s.EditOrCreate(t.Context(), meddle(remove))
	check(r, err, "mine")
	_, err = s.Edit(t.Context(), func(f *htpasswd.File) error {
		if f.Remove("mine") {
			remove()
		}
		return nil
	})
	if !apierrors.IsNotFound(err) {
		t.Errorf("deleted before the update: %v", err)
	}
}

// With and without a history, nothing of anybody is lost; with it, what the last changes replaced is there, each before the next.
func TestTwoHundredWritersLoseNothing(t *testing.T) {
	for name, keep := range map[string]*userstore.Keeping{"without": nil, "with history": keeping("user add")} {
		t.Run(name, func(t *testing.T) {
			s, _ := newStore(t)
			s.Keep = keep
			writeAtOnce(t, s, 200)
			if keep == nil {
				return
			}
			chain, err := s.Changes(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			users, _, err := s.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			made := 0
			digest := history.Digest(users.Bytes())
			for _, e := range chain.Entries {
				if e.Status == history.Done && e.After == digest {
					made++
					digest = e.Before
				}
			}
			t.Logf("%d entries, the last %d changes without a gap", len(chain.Entries), made)
			if made < 5 || len(chain.Entries) > 40 {
				t.Errorf("%d of the last changes can be undone, of %d entries", made, len(chain.Entries))
			}
		})
	}
}

func keeping(command string) *userstore.Keeping {
	return &userstore.Keeping{Command: command, Who: func(context.Context) string { return "test" }}
}

func writeAtOnce(t *testing.T, s *userstore.Store, writers int) {
	t.Helper()
	start := time.Now()
	ready := make(chan struct{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	attempts, worst := 0, 0
	for i := range writers {
		edit := set(t, fmt.Sprintf("user%03d", i))
		wg.Go(func() {
			<-ready
			r, err := s.EditOrCreate(t.Context(), edit)
			if err != nil || r.Unkept != nil {
				t.Error(err, r.Unkept)
			}
			mu.Lock()
			attempts, worst = attempts+r.Attempts, max(worst, r.Attempts)
			mu.Unlock()
		})
	}
	close(ready)
	wg.Wait()
	f, _, err := s.Read(t.Context())
	if err != nil || len(f.Users()) != writers || f.Err() != nil {
		t.Fatalf("%d users, %v, %v", len(f.Users()), f.Err(), err)
	}
	t.Logf("%d writers: %s, %d attempts, at most %d by one", writers, time.Since(start).Round(time.Millisecond), attempts, worst)
}
