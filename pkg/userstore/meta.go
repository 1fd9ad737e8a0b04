package userstore

import (
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/projection"
	"github.com/kauth-dev/kauth/pkg/secretstore"
)

// Meta is what there is to know about the Secret beside its users.
type Meta struct {
	HasKey    bool     // the data key is there, even if empty
	Immutable bool     // Kubernetes refuses every change
	OtherKeys []string // data keys that are not the users', sorted
	// Projections are the kinds of projections that are kept of the users, sorted.
	Projections []string
	Owners      []string // what would overwrite an edit, such as `Helm (release prom)`; sorted
	deleting    []string // what keeps a Secret that is being deleted; nil: it is not
	key, ref    string
	notes       string    // the annotation about lines
	at          time.Time // when it was read
}

// Warnings returns a line for each thing that may go wrong later though the Secret can be used now.
func (m Meta) Warnings() []string {
	var w []string
	for _, owner := range m.Owners {
		w = append(w, fmt.Sprintf("%s: managed by %s, which may overwrite the users; change them there, or take the Secret out of it", m.ref, owner))
	}
	if m.deleting != nil {
		w = append(w, fmt.Sprintf("%s: metadata.deletionTimestamp: the Secret is being deleted, and its users go with it as soon as its finalizers are done (%s); export them, and import them once it is gone", m.ref, quoted(m.deleting, 10)))
	}
	if len(m.OtherKeys) > 0 {
		beside := fmt.Sprintf("beside %q", m.key)
		if !m.HasKey {
			beside = fmt.Sprintf("and no %q", m.key)
		}
		w = append(w, fmt.Sprintf("%s: data: %s %s; Traefik takes a Secret with exactly one key", m.ref, quoted(m.OtherKeys, 10), beside))
	}
	return append(w, m.noteWarnings()...)
}

func (s *Store) meta(secret *corev1.Secret) Meta {
	m := Meta{key: s.DataKey(), ref: s.Ref(), notes: secret.Annotations[gateconf.AnnotationUsers], at: s.now(), Immutable: secret.Immutable != nil && *secret.Immutable}
	for _, key := range slices.Sorted(maps.Keys(secret.Data)) {
		if key == m.key {
			m.HasKey = true
		} else {
			m.OtherKeys = append(m.OtherKeys, key)
		}
	}
	if secret.DeletionTimestamp != nil {
		m.deleting = append([]string{}, secret.Finalizers...)
	}
	m.Owners = secretstore.Owners(secret, s.FieldManager)
	m.Projections = projection.Names(secret.Annotations[gateconf.AnnotationProjections])
	return m
}
