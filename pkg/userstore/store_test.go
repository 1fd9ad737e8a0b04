package userstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/testenv"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// One API server serves all tests of the package; each has a namespace of its own.
var shared testenv.SharedServer

func TestMain(m *testing.M) { os.Exit(shared.Main(m)) }

func server(t *testing.T) *testenv.Server {
	t.Helper()
	return shared.Server(t)
}

func client(t *testing.T, config *rest.Config) kubernetes.Interface {
	t.Helper()
	config = rest.CopyConfig(config)
	config.QPS, config.DisableCompression = -1, true
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newStore(t *testing.T) (*userstore.Store, kubernetes.Interface) {
	t.Helper()
	s := server(t)
	c := client(t, s.Config)
	return &userstore.Store{Client: c.CoreV1(), Namespace: s.CreateNamespace(t), Name: "kauth-users", FieldManager: "test"}, c
}

func hash(t *testing.T, text string) htpasswd.Hash {
	t.Helper()
	h, err := htpasswd.ParseHash(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

const sha = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="

func set(t *testing.T, user string) func(*htpasswd.File) error {
	t.Helper()
	h := hash(t, sha)
	return func(f *htpasswd.File) error { f.Set(user, h); return nil }
}

func create(t *testing.T, c kubernetes.Interface, s *corev1.Secret) *corev1.Secret {
	t.Helper()
	s, err := c.CoreV1().Secrets(s.Namespace).Create(t.Context(), s, metav1.CreateOptions{FieldManager: "kubectl-create"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(t *testing.T, c kubernetes.Interface, s *userstore.Store) *corev1.Secret {
	t.Helper()
	secret, err := c.CoreV1().Secrets(s.Namespace).Get(t.Context(), s.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestEditOrCreateCreatesOnce(t *testing.T) {
	s, c := newStore(t)
	r, err := s.EditOrCreate(t.Context(), set(t, "alice"))
	if err != nil || !r.Created || !r.Changed {
		t.Fatalf("first: %+v, %v", r, err)
	}
	secret := get(t, c, s)
	if secret.Type != corev1.SecretTypeOpaque || secret.Labels["app.kubernetes.io/managed-by"] != "kauth" {
		t.Errorf("type %s, labels %v", secret.Type, secret.Labels)
	}
	if diff := cmp.Diff(map[string][]byte{"auth": []byte("alice:" + sha + "\n")}, secret.Data); diff != "" {
		t.Error(diff)
	}
	if got := secret.ManagedFields[0].Manager; got != "test" {
		t.Errorf("field manager %q", got)
	}
	r, err = s.EditOrCreate(t.Context(), set(t, "alice"))
	if err != nil || r.Created || r.Changed {
		t.Fatalf("again: %+v, %v", r, err)
	}
	if now := get(t, c, s); now.ResourceVersion != secret.ResourceVersion {
		t.Error("an edit without a change was written")
	}
}

func TestEditKeepsWhatItDoesNotKnow(t *testing.T) {
	s, c := newStore(t)
	text := "# keep\r\n\r\nnot a line\r\nbob:{MD5}?\r\ncarol:" + sha + "\r\n"
	create(t, c, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name, Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"}},
		Data:       map[string][]byte{"auth": []byte(text), "z": {0xff, 0}, "b": nil},
	})
	r, err := s.Edit(t.Context(), set(t, "alice"))
	if err != nil {
		t.Fatal(err)
	}
	secret := get(t, c, s)
	want := map[string][]byte{"auth": []byte(text + "alice:" + sha + "\r\n"), "z": {0xff, 0}, "b": {}}
	if !bytes.Equal(secret.Data["auth"], want["auth"]) || !bytes.Equal(secret.Data["z"], want["z"]) || len(secret.Data) != 3 {
		t.Errorf("data: %q", secret.Data)
	}
	if secret.Labels["a"] != "b" || secret.Annotations["c"] != "d" || len(secret.Labels) != 1 {
		t.Errorf("labels %v, annotations %v", secret.Labels, secret.Annotations)
	}
	if diff := cmp.Diff([]string{"b", "z"}, r.OtherKeys); diff != "" || len(r.Warnings()) != 1 {
		t.Error(diff, r.Warnings())
	}
}

func TestEditRefuses(t *testing.T) {
	yes := true
	big := bytes.Repeat([]byte("#234567890123456789012345678901\n"), 32*1024) // 1 MiB
	tests := map[string]struct {
		secret *corev1.Secret
		want   string
	}{
		"missing":   {nil, "Secret NS/kauth-users: not found; kubectl basicauth user add creates it with its first user"},
		"immutable": {&corev1.Secret{Immutable: &yes}, "Secret NS/kauth-users: immutable"},
		"oversize":  {&corev1.Secret{Data: map[string][]byte{"auth": big}}, "would have 1048616 bytes, and Kubernetes takes 1048576"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, c := newStore(t)
			if tt.secret != nil {
				tt.secret.Namespace, tt.secret.Name = s.Namespace, s.Name
				create(t, c, tt.secret)
			}
			_, err := s.Edit(t.Context(), set(t, "alice"))
			if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(tt.want, "NS", s.Namespace)) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if tt.secret == nil && !apierrors.IsNotFound(err) {
				t.Error("not recognised as not found")
			}
		})
	}
}

func TestEditErrorWritesNothing(t *testing.T) {
	s, c := newStore(t)
	boom := errors.New("boom")
	if _, err := s.EditOrCreate(t.Context(), func(*htpasswd.File) error { return boom }); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	list, err := c.CoreV1().Secrets(s.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 0 {
		t.Errorf("%d Secrets, %v", len(list.Items), err)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	for _, mode := range []userstore.DryRun{userstore.DryRunClient, userstore.DryRunServer} {
		s, c := newStore(t)
		s.DryRun = mode
		r, err := s.EditOrCreate(t.Context(), set(t, "alice"))
		if err != nil || !r.Created {
			t.Errorf("%v: %+v, %v", mode, r, err)
		}
		if _, _, err := s.Read(t.Context()); !apierrors.IsNotFound(err) {
			t.Errorf("%v: created all the same: %v", mode, err)
		}
		create(t, c, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name}})
		if r, err := s.Edit(t.Context(), set(t, "alice")); err != nil || !r.Changed {
			t.Errorf("%v: %+v, %v", mode, r, err)
		}
		if data := get(t, c, s).Data; len(data) != 0 {
			t.Errorf("%v: written: %q", mode, data)
		}
	}
}

// The role that README gives is enough, and no more than it allows works.
func TestRole(t *testing.T) {
	s, c := newStore(t)
	rule := rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{s.Name}, Verbs: []string{"get", "update"}}
	ed, _ := ed(t, s, c, rule)
	eventually(t, func() error { // RBAC is read from caches
		_, _, err := ed.Read(t.Context())
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("not found, but %w", err)
		}
		return nil
	})
	_, err := ed.EditOrCreate(t.Context(), set(t, "alice"))
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "missing, and you may not create it; ask for the verb create") {
		t.Errorf("create: %v", err)
	}
	if _, err := s.EditOrCreate(t.Context(), set(t, "alice")); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []userstore.DryRun{userstore.DryRunServer, userstore.DryRunNone} {
		ed.DryRun = mode
		if r, err := ed.EditOrCreate(t.Context(), set(t, "bob")); err != nil || !r.Changed {
			t.Errorf("update: %+v, %v", r, err)
		}
	}
	ed.Name = "another"
	if _, _, err := ed.Read(t.Context()); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "you may not get it; ask for a Role with the verbs get and update") {
		t.Errorf("another Secret: %v", err)
	}
}

func eventually(t *testing.T, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestUnreachable(t *testing.T) {
	c := client(t, &rest.Config{Host: "https://127.0.0.1:1"})
	s := &userstore.Store{Client: c.CoreV1(), Namespace: "ns", Name: "kauth-users"}
	_, _, err := s.Read(t.Context())
	if err == nil || !strings.Contains(err.Error(), "connection refused; see whether kubectl get namespaces works") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.EditOrCreate(ctx, set(t, "a")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestNamespaceMissing(t *testing.T) {
	s, _ := newStore(t)
	s.Namespace = "nowhere"
	_, err := s.EditOrCreate(t.Context(), set(t, "a"))
	want := "Namespace nowhere: not found; create it with kubectl create namespace nowhere, or name another with -n"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
