// Package userstore owns the Secret that holds a gate's users, and its htpasswd text; how it is written without losing what others
// write meanwhile is secretstore's.
package userstore

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	clientcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/linenotes"
	"github.com/kauth-dev/kauth/pkg/secretstore"
)

// DryRun says how far a write goes.
type DryRun = secretstore.DryRun

// The kinds of dry run: the write itself, nothing sent, or a write that the API server checks and forgets.
const (
	DryRunNone   = secretstore.DryRunNone
	DryRunClient = secretstore.DryRunClient
	DryRunServer = secretstore.DryRunServer
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
	ReadOnly     bool             // nothing is to be written: errors ask for the verb get alone
	Now          func() time.Time // nil: time.Now
	Keep         *Keeping         // nil: what the users were before a change is not kept

	keepOver bool // an edit leaves old passwords whose time is over
	ownNotes bool // an edit writes the annotation about lines itself
}

// Result says what an edit did.
type Result struct {
	Meta            // of the Secret as it was before the edit, or as it was created
	Changed  bool   // the text, or what is kept of it elsewhere, is another; false: nothing was written
	Created  bool   // the Secret was missing
	Attempts int    // writes tried; more than 1 means that others wrote at the same time
	Text     []byte // the htpasswd text as it is now; secret
	// Removed are the lines of old passwords that were taken away because their time was over.
	Removed []linenotes.Line
	Unkept  error // why the change is not in the history, though it was to be

	notes string // the annotation about lines as it is now
}

// Read returns the users. A missing Secret is an error that apierrors.IsNotFound recognises; a Secret without the key
// has no users, and Meta.HasKey is false.
func (s *Store) Read(ctx context.Context) (*htpasswd.File, Meta, error) {
	secret, err := s.secret().Get(ctx)
	if err != nil {
		return nil, Meta{}, err
	}
	return htpasswd.Parse(secret.Data[s.DataKey()]), s.meta(secret), nil
}

// Edit changes the users of a Secret that exists; one that is missing is an error that apierrors.IsNotFound recognises.
// It calls edit with what is stored now, and again each time that somebody else wrote first, so edit must depend on
// nothing but its argument. An error of edit ends it, and nothing is written. Other keys, labels and annotations
// stay as they are.
func (s *Store) Edit(ctx context.Context, edit func(*htpasswd.File) error) (Result, error) {
	return s.change(ctx, usersOnly(edit), false)
}

// EditOrCreate is Edit that creates the Secret when it is missing; edit then begins with an empty file.
func (s *Store) EditOrCreate(ctx context.Context, edit func(*htpasswd.File) error) (Result, error) {
	return s.change(ctx, usersOnly(edit), true)
}

// CanCreate says why the Secret, which is missing, cannot be created: its namespace is missing, or it takes more rights. It asks for no
// right that EditOrCreate does without. nil: nothing is known that speaks against it.
func (s *Store) CanCreate(ctx context.Context) error {
	if s.DryRun == DryRunClient {
		return nil
	}
	try := s.secret()
	try.DryRun = DryRunServer
	err := try.Create(ctx, map[string][]byte{s.DataKey(): {}})
	if apierrors.IsNotFound(err) || secretstore.LacksRights("create", err) {
		return err
	}
	return nil // such as an admission webhook without dry runs, or one that wants to see users
}

// editing is an edit of a users Secret: of its users, or of what else stands on it.
type editing func(*corev1.Secret, *htpasswd.File) error

func usersOnly(edit func(*htpasswd.File) error) editing {
	return func(_ *corev1.Secret, f *htpasswd.File) error { return edit(f) }
}

func (s *Store) change(ctx context.Context, edit editing, create bool) (Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return s.changeAs(ctx, s.record(ctx), edit, create)
}

// changeAs is change that is kept by keep, which may be nil.
func (s *Store) changeAs(ctx context.Context, keep *recorder, edit editing, create bool) (Result, error) {
	target := s.secret()
	if keep != nil {
		target.Before = keep.before
	}
	do := target.Edit
	if create {
		do = target.EditOrCreate
	}
	var removed []linenotes.Line
	done, err := do(ctx, func(secret *corev1.Secret) error {
		isNew := secret.UID == ""
		if of := secret.Annotations[gateconf.AnnotationHistoryOf]; of != "" {
			return target.Errorf("holds what was before each change of Secret %s/%s, and no users of its own; choose another with --secret", s.Namespace, of)
		}
		if of := secret.Annotations[gateconf.AnnotationProjectionOf]; of != "" { // its next sync would take users of its own away
			return target.Errorf("holds a projection of Secret %s/%s, and no users of its own; choose another with --secret", s.Namespace, of)
		}
		if isNew {
			if err := s.adopt(ctx, secret); err != nil {
				return err
			}
		}
		old, had := secret.Data[s.DataKey()]
		noted := secret.Annotations[gateconf.AnnotationUsers]
		file := htpasswd.Parse(old)
		err := edit(secret, file)
		if err != nil {
			return err
		}
		if removed, err = s.note(secret, old, noted, file); err != nil {
			return err
		}
		// A key that is not there and would be empty is not made, but for a new Secret.
		if text := file.Bytes(); had || len(text) > 0 || isNew {
			secret.Data[s.DataKey()] = text
		}
		return nil
	})
	if err != nil {
		keep.end(ctx, err)
		return Result{Attempts: done.Attempts}, err
	}
	result := Result{
		Meta: s.meta(done.Before), Changed: done.Changed, Created: done.Created, Attempts: done.Attempts,
		Text: done.After.Data[s.DataKey()], Removed: removed, notes: done.After.Annotations[gateconf.AnnotationUsers],
	}
	if keep != nil {
		result.Unkept = keep.unkept
	}
	result.Projections = s.meta(done.After).Projections
	return result, nil
}

// Ref names the Secret as errors do: "Secret monitoring/kauth-users".
func (s *Store) Ref() string { return s.secret().Ref() }

func (s *Store) secret() *secretstore.Store {
	return &secretstore.Store{
		Client: s.Client, Namespace: s.Namespace, Name: s.Name, FieldManager: s.FieldManager, DryRun: s.DryRun,
		Advice: secretstore.Advice{
			Missing:   "kubectl basicauth user add creates it with its first user",
			Immutable: "so its users cannot change; export them, delete the Secret, and import them again",
			Full:      "remove users, or use a second Secret",
			Look:      "kubectl basicauth user list",
			Verbs:     s.Verbs("get and update"),
		},
	}
}

// Verbs returns those that a Role needs to read and write a Secret, or the one for reading where nothing is to be written.
func (s *Store) Verbs(all string) string {
	if s.ReadOnly {
		return "get"
	}
	return all
}

// DataKey returns the data key with the htpasswd text.
func (s *Store) DataKey() string {
	if s.Key == "" {
		return gateconf.UsersKey
	}
	return s.Key
}
