package verify

import (
	"cmp"
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

// otherSecret is a Secret and what a gate reads it for.
type otherSecret struct{ namespace, name, what string }

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
		ref, about := "Secret "+s.Ref.Namespace+"/"+name, otherSecret{s.Ref.Namespace, name, need.what}
		if name == "" || v.others[about] {
			continue
		}
		v.others[about] = true
		secret, err := v.hasKeys(ctx, s.Ref.Namespace, name, need.keys)
		if err == nil && need.volume == gateconf.HeaderVolume {
			v.headers[s.Ref.Namespace+"/"+name], err = headerValue(secret)
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

// headerValue is one of the values that gates accept. They take none of a Secret in which one is bad.
func headerValue(secret *corev1.Secret) (first string, err error) {
	for _, key := range slices.Sorted(maps.Keys(secret.Data)) {
		if !gateconf.IsHeaderFile(key) {
			continue
		}
		value := gateconf.TrimHeaderValue(secret.Data[key])
		if err := gateconf.ValidHeaderValue(value); err != nil {
			return "", fmt.Errorf("data.%s: %w", key, err)
		}
		first = cmp.Or(first, string(value))
	}
	if first == "" {
		return "", errors.New("none that gates take: their keys begin with a dot")
	}
	return first, nil
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
