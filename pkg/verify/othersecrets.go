package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/sessionkey"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// otherSecrets reports on what else the gate reads: session keys, accepted headers, a certificate.
func (v *verifier) otherSecrets(ctx context.Context, s *subject) {
	for _, need := range []struct {
		is                 bool
		volume, what, hint string
		keys               []string
	}{
		{s.Config.SessionKeyFile != "", gateconf.SessionVolume, "session keys", "kubectl basicauth session-key rotate makes one", []string{gateconf.SessionKey}},
		{s.Config.RequireHeader != "", gateconf.HeaderVolume, "values of header " + s.Config.RequireHeader, "kubectl basicauth header rotate makes one", nil},
		{s.Config.TLSCertFile != "", gateconf.TLSVolume, "the gate's certificate", "docs/gate.md says how to make it", []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey}},
	} {
		if !need.is {
			continue
		}
		name := v.mounted(s, need.volume)
		ref := "Secret " + s.Ref.Namespace + "/" + name
		if name == "" || v.secrets[ref+need.what] != nil {
			continue
		}
		v.secrets[ref+need.what] = &users{}
		secret, err := v.hasKeys(ctx, s.Ref.Namespace, name, need.keys)
		if err == nil && need.volume == gateconf.HeaderVolume {
			v.headers[s.Ref.Namespace+"/"+name] = strings.TrimSpace(string(secret.Data[slices.Min(slices.Collect(maps.Keys(secret.Data)))]))
		}
		if err == nil && need.volume == gateconf.SessionVolume {
			err = parses(secret)
			need.hint = "kubectl basicauth session-key rotate --overlap 0 begins anew, which ends all sessions"
		}
		if apierrors.IsForbidden(err) {
			v.add(userstore.Warn, ref, "secret", "ask for the verb get on it", "%s: you may not get it, so this was not looked at", need.what)
		} else if err != nil {
			v.add(userstore.Fail, ref, "secret", need.hint, "%s: %v", need.what, err)
		} else {
			v.add(userstore.Pass, ref, "secret", "", "%s: there", need.what)
		}
	}
}

// parses says what is wrong with session keys.
func parses(secret *corev1.Secret) error {
	if _, err := sessionkey.Parse(secret.Data[gateconf.SessionKey]); err != nil {
		what, _, _ := strings.Cut(err.Error(), "; ") // the hint is another here
		return fmt.Errorf("data.%s: %s", gateconf.SessionKey, what)
	}
	return nil
}

func (v *verifier) hasKeys(ctx context.Context, namespace, name string, keys []string) (*corev1.Secret, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, v.Patience, fmt.Errorf("no answer within %s", v.Patience))
	defer cancel()
	secret, err := v.core.Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if len(secret.Data[key]) == 0 {
			return nil, fmt.Errorf("no key %q, or an empty one", key)
		}
	}
	if len(secret.Data) == 0 {
		return nil, errors.New("is empty")
	}
	return secret, nil
}
