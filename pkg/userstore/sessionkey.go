package userstore

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

const sessionKeySize = 32 // bytes, as many as HMAC-SHA-256 has

// SessionKeyRef names the Secret of the session key as errors do.
func (s *Store) SessionKeyRef() string {
	return "Secret " + s.Namespace + "/" + s.Name + gateconf.SessionSecret
}

// EnsureSessionKey makes the Secret with the key that signs the sessions of gates with a sign-in page, unless it exists, and
// says whether it did. One that exists is never changed, whatever is in it: a new key would end all sessions. It needs the verb
// create on secrets, or get on that Secret where it exists. A dry run makes none.
func (s *Store) EnsureSessionKey(ctx context.Context) (bool, error) {
	if s.DryRun != DryRunNone {
		return false, nil
	}
	name := s.Name + gateconf.SessionSecret
	switch _, err := s.secrets().Get(ctx, name, metav1.GetOptions{}); {
	case err == nil:
		return false, nil
	case !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err):
		return false, s.explainSessionKey("get", err)
	}
	key := make([]byte, sessionKeySize)
	_, _ = rand.Read(key) // it returns no error, but ends the program
	_, err := s.secrets().Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.Namespace, Labels: map[string]string{managedByLabel: ManagedBy}},
		Type:       corev1.SecretTypeOpaque,
		Data:       map[string][]byte{gateconf.SessionKey: []byte(base64.StdEncoding.EncodeToString(key) + "\n")},
	}, metav1.CreateOptions{FieldManager: s.FieldManager})
	if apierrors.IsAlreadyExists(err) {
		return false, nil
	}
	return err == nil, s.explainSessionKey("create", err)
}

func (s *Store) explainSessionKey(verb string, err error) error {
	switch {
	case err == nil:
		return nil
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%s: you may not look at or create it; gates with --sign-in page need it, so let somebody with the verb create on secrets add a user once%w",
			s.SessionKeyRef(), silent{err})
	}
	return fmt.Errorf("%s: %s: %w; gates with --sign-in page need it, and the next user add tries again", s.SessionKeyRef(), verb, bare(err))
}
