package userstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/projection"
	"github.com/kauth-dev/kauth/pkg/secretstore"
)

// Projected is what became of one projection.
type Projected struct {
	Kind    string
	Secret  string // its name
	Users   int    // that it holds
	Left    []projection.Left
	Changed bool // false: it was so already
	Created bool
}

// BehindError is the error of a projection that could not be brought up to the users, which are changed by then: whoever
// was removed still gets in where the projection is read.
type BehindError struct {
	Ref       string // of the projection's Secret
	Err       error
	Unchanged bool // the users were not changed just now
}

// Error says what to do. Any later change of a user brings the projection up to date as well.
func (e *BehindError) Error() string {
	if e.Unchanged {
		return fmt.Sprintf("%v; %s is behind the users until kubectl basicauth project sync has written it", e.Err, e.Ref)
	}
	return fmt.Sprintf("%v; the users are changed, but %s is behind: run kubectl basicauth project sync", e.Err, e.Ref)
}

func (e *BehindError) Unwrap() error { return e.Err }

// UndeletedError is the error of a projection that is kept no more, and whose Secret could not be deleted.
type UndeletedError struct {
	Kind string
	Ref  string // of its Secret
	Err  error
}

// Error says what to do.
func (e *UndeletedError) Error() string {
	return fmt.Sprintf("%v; the projection is kept no more, but %s may still be there: run kubectl basicauth project remove %s again", e.Err, e.Ref, e.Kind)
}

func (e *UndeletedError) Unwrap() error { return e.Err }

// Project keeps a projection of the users from now on: the users Secret, which is made where it is missing, gets an
// annotation with the kind, and then the projection's Secret is written. It is in this order, so that one that is there is
// never without the mark by which the next change of a user finds it. Nothing is written where it is known before that the
// projection's Secret could not be, for every change of a user would fail from then on.
func (s *Store) Project(ctx context.Context, kind projection.Kind) (Result, error) {
	if err := s.canProject(ctx, kind); err != nil {
		return Result{}, err
	}
	return s.change(ctx, func(secret *corev1.Secret, _ *htpasswd.File) error {
		names := projection.Names(secret.Annotations[gateconf.AnnotationProjections] + "," + kind.Name)
		metav1.SetMetaDataAnnotation(&secret.ObjectMeta, gateconf.AnnotationProjections, strings.Join(names, ","))
		return nil
	}, true)
}

// canProject says why the Secret of a projection cannot be written: it is another's, or it takes more rights. nil: nothing is known
// that speaks against it.
func (s *Store) canProject(ctx context.Context, kind projection.Kind) error {
	p := s.beside(kind)
	secret, err := p.Get(ctx)
	switch {
	case err == nil && !s.owns(kind, secret):
		return s.foreign(kind)
	case err == nil || apierrors.IsNotFound(err) && s.DryRun == DryRunClient:
		return nil
	case !apierrors.IsNotFound(err):
		return err
	}
	p.DryRun = DryRunServer
	if err := p.Create(ctx, map[string][]byte{kind.Key: {}}); secretstore.LacksRights("create", err) {
		return err
	}
	return nil // such as a namespace that is missing, of which the write of the users tells
}

func (s *Store) foreign(kind projection.Kind) error {
	return s.beside(kind).Errorf("no projection of %s that kubectl basicauth keeps, and is left as it is; rename or remove it", s.Ref())
}

// Unproject takes the mark away and then the Secret, in this order for the same reason: who changes a user meanwhile
// writes none again. It says whether there was each of the two; a Secret of that name that is no projection of these users stays, and is none.
// A users Secret that is missing is no error; a Secret that stays, though the mark is gone, is an UndeletedError.
func (s *Store) Unproject(ctx context.Context, kind projection.Kind) (marked, deleted bool, err error) {
	result, err := s.change(ctx, func(secret *corev1.Secret, _ *htpasswd.File) error {
		names := slices.DeleteFunc(projection.Names(secret.Annotations[gateconf.AnnotationProjections]), func(name string) bool { return name == kind.Name })
		delete(secret.Annotations, gateconf.AnnotationProjections)
		if len(names) > 0 {
			metav1.SetMetaDataAnnotation(&secret.ObjectMeta, gateconf.AnnotationProjections, strings.Join(names, ","))
		}
		return nil
	}, false)
	if err != nil && !apierrors.IsNotFound(err) {
		return false, false, err
	}
	p := s.beside(kind)
	secret, err := p.Get(ctx)
	switch {
	case apierrors.IsNotFound(err):
		return result.Changed, false, nil
	case err == nil && !s.owns(kind, secret):
		return result.Changed, false, nil
	case err == nil:
		err = p.Delete(ctx, secret)
	}
	if err != nil && result.Changed {
		err = &UndeletedError{Kind: kind.Name, Ref: p.Ref(), Err: err}
	}
	return result.Changed, err == nil, err
}

// Sync writes every projection that the users Secret asks for, from what is stored now. It is called after each change
// of a user, and mends what an earlier command left behind.
func (s *Store) Sync(ctx context.Context, names []string) ([]Projected, error) {
	return s.syncAll(ctx, names, false)
}

// Resync is Sync where no user was changed before.
func (s *Store) Resync(ctx context.Context, names []string) ([]Projected, error) {
	return s.syncAll(ctx, names, true)
}

func (s *Store) syncAll(ctx context.Context, names []string, unchanged bool) ([]Projected, error) {
	var all []Projected
	var errs []error
	for _, name := range names {
		kind, err := projection.Find(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: metadata.annotations[%q]: %w; a newer kubectl basicauth knows it", s.Ref(), gateconf.AnnotationProjections, err))
			continue
		}
		done, err := s.sync(ctx, kind)
		if err != nil {
			errs = append(errs, &BehindError{s.beside(kind).Ref(), err, unchanged})
			continue
		}
		if done != nil {
			all = append(all, *done)
		}
	}
	return all, errors.Join(errs...)
}

// errUnasked ends the edit of a projection that the users Secret does not ask for any more.
var errUnasked = errors.New("not asked for")

// sync writes one projection. It reads the projection before the users: a writer whose users are older than those that
// another has written from meanwhile then loses by a conflict, and reads again. So the last write is of the last users,
// however many write at once. It returns nil where the users Secret asks for the projection no more.
func (s *Store) sync(ctx context.Context, kind projection.Kind) (*Projected, error) {
	p := s.beside(kind)
	done := &Projected{Kind: kind.Name, Secret: p.Name}
	result, err := p.EditOrCreate(ctx, func(secret *corev1.Secret) error {
		users, meta, err := s.Read(ctx)
		switch {
		case err != nil:
			return err
		case !slices.Contains(meta.Projections, kind.Name):
			return errUnasked
		case secret.UID == "":
			metav1.SetMetaDataLabel(&secret.ObjectMeta, gateconf.LabelProjection, kind.Name)
			metav1.SetMetaDataAnnotation(&secret.ObjectMeta, gateconf.AnnotationProjectionOf, s.Name)
		case !s.owns(kind, secret):
			return s.foreign(kind)
		}
		text, count, left, err := kind.Render(s.Name, users, secret.Data[kind.Key])
		if err != nil {
			return p.Errorf("%w", err)
		}
		done.Users, done.Left = count, left
		secret.Data = map[string][]byte{kind.Key: text} // it holds nothing else
		return nil
	})
	if errors.Is(err, errUnasked) {
		return nil, nil
	}
	done.Changed, done.Created = result.Changed, result.Created
	return done, err
}

// beside is the Secret of a projection.
func (s *Store) beside(kind projection.Kind) *secretstore.Store {
	return &secretstore.Store{
		Client: s.Client, Namespace: s.Namespace, Name: kind.Secret(s.Name), FieldManager: s.FieldManager, DryRun: s.DryRun,
		Advice: secretstore.Advice{
			Missing:   "kubectl basicauth project add " + kind.Name + " creates it",
			Immutable: "so it cannot follow the users; delete it, and run kubectl basicauth project sync",
			Full:      "remove users, or use a second Secret",
			Look:      "kubectl basicauth project list",
			Verbs:     s.Verbs("get, create, update and delete"),
		},
	}
}

// owns says whether a Secret is the projection of these users.
func (s *Store) owns(kind projection.Kind, secret *corev1.Secret) bool {
	return secret.Labels[gateconf.LabelProjection] == kind.Name && secret.Annotations[gateconf.AnnotationProjectionOf] == s.Name
}

// adopt marks a users Secret that is about to be made with the projections that an earlier one of its name has left:
// they would stay as they are for ever otherwise, with the users of then. One that may not be looked at is left out, for whoever
// makes users needs no right to it; any other error is one.
func (s *Store) adopt(ctx context.Context, users *corev1.Secret) error {
	var names []string
	for _, kind := range projection.Kinds() {
		secret, err := s.beside(kind).Get(ctx)
		switch {
		case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		case err != nil:
			return err
		case s.owns(kind, secret):
			names = append(names, kind.Name)
		}
	}
	if len(names) > 0 {
		metav1.SetMetaDataAnnotation(&users.ObjectMeta, gateconf.AnnotationProjections, strings.Join(names, ","))
	}
	return nil
}

// ProjectionChecks says whether each projection that is kept of the users is there and up to date.
func (s *Store) ProjectionChecks(ctx context.Context, file *htpasswd.File, meta Meta) []Check {
	var checks []Check
	for _, name := range meta.Projections {
		check := Check{Status: Fail, Name: "projection " + name}
		kind, err := projection.Find(name)
		if err != nil {
			check.Message = err.Error()
			checks = append(checks, check)
			continue
		}
		p := s.beside(kind)
		secret, err := p.Get(ctx)
		if err != nil && !apierrors.IsNotFound(err) {
			check.Message = err.Error()
			checks = append(checks, check)
			continue
		}
		const mend = "; run kubectl basicauth project sync"
		text, users, left, renderErr := kind.Render(s.Name, file, secret.Data[kind.Key])
		switch {
		case err != nil:
			check.Message = p.Ref() + " is missing" + mend
		case !s.owns(kind, secret):
			check.Message = p.Ref() + " is none that kubectl basicauth keeps; rename or remove it"
		case renderErr != nil:
			check.Message = renderErr.Error()
		case string(text) != string(secret.Data[kind.Key]):
			if check.Message = p.Ref() + " is behind the users" + mend; frozen(secret) {
				check.Message = p.Ref() + " is behind the users and immutable; delete it, and run kubectl basicauth project sync"
			}
		case frozen(secret):
			check.Status, check.Message = Warn, p.Ref()+" is immutable, so it cannot follow the users; delete it, and run kubectl basicauth project sync"
		default:
			check.Status, check.Message = Pass, fmt.Sprintf("%s; users: %d", p.Ref(), users)
		}
		checks = append(checks, check)
		for _, l := range left {
			checks = append(checks, Check{Warn, "projection " + name, fmt.Sprintf("user %q: %s", l.User, l.Reason)})
		}
	}
	return checks
}

// frozen says whether Kubernetes refuses every change of a Secret.
func frozen(secret *corev1.Secret) bool { return secret.Immutable != nil && *secret.Immutable }
