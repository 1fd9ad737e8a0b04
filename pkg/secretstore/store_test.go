package secretstore_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kauth-dev/kauth/pkg/secretstore"
	"github.com/kauth-dev/kauth/pkg/testenv"
)

// What pkg/userstore and pkg/rotation do with a Store is tried there, with others who write at the same time; here is what
// neither of them does.
func TestEditOfOneThing(t *testing.T) {
	server := testenv.APIServer(t)
	c, err := kubernetes.NewForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	s := &secretstore.Store{Client: c.CoreV1(), Namespace: server.CreateNamespace(t), Name: "s", FieldManager: "test"}
	if err := s.Create(t.Context(), map[string][]byte{"a": []byte("1")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), nil); !apierrors.IsAlreadyExists(err) {
		t.Errorf("a second time: %v", err)
	}
	edit := func(change func(*corev1.Secret)) secretstore.Result {
		t.Helper()
		r, err := s.Edit(t.Context(), func(secret *corev1.Secret) error { change(secret); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := edit(func(secret *corev1.Secret) { secret.Annotations = map[string]string{"n": "1"} }); !r.Changed || r.Created {
		t.Errorf("an annotation alone: %+v", r)
	}
	if r := edit(func(secret *corev1.Secret) { secret.Annotations["n"], secret.Data["a"] = "1", []byte("1") }); r.Changed {
		t.Errorf("nothing: %+v", r)
	}
	r := edit(func(secret *corev1.Secret) { delete(secret.Data, "a"); secret.Data["b"] = nil })
	if !r.Changed || string(r.Before.Data["a"]) != "1" || r.Attempts != 1 {
		t.Errorf("%+v", r)
	}
	secret, err := s.Get(t.Context())
	if err != nil || len(secret.Data) != 1 || secret.Annotations["n"] != "1" {
		t.Errorf("%+v, %v", secret, err)
	}
	testBefore(t, s)
	boom := errors.New("boom")
	if _, err := s.Edit(t.Context(), func(*corev1.Secret) error { return boom }); !errors.Is(err, boom) {
		t.Error(err)
	}
	s.Name = "missing"
	if _, err := s.Edit(t.Context(), func(*corev1.Secret) error { return nil }); !apierrors.IsNotFound(err) {
		t.Error(err)
	}
	dry := *s
	dry.DryRun = secretstore.DryRunServer
	if r, err := dry.EditOrCreate(t.Context(), func(*corev1.Secret) error { return nil }); err != nil || !r.Created {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := s.Get(t.Context()); !apierrors.IsNotFound(err) {
		t.Errorf("after a dry run: %v", err)
	}
	if diff := cmp.Diff("Secret "+s.Namespace+"/missing: x", s.Errorf("x").Error()); diff != "" {
		t.Error(diff)
	}
}

// Before is told what is about to be written, may add to it, have it tried again, and forbid it.
func testBefore(t *testing.T, s *secretstore.Store) {
	t.Helper()
	hooked, calls := *s, 0
	hooked.Before = func(_ context.Context, was, will *corev1.Secret) error {
		calls++
		if string(was.Data["c"]) != "" || string(will.Data["c"]) != "1" {
			t.Errorf("from %q to %q", was.Data, will.Data)
		}
		if calls == 1 {
			return secretstore.Race(errors.New("not yet"))
		}
		metav1.SetMetaDataAnnotation(&will.ObjectMeta, "before", "called")
		return nil
	}
	add := func(secret *corev1.Secret) error { secret.Data["c"] = []byte("1"); return nil }
	r, err := hooked.Edit(t.Context(), add)
	if err != nil || calls != 2 || r.Attempts != 2 || r.After.Annotations["before"] != "called" {
		t.Errorf("%d calls, %+v, %v", calls, r, err)
	}
	if _, err := hooked.Edit(t.Context(), add); err != nil || calls != 2 {
		t.Errorf("called where nothing is written, %v", err)
	}
	boom := errors.New("boom")
	hooked.Before = func(context.Context, *corev1.Secret, *corev1.Secret) error { return boom }
	remove := func(secret *corev1.Secret) error { delete(secret.Data, "c"); return nil }
	if _, err := hooked.Edit(t.Context(), remove); !errors.Is(err, boom) || secretstore.InDoubt(err) {
		t.Error(err)
	}
	hooked.DryRun = secretstore.DryRunClient
	if _, err := hooked.Edit(t.Context(), remove); err != nil {
		t.Error("called where nothing is sent", err)
	}
	if secret, err := s.Get(t.Context()); err != nil || string(secret.Data["c"]) != "1" || secret.Annotations["before"] != "called" {
		t.Error(secret, err)
	}
}

// Whether a write that failed may have been made all the same.
func TestInDoubt(t *testing.T) {
	s := &secretstore.Store{Namespace: "n", Name: "s", Advice: secretstore.Advice{Look: "look"}}
	for want, errs := range map[bool][]error{
		true: {
			s.Explain("update", io.ErrUnexpectedEOF), s.Explain("update", context.Canceled), s.Explain("create", context.DeadlineExceeded),
			s.Explain("update", apierrors.NewTimeoutError("late", 1)), s.Explain("update", apierrors.NewInternalError(errors.New("etcd"))),
		},
		false: {
			s.Explain("get", io.ErrUnexpectedEOF), s.Explain("get", context.Canceled), errors.New("x"),
			s.Explain("update", apierrors.NewForbidden(corev1.Resource("secrets"), "s", errors.New("no"))), s.Explain("update", apierrors.NewConflict(corev1.Resource("secrets"), "s", errors.New("no"))),
		},
	} {
		for _, err := range errs {
			if secretstore.InDoubt(err) != want || strings.Contains(err.Error(), "may or may not have been made (see look)") != want {
				t.Errorf("%v: %v", err, !want)
			}
		}
	}
}
