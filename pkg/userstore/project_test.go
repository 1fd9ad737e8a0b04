package userstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/projection"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

const bcryptHash = "$2y$04$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"

func setBcrypt(t *testing.T, user string) func(*htpasswd.File) error {
	t.Helper()
	hash, err := htpasswd.ParseHash(bcryptHash)
	if err != nil {
		t.Fatal(err)
	}
	return func(f *htpasswd.File) error { f.Set(user, hash); return nil }
}

func web(t *testing.T) projection.Kind {
	t.Helper()
	kind, err := projection.Find("prometheus-web")
	if err != nil {
		t.Fatal(err)
	}
	return kind
}

// However many change the users at once, each with the two writes of a command, the projection has the last users.
func TestManyWritersAndAProjection(t *testing.T) {
	const writers = 60 // two hundred have passed as well, in 45 s on two busy cores
	s, c := newStore(t)
	if _, err := s.Project(t.Context(), web(t)); err != nil {
		t.Fatal(err)
	}
	start, ready := time.Now(), make(chan struct{})
	var wg sync.WaitGroup
	for i := range writers {
		name := fmt.Sprintf("user%03d", i)
		edit := setBcrypt(t, name)
		wg.Go(func() {
			<-ready
			r, err := s.EditOrCreate(t.Context(), edit)
			if err == nil && i%2 == 0 { // half of them go again at once
				r, err = s.Edit(t.Context(), func(f *htpasswd.File) error { f.Remove(name); return nil })
			}
			if err == nil {
				_, err = s.Sync(t.Context(), r.Projections)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	close(ready)
	wg.Wait()
	secret, err := c.CoreV1().Secrets(s.Namespace).Get(t.Context(), s.Name+"-web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text := string(secret.Data["web.yml"])
	for i := range writers {
		if got, want := strings.Contains(text, fmt.Sprintf(`"user%03d"`, i)), i%2 == 1; got != want {
			t.Errorf("user%03d in it: %v, want %v", i, got, want)
		}
	}
	t.Logf("%d writers of both: %s", writers, time.Since(start).Round(time.Millisecond))
}

// A change between the two writes of somebody else is not lost, and neither is a mark that was taken away.
func TestProjectionIsOfTheUsersOfNow(t *testing.T) {
	s, c := newStore(t)
	kind := web(t)
	holds := func(want string) {
		t.Helper()
		secret, err := c.CoreV1().Secrets(s.Namespace).Get(t.Context(), s.Name+"-web", metav1.GetOptions{})
		if err != nil || !strings.Contains(string(secret.Data["web.yml"]), want) {
			t.Errorf("%v: %s, want %s in it", err, secret.Data["web.yml"], want)
		}
	}
	if _, err := s.Project(t.Context(), kind); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sync(t.Context(), []string{kind.Name}); err != nil {
		t.Fatal(err)
	}
	holds("kauth:nobody")
	r, err := s.Edit(t.Context(), setBcrypt(t, "alice"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"prometheus-web"}, r.Projections); diff != "" {
		t.Error(diff)
	}
	if _, err := s.Edit(t.Context(), func(f *htpasswd.File) error { f.Remove("alice"); return setBcrypt(t, "bob")(f) }); err != nil {
		t.Fatal(err)
	}
	done, err := s.Sync(t.Context(), r.Projections) // of the first, which is late
	if err != nil || len(done) != 1 || !done[0].Changed || done[0].Users != 1 {
		t.Fatal(done, err)
	}
	holds(`"bob"`)
	done, err = s.Sync(t.Context(), r.Projections)
	if err != nil || len(done) != 1 || done[0].Changed {
		t.Errorf("nothing to do: %+v, %v", done, err)
	}
	if found, _, err := s.Unproject(t.Context(), kind); !found || err != nil {
		t.Fatal(found, err)
	}
	done, err = s.Sync(t.Context(), r.Projections) // by who has read the mark before
	if err != nil || len(done) != 0 {
		t.Errorf("taken away: %+v, %v", done, err)
	}
	if _, err := c.CoreV1().Secrets(s.Namespace).Get(t.Context(), s.Name+"-web", metav1.GetOptions{}); err == nil {
		t.Error("the Secret is there again")
	}
	if found, _, err := s.Unproject(t.Context(), kind); found || err != nil {
		t.Error(found, err)
	}
}

// What cannot be written is an error that says that the users are changed, and what to do.
func TestProjectionBehind(t *testing.T) {
	s, c := newStore(t)
	if _, err := s.Project(t.Context(), web(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sync(t.Context(), []string{"prometheus-web"}); err != nil {
		t.Fatal(err)
	}
	secrets := c.CoreV1().Secrets(s.Namespace)
	secret, err := secrets.Get(t.Context(), s.Name+"-web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	immutable := true
	secret.Immutable = &immutable
	if _, err := secrets.Update(t.Context(), secret, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	r, err := s.Edit(t.Context(), setBcrypt(t, "alice"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Sync(t.Context(), r.Projections)
	if !errors.As(err, new(*userstore.BehindError)) || !strings.Contains(err.Error(), "the users are changed, but Secret "+s.Namespace+"/"+s.Name+"-web is behind: run kubectl basicauth project sync") {
		t.Error(err)
	}
	_, err = s.Sync(t.Context(), []string{"of-tomorrow"})
	if err == nil || !strings.Contains(err.Error(), `unknown kind "of-tomorrow"; use prometheus-web, envoy, haproxy; a newer kubectl basicauth knows it`) {
		t.Error(err)
	}
	f, meta, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	meta.Projections = append(meta.Projections, "of-tomorrow")
	for _, check := range s.ProjectionChecks(t.Context(), f, meta) {
		if check.Status != userstore.Fail {
			t.Errorf("%+v", check)
		}
	}
}

// Users that come back find the projections that earlier ones have left. Where that cannot be seen for a moment, they do not come
// back: nothing would bring the projections up to them later.
func TestProjectionsOfEarlierUsers(t *testing.T) {
	s, c := newStore(t)
	if _, err := s.Project(t.Context(), web(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sync(t.Context(), []string{"prometheus-web"}); err != nil {
		t.Fatal(err)
	}
	if err := c.CoreV1().Secrets(s.Namespace).Delete(t.Context(), s.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	blind := *s
	blind.Client = &between{SecretsGetter: s.Client, name: s.Name + "-web", err: apierrors.NewServiceUnavailable("away")}
	if r, err := blind.EditOrCreate(t.Context(), setBcrypt(t, "alice")); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("%+v, %v", r, err)
	}
	if _, _, err := s.Read(t.Context()); !apierrors.IsNotFound(err) {
		t.Errorf("users without their projection: %v", err)
	}
	r, err := s.EditOrCreate(t.Context(), setBcrypt(t, "alice"))
	if diff := cmp.Diff([]string{"prometheus-web"}, r.Projections); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// A projection that is kept no more, and whose Secret could not be deleted: the error says both, and the same again goes on from there.
func TestUndeletedProjection(t *testing.T) {
	s, c := newStore(t)
	if _, err := s.Project(t.Context(), web(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sync(t.Context(), []string{"prometheus-web"}); err != nil {
		t.Fatal(err)
	}
	blind := *s
	blind.Client = &between{SecretsGetter: s.Client, name: s.Name + "-web", err: apierrors.NewServiceUnavailable("away")}
	_, _, err := blind.Unproject(t.Context(), web(t))
	want := "the projection is kept no more, but Secret " + s.Namespace + "/" + s.Name + "-web may still be there: run kubectl basicauth project remove prometheus-web again"
	if !errors.As(err, new(*userstore.UndeletedError)) || !apierrors.IsServiceUnavailable(err) || !strings.HasSuffix(err.Error(), want) {
		t.Error(err)
	}
	if _, err := c.CoreV1().Secrets(s.Namespace).Get(t.Context(), s.Name+"-web", metav1.GetOptions{}); err != nil {
		t.Fatal(err)
	}
	if marked, deleted, err := s.Unproject(t.Context(), web(t)); marked || !deleted || err != nil {
		t.Error(marked, deleted, err)
	}
	if _, _, err := blind.Unproject(t.Context(), web(t)); errors.As(err, new(*userstore.UndeletedError)) || err == nil {
		t.Errorf("where no projection was kept: %v", err)
	}
}

// between is a real client that does something after the next get of one Secret has been answered, or answers all of them with an
// error.
type between struct {
	clientcorev1.SecretsGetter
	name string
	do   func()
	err  error
}

func (b *between) Secrets(namespace string) clientcorev1.SecretInterface {
	return &betweenSecrets{b.SecretsGetter.Secrets(namespace), b}
}

type betweenSecrets struct {
	clientcorev1.SecretInterface
	*between
}

func (b *betweenSecrets) Get(ctx context.Context, name string, options metav1.GetOptions) (*corev1.Secret, error) {
	if name == b.name && b.err != nil {
		return nil, b.err
	}
	secret, err := b.SecretInterface.Get(ctx, name, options)
	if do := b.do; name == b.name && do != nil {
		b.do = nil
		do()
	}
	return secret, err
}

// Who has read the users writes them late, when another has changed and written them: what is older loses, whichever of
// the two Secrets it was read from last.
func TestOlderUsersNeverOverwriteNewer(t *testing.T) {
	for _, suffix := range []string{"", "-web"} {
		t.Run("after the get of kauth-users"+suffix, func(t *testing.T) {
			s, c := newStore(t)
			if _, err := s.Project(t.Context(), web(t)); err != nil {
				t.Fatal(err)
			}
			r, err := s.Edit(t.Context(), setBcrypt(t, "alice"))
			if err != nil {
				t.Fatal(err)
			}
			late := *s
			late.Client = &between{SecretsGetter: s.Client, name: s.Name + suffix, do: func() {
				_, err := s.Edit(t.Context(), func(f *htpasswd.File) error { f.Remove("alice"); return setBcrypt(t, "bob")(f) })
				if err == nil {
					_, err = s.Sync(t.Context(), r.Projections)
				}
				if err != nil {
					t.Error(err)
				}
			}}
			if _, err := late.Sync(t.Context(), r.Projections); err != nil {
				t.Fatal(err)
			}
			secret, err := c.CoreV1().Secrets(s.Namespace).Get(t.Context(), s.Name+"-web", metav1.GetOptions{})
			if err != nil || strings.Contains(string(secret.Data["web.yml"]), "alice") || !strings.Contains(string(secret.Data["web.yml"]), "bob") {
				t.Errorf("%v: %s", err, secret.Data["web.yml"])
			}
		})
	}
}
