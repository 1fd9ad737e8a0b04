package userstore_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
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

// What keeps somebody with all rights from making it is told as it is: more rights would not help.
func TestSessionKeyWithoutRoom(t *testing.T) {
	store, c := newStore(t)
	none := corev1.ResourceList{"secrets": resource.MustParse("0")}
	quotas := c.CoreV1().ResourceQuotas(store.Namespace)
	quota, err := quotas.Create(t.Context(), &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "full"}, Spec: corev1.ResourceQuotaSpec{Hard: none}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	quota.Status = corev1.ResourceQuotaStatus{Hard: none, Used: none} // as the controller of quotas would
	if _, err := quotas.UpdateStatus(t.Context(), quota, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { // quotas are read from a cache
		made, err := store.EnsureSessionKey(t.Context())
		if made {
			return errors.Join(errors.New("it was made"), c.CoreV1().Secrets(store.Namespace).Delete(t.Context(), store.SessionKeys().Name, metav1.DeleteOptions{}))
		}
		if err == nil || !strings.Contains(err.Error(), "exceeded quota: full") || strings.Contains(err.Error(), "verb create") {
			t.Errorf("%v", err)
		}
		return nil
	})
}
