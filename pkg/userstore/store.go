// Package userstore owns the Secret that holds a gate's users: it reads it, edits its htpasswd text and writes it back
// without losing what others write meanwhile. Each write is one request, so that a program killed half-way has changed
// everything or nothing.
package userstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// ManagedBy is the value of the label app.kubernetes.io/managed-by on Secrets that a Store creates.
const ManagedBy = "kauth"

const managedByLabel = "app.kubernetes.io/managed-by"

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
)

// A Store is one Secret with users. Its methods need the verbs get and update on that Secret, and create where
// EditOrCreate finds none; neither list nor patch. Errors never contain a hash.
type Store struct {
	Client       clientcorev1.SecretsGetter // without a client-side rate limit, or retries are slow
	Namespace    string
	Name         string
	Key          string // the data key with the htpasswd text; empty: gateconf.UsersKey
	FieldManager string
	DryRun       DryRun
}

// Result says what an edit did.
type Result struct {
	Meta            // of the Secret as it was before the edit, or as it was created
	Changed  bool   // the text, or what is kept of it elsewhere, is another; false: nothing was written
	Created  bool   // the Secret was missing
	Attempts int    // writes tried; more than 1 means that others wrote at the same time
	Text     []byte // the htpasswd text as it is now; secret
}

// Read returns the users. A missing Secret is an error that apierrors.IsNotFound recognises; a Secret without the key
// has no users, and Meta.HasKey is false.
func (s *Store) Read(ctx context.Context) (*htpasswd.File, Meta, error) {
	secret, err := s.secrets().Get(ctx, s.Name, metav1.GetOptions{})
	if err != nil {
		return nil, Meta{}, s.explain("get", err)
	}
	return htpasswd.Parse(secret.Data[s.DataKey()]), s.meta(secret), nil
}

// Edit changes the users of a Secret that exists; one that is missing is an error that apierrors.IsNotFound recognises.
// It calls edit with what is stored now, and again each time that somebody else wrote first, so edit must depend on
// nothing but its argument. An error of edit ends it, and nothing is written. Other keys, labels and annotations
// stay as they are.
func (s *Store) Edit(ctx context.Context, edit func(*htpasswd.File) error) (Result, error) {
	return s.retry(ctx, usersOnly(edit), false)
}

// EditOrCreate is Edit that creates the Secret when it is missing; edit then begins with an empty file.
func (s *Store) EditOrCreate(ctx context.Context, edit func(*htpasswd.File) error) (Result, error) {
	return s.retry(ctx, usersOnly(edit), true)
}

// editing is an edit of a users Secret: of its users, or of what else stands on it.
type editing func(*corev1.Secret, *htpasswd.File) error

func usersOnly(edit func(*htpasswd.File) error) editing {
	return func(_ *corev1.Secret, f *htpasswd.File) error { return edit(f) }
}

// retry tries until nobody else wrote in between. A Secret that appears before the create, or disappears before
// the update, is such a case too.
func (s *Store) retry(ctx context.Context, edit editing, create bool) (Result, error) {
	var result Result
	err := s.untilUncontested(ctx, s.Ref(), func(attempt int) error {
		var err error
		result, err = s.try(ctx, edit, create)
		result.Attempts = attempt
		return err
	})
	if err != nil {
		return Result{}, err
	}
	return result, nil
}

// untilUncontested calls do until it fails in another way than by a raceError, or not at all.
func (s *Store) untilUncontested(ctx context.Context, ref string, do func(attempt int) error) error {
	deadline := time.Now().Add(retryFor)
	limit := backoffBase
	for attempt := 1; ; attempt++ {
		err := do(attempt)
		if err == nil || !errors.As(err, new(raceError)) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: others wrote to it at the same time for %s; nothing was changed, try again: %w", ref, retryFor, err)
		}
		pause := time.NewTimer(rand.N(limit)) //nolint:gosec // spreads retries, guards nothing
		select {
		case <-ctx.Done():
			pause.Stop()
			return fmt.Errorf("%s: given up while others wrote to it; nothing was changed: %w", ref, context.Cause(ctx))
		case <-pause.C:
		}
		limit = min(2*limit, backoffCap)
	}
}

// raceError marks a write that lost against another writer.
type raceError struct{ error }

func (e raceError) Unwrap() error { return e.error }

func (s *Store) try(ctx context.Context, edit editing, create bool) (Result, error) {
	secret, err := s.secrets().Get(ctx, s.Name, metav1.GetOptions{})
	missing := apierrors.IsNotFound(err)
	switch {
	case missing && create:
		secret = &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: s.Name, Namespace: s.Namespace, Labels: map[string]string{managedByLabel: ManagedBy}},
			Type:       corev1.SecretTypeOpaque,
		}
		s.adopt(ctx, secret)
	case err != nil:
		return Result{}, s.explain("get", err)
	}
	file, kept := htpasswd.Parse(secret.Data[s.DataKey()]), secret.Annotations[gateconf.AnnotationProjections]
	if err := edit(secret, file); err != nil {
		return Result{}, err
	}
	result := Result{Meta: s.meta(secret), Created: missing, Text: file.Bytes()}
	old, had := secret.Data[s.DataKey()]
	result.Changed = missing || !slices.Equal(old, result.Text) || !had && len(result.Text) > 0 || kept != secret.Annotations[gateconf.AnnotationProjections]
	if !result.Changed {
		return result, nil
	}
	if err := s.write(ctx, secret, result); err != nil {
		return Result{}, err
	}
	return result, nil
}

func (s *Store) write(ctx context.Context, secret *corev1.Secret, result Result) error {
	if secret.Immutable != nil && *secret.Immutable {
		return s.errorf("immutable, so its users cannot change; export them, delete the Secret, and import them again")
	}
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	secret.Data[s.DataKey()] = result.Text
	size := 0
	for _, value := range secret.Data {
		size += len(value)
	}
	if size > corev1.MaxSecretSize {
		return s.errorf("data: would have %d bytes, and Kubernetes takes %d in one Secret; remove users, or use a second Secret", size, corev1.MaxSecretSize)
	}
	var dryRun []string
	switch s.DryRun {
	case DryRunClient:
		return nil
	case DryRunServer:
		dryRun = []string{metav1.DryRunAll}
	case DryRunNone:
	}
	var err error
	if result.Created {
		_, err = s.secrets().Create(ctx, secret, metav1.CreateOptions{FieldManager: s.FieldManager, DryRun: dryRun})
		if apierrors.IsAlreadyExists(err) {
			return raceError{s.explain("create", err)}
		}
		return s.explain("create", err)
	}
	_, err = s.secrets().Update(ctx, secret, metav1.UpdateOptions{FieldManager: s.FieldManager, DryRun: dryRun})
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return raceError{s.explain("update", err)}
	}
	return s.explain("update", err)
}

func (s *Store) secrets() clientcorev1.SecretInterface { return s.Client.Secrets(s.Namespace) }

// DataKey returns the data key with the htpasswd text.
func (s *Store) DataKey() string {
	if s.Key == "" {
		return gateconf.UsersKey
	}
	return s.Key
}
