// Package rotation owns the secrets that are replaced while the old ones still count for a while: the values of the header
// that only the CDN sends, and the keys that sign sessions. Nothing watches the clock: what has had its time is taken away by
// the next change, or by Expire.
package rotation

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/secretstore"
)

// A Value is one secret that gates accept. There is nothing of the secret itself in it.
type Value struct {
	Name        string    // a data key of the Secret; the name of a session key
	Fingerprint string    // the first eight hex digits of the SHA-256 of a header's value that kauth made, which nobody can guess
	Since       time.Time // when kauth made it, in UTC; zero: unknown
	Until       time.Time // when it may be taken away, in UTC; zero: it stays
	Problem     string    // why gates cannot use it; empty: they can
}

// Over says whether the value was replaced and has had its time.
func (v Value) Over(now time.Time) bool { return !v.Until.IsZero() && !v.Until.After(now) }

// goes says whether Expire takes the value away; with all, also before its time is over.
func (v Value) goes(now time.Time, all bool) bool { return v.Over(now) || all && !v.Until.IsZero() }

// Change says what was done to a Secret.
type Change struct {
	secretstore.Result
	Added   string  // the name of what is new; empty: nothing
	Secret  string  // the new value of a header; never that of a session key
	Left    []Value // what gates accept from now on
	Removed []Value // what they do no more
}

// Warnings returns a line for each thing that may go wrong later.
func (c Change) Warnings(s *secretstore.Store) []string { return warnings(s, c.Before, c.Left) }

func warnings(s *secretstore.Store, secret *corev1.Secret, values []Value) []string {
	var w []string
	for _, owner := range secretstore.Owners(secret, s.FieldManager) {
		w = append(w, fmt.Sprintf("%s: managed by %s, which may overwrite it; change it there, or take the Secret out of it", s.Ref(), owner))
	}
	for _, v := range values {
		if v.Problem != "" {
			w = append(w, fmt.Sprintf("%s: data.%s: %s", s.Ref(), v.Name, v.Problem))
		}
	}
	return w
}

// A note is what the annotation says of a value, by its name.
type note struct {
	Since  time.Time `json:"since,omitzero"`
	Until  time.Time `json:"until,omitzero"`  // session keys; a header's value has it in its name
	SHA256 string    `json:"sha256,omitzero"` // of a header's value that was made here
}

type notes map[string]note

func readNotes(s *secretstore.Store, secret *corev1.Secret) (notes, error) {
	var n notes
	text, ok := secret.Annotations[gateconf.AnnotationRotation]
	if !ok {
		return notes{}, nil
	}
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		return nil, s.Errorf("metadata.annotations[%s]: %w; take it away with kubectl annotate secret %s %s-", gateconf.AnnotationRotation, err, s.Name, gateconf.AnnotationRotation)
	}
	if n == nil { // null is JSON too
		n = notes{}
	}
	return n, nil
}

// write stores the notes of those names only.
func (n notes) write(secret *corev1.Secret, names []string) error {
	maps.DeleteFunc(n, func(name string, _ note) bool { return !slices.Contains(names, name) })
	if len(n) == 0 {
		delete(secret.Annotations, gateconf.AnnotationRotation)
		return nil
	}
	text, err := json.Marshal(n) // in the order of the names
	if err != nil {
		return err
	}
	if secret.Annotations == nil {
		secret.Annotations = map[string]string{}
	}
	secret.Annotations[gateconf.AnnotationRotation] = string(text)
	return nil
}

// seconds returns the whole seconds of t in UTC: what is written down, and what Kubernetes' own times have.
func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// end is when what is replaced now may be taken away, never before the overlap is over.
func end(now time.Time, overlap time.Duration) time.Time {
	return seconds(now.Add(overlap + time.Second - 1))
}

func quoted(names []string) string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(list, ", ")
}
