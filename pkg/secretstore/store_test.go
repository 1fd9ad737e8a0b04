package secretstore_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
