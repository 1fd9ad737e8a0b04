// Package secretstore owns the way in which one Secret is changed: read, edited and written back without losing what others
// write meanwhile. Each write is one request, so that a program killed half-way has changed everything or nothing.
package secretstore

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// The label on Secrets that kubectl basicauth creates (kubernetes.io/docs/concepts/overview/working-with-objects/common-labels),
// and its value.
const (
	ManagedByLabel = "app.kubernetes.io/managed-by"
	ManagedBy      = "kauth"
)

// DryRun says how far a write goes.
type DryRun int

// The kinds of dry run: the write itself, nothing sent, or a write that the API server checks and forgets.
const (
	DryRunNone DryRun = iota
	DryRunClient
	DryRunServer
)

// Conflicts are retried for retryFor. The pause before a retry is random, up to backoffBase doubled each time and at
// most backoffCap: with two hundred writers that each need some milliseconds between read and write, about one in
// three attempts then wins.
const (
	retryFor    = 2 * time.Minute
	backoffBase = 10 * time.Millisecond
	backoffCap  = time.Second
	// With Before, which writes another Secret, a try takes longer, and so do the pauses.
	backoffSlower = 3
)

// A Store is one Secret. Its methods need the verbs get and update on that Secret, and create where EditOrCreate finds
// none; neither list nor patch. Errors never contain anything of the data.
type Store struct {
	Client       clientcorev1.SecretsGetter // without a client-side rate limit, or retries are slow
	Namespace    string
	Name         string
	FieldManager string
	DryRun       DryRun
	Advice       Advice
	// Before is called before each write of an edit that is sent, also by a server-side dry run: with the Secret as it was read, or was
	// to be created, and as it is to be written, whose annotations it may change. Its error ends the edit, and nothing is
	// written. nil: nothing is called.
	Before func(ctx context.Context, was, will *corev1.Secret) error
}

// Advice is what errors tell people to do, of a Secret of this kind.
type Advice struct {
	Missing   string // "kubectl basicauth user add creates it with its first user"
	Immutable string // what follows from it, and what to do: "so its users cannot change; export them, delete the Secret, and import them again"
	Full      string // "remove users, or use a second Secret"
	Look      string // the command that shows whether a write was made: "kubectl basicauth user list"; empty: nobody need know
	Verbs     string // that a Role needs for this Secret; empty: "get and update"
}

// Result says what an edit did.
type Result struct {
	Before   *corev1.Secret // as it was read, or was to be created; secret
	After    *corev1.Secret // the same with the edit; secret
	Changed  bool           // data or annotations are others; false: nothing was written
	Created  bool           // the Secret was missing
	Attempts int            // writes tried; more than 1 means that others wrote at the same time
}

// Get returns the Secret. A missing one is an error that apierrors.IsNotFound recognises.
func (s *Store) Get(ctx context.Context) (*corev1.Secret, error) {
	secret, err := s.secrets().Get(ctx, s.Name, metav1.GetOptions{})
	return secret, s.Explain("get", err)
}

// Edit changes a Secret that exists; one that is missing is an error that apierrors.IsNotFound recognises. It calls edit
// with what is stored now, and again each time that somebody else wrote first, so edit must depend on nothing but its
// argument. It may change data, which is not nil, and annotations, which may be; of a new Secret, which has no UID, labels too. An error of edit ends it, and nothing is
// written. What edit does not touch stays as it is.
func (s *Store) Edit(ctx context.Context, edit func(*corev1.Secret) error) (Result, error) {
	return s.retry(ctx, edit, false)
}

// EditOrCreate is Edit that creates the Secret when it is missing; edit then begins with no data.
func (s *Store) EditOrCreate(ctx context.Context, edit func(*corev1.Secret) error) (Result, error) {
	return s.retry(ctx, edit, true)
}

// Create creates the Secret with this data; one that exists is an error that apierrors.IsAlreadyExists recognises.
func (s *Store) Create(ctx context.Context, data map[string][]byte) error {
	secret := s.empty()
	secret.Data = data
	err := s.create(ctx, secret)
	if lost, ok := errors.AsType[raceError](err); ok {
		return lost.error
	}
	return err
}

// Delete deletes the Secret, if it still is the one that was read. One that is gone is no error.
func (s *Store) Delete(ctx context.Context, secret *corev1.Secret) error {
	if s.DryRun == DryRunClient {
		return nil
	}
	err := s.secrets().Delete(ctx, s.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &secret.UID}, DryRun: s.dryRun()})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return s.Explain("delete", err)
}

// retry tries until nobody else wrote in between. A Secret that appears before the create, or disappears before
// the update, is such a case too.
func (s *Store) retry(ctx context.Context, edit func(*corev1.Secret) error, create bool) (Result, error) {
	deadline := time.Now().Add(retryFor)
	limit, most := backoffBase, backoffCap
	if s.Before != nil {
		limit, most = backoffSlower*limit, backoffSlower*most
	}
	for attempt := 1; ; attempt++ {
		result, err := s.try(ctx, edit, create)
		result.Attempts = attempt
		if err == nil || !errors.As(err, new(raceError)) {
			return result, err
		}
		if time.Now().After(deadline) {
			return Result{}, s.Errorf("others wrote to it at the same time for %s; nothing was changed, try again: %w", retryFor, err)
		}
		pause := time.NewTimer(rand.N(limit)) //nolint:gosec // spreads retries, guards nothing
		select {
		case <-ctx.Done():
			pause.Stop()
			return Result{}, s.Errorf("given up while others wrote to it; nothing was changed: %w", context.Cause(ctx))
		case <-pause.C:
		}
		limit = min(2*limit, most)
	}
}

// raceError marks a write that lost against another writer.
type raceError struct{ error }

// Race marks an error of Store.Before: somebody else is changing the Secret, so that it is to be read and edited again.
func Race(err error) error { return raceError{err} }

func (e raceError) Unwrap() error { return e.error }

func (s *Store) try(ctx context.Context, edit func(*corev1.Secret) error, create bool) (Result, error) {
	secret, err := s.secrets().Get(ctx, s.Name, metav1.GetOptions{})
	missing := apierrors.IsNotFound(err)
	switch {
	case missing && create:
		secret = s.empty()
	case err != nil:
		return Result{}, s.Explain("get", err)
	}
	result := Result{Before: secret, After: secret.DeepCopy(), Created: missing}
	if result.After.Data == nil {
		result.After.Data = map[string][]byte{}
	}
	if err := edit(result.After); err != nil {
		return Result{}, err
	}
	result.Changed = missing || !maps.EqualFunc(secret.Data, result.After.Data, bytes.Equal) || !maps.Equal(secret.Annotations, result.After.Annotations)
	if !result.Changed {
		return result, nil
	}
	if err := s.write(ctx, secret, result.After, missing); err != nil {
		return Result{}, err
	}
	return result, nil
}

// empty is the Secret as it is created.
func (s *Store) empty() *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: s.Name, Namespace: s.Namespace, Labels: map[string]string{ManagedByLabel: ManagedBy}},
		Type:       corev1.SecretTypeOpaque,
	}
}

func (s *Store) write(ctx context.Context, was, secret *corev1.Secret, missing bool) error {
	if secret.Immutable != nil && *secret.Immutable {
		return s.Errorf("immutable, %s", s.Advice.Immutable)
	}
	size := 0
	for _, value := range secret.Data {
		size += len(value)
	}
	if size > corev1.MaxSecretSize {
		return s.Errorf("data: would have %d bytes, and Kubernetes takes %d in one Secret; %s", size, corev1.MaxSecretSize, s.Advice.Full)
	}
	if s.DryRun == DryRunClient {
		return nil
	}
	if s.Before != nil {
		if err := s.Before(ctx, was, secret); err != nil {
			return err
		}
	}
	if missing {
		return s.create(ctx, secret)
	}
	_, err := s.secrets().Update(ctx, secret, metav1.UpdateOptions{FieldManager: s.FieldManager, DryRun: s.dryRun()})
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return raceError{s.Explain("update", err)}
	}
	return s.Explain("update", err)
}

func (s *Store) create(ctx context.Context, secret *corev1.Secret) error {
	_, err := s.secrets().Create(ctx, secret, metav1.CreateOptions{FieldManager: s.FieldManager, DryRun: s.dryRun()})
	if apierrors.IsAlreadyExists(err) {
		return raceError{s.Explain("create", err)}
	}
	return s.Explain("create", err)
}

func (s *Store) dryRun() []string {
	if s.DryRun == DryRunServer {
		return []string{metav1.DryRunAll}
	}
	return nil
}

func (s *Store) secrets() clientcorev1.SecretInterface { return s.Client.Secrets(s.Namespace) }
