package userstore_test

import (
	"encoding/base64"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kauth-dev/kauth/pkg/userstore"
)

// However many make it at once, one does, and the key is the one that stays.
func TestSessionKey(t *testing.T) {
	store, c := newStore(t)
	secrets := c.CoreV1().Secrets(store.Namespace)
	for _, run := range []userstore.DryRun{userstore.DryRunClient, userstore.DryRunServer} {
		dry := *store
		dry.DryRun = run
		if made, err := dry.EnsureSessionKey(t.Context()); made || err != nil {
			t.Errorf("a dry run: %v, %v", made, err)
		}
	}
	if list, err := secrets.List(t.Context(), metav1.ListOptions{}); err != nil || len(list.Items) != 0 {
		t.Fatalf("after dry runs: %v, %v", list, err)
	}
	var made atomic.Int32
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			created, err := store.EnsureSessionKey(t.Context())
			if err != nil {
				t.Error(err)
			}
			if created {
				made.Add(1)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("it was made %d times", made.Load())
	}
	secret, err := secrets.Get(t.Context(), "kauth-users-session-key", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(string(secret.Data["key"]), "\n"))
	if err != nil || len(key) != 32 || len(secret.Data) != 1 {
		t.Errorf("a key of %d bytes, %d entries: %v", len(key), len(secret.Data), err)
	}
}
