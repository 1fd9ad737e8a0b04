package userstore

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/secretstore"
	"github.com/kauth-dev/kauth/pkg/sessionkey"
)

// SessionKeyRef names the Secret of the session key as errors do.
func (s *Store) SessionKeyRef() string { return s.SessionKeys().Ref() }

// SessionKeys is the Secret with the keys that sign the sessions of gates with these users.
func (s *Store) SessionKeys() *secretstore.Store {
	return &secretstore.Store{
		Client: s.Client, Namespace: s.Namespace, Name: s.Name + gateconf.SessionSecret, FieldManager: s.FieldManager, DryRun: s.DryRun,
		Advice: secretstore.Advice{
			Missing:   "kubectl basicauth session-key rotate creates it",
			Immutable: "so its keys cannot change; delete it and rotate again, which ends all sessions",
			Full:      "take old keys away with kubectl basicauth session-key expire --now",
			Look:      "kubectl basicauth session-key list",
			Verbs:     s.Verbs("get and update"),
		},
	}
}

// EnsureSessionKey makes the Secret with the key that signs the sessions of gates with a sign-in page, unless it exists, and
// says whether it did. One that exists is never changed, whatever is in it: a new key would end all sessions. It needs the verb
// create on secrets, or get on that Secret where it exists. A dry run makes none.
func (s *Store) EnsureSessionKey(ctx context.Context) (bool, error) {
	if s.DryRun != DryRunNone {
		return false, nil
	}
	secret := s.SessionKeys()
	switch _, err := secret.Get(ctx); {
	case err == nil:
		return false, nil
	case !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err):
		return false, explainSessionKey(secret, err)
	}
	line, _ := sessionkey.New()
	err := secret.Create(ctx, map[string][]byte{gateconf.SessionKey: line})
	if apierrors.IsAlreadyExists(err) {
		return false, nil
	}
	return err == nil, explainSessionKey(secret, err)
}

func explainSessionKey(secret *secretstore.Store, err error) error {
	switch {
	case err == nil:
		return nil
	case secretstore.LacksRights("create", err):
		return fmt.Errorf("%s: you may not look at or create it; gates with --sign-in page need it, so let somebody with the verb create on secrets add a user once", secret.Ref())
	}
	return fmt.Errorf("%w; gates with --sign-in page need it, and the next user add tries again", err)
}
