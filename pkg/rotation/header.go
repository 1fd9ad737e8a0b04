package rotation

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/secretstore"
)

// HeaderKey is the data key of a header's newest value, unless another is named.
const HeaderKey = "current"

// Header is the Secret with the accepted values of the header that only a CDN sends, one a data key. The newest keeps its
// key, so that what reads it there goes on to; the one that it replaces moves to a key that says until when it is accepted.
// Values under other keys are others' and stay.
type Header struct {
	*secretstore.Store
	Now func() time.Time
}

const untilLayout = "20060102T150405Z"

// ValidKey says whether values can stand under a data key: letters, digits, -, _ and ., which is not the first, with room for what a
// value that was replaced has after it.
func ValidKey(key string) error {
	switch {
	case !goodKey.MatchString(key):
		return errors.New("a data key has letters, digits, -, _ and dots, and does not begin with a dot")
	case len(retiredKey(key, time.Time{})) > content.DNS1123SubdomainMaxLength:
		return fmt.Errorf("%d bytes, which leaves no room for the time at its end; at most %d", len(key), content.DNS1123SubdomainMaxLength-len(retiredKey("", time.Time{})))
	case retired.MatchString(key):
		return errors.New("so values are called that have been replaced")
	}
	return nil
}

var goodKey = regexp.MustCompile(`^[-_a-zA-Z0-9][-._a-zA-Z0-9]*$`)

// retired is the data key of a value that was replaced: "current.until-20260102T030405Z".
var retired = regexp.MustCompile(`^(.+)\.until-(\d{8}T\d{6}Z)$`)

func retiredKey(key string, until time.Time) string {
	return key + ".until-" + until.Format(untilLayout)
}

// until says when the value under a data key may be taken away; false: it stays.
func until(key string) (time.Time, bool) {
	m := retired.FindStringSubmatch(key)
	if m == nil {
		return time.Time{}, false
	}
	t, err := time.Parse(untilLayout, m[2])
	return t, err == nil
}

// List returns the values by their data keys, sorted, and what may go wrong with them.
func (h Header) List(ctx context.Context) ([]Value, []string, error) {
	secret, err := h.Get(ctx)
	if err != nil {
		return nil, nil, err
	}
	n, err := readNotes(h.Store, secret)
	if err != nil {
		return nil, nil, err
	}
	values := headerValues(secret, n)
	return values, warnings(h.Store, secret, values), nil
}

// Rotate puts a new random value in the place of that under key, which is still accepted for the overlap; 0: no longer. An
// empty key stands for HeaderKey, or for the only value that kauth made. The Secret is created when it is missing.
func (h Header) Rotate(ctx context.Context, key string, overlap time.Duration) (Change, error) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // it returns no error, but ends the program
	c := Change{Secret: hex.EncodeToString(random)}
	var err error
	c.Result, err = h.EditOrCreate(ctx, func(secret *corev1.Secret) error {
		if secret.Type != corev1.SecretTypeOpaque && secret.Type != "" {
			return h.Errorf("type: %s; values of a header stand in a Secret of type Opaque, name another", secret.Type)
		}
		n, err := readNotes(h.Store, secret)
		if err != nil {
			return err
		}
		now := h.Now()
		if c.Added, err = h.choose(secret, n, key); err != nil {
			return err
		}
		c.Removed = h.expire(secret, n, now, false)
		if old, ok := secret.Data[c.Added]; ok {
			if overlap > 0 && gateconf.ValidHeaderValue(gateconf.TrimHeaderValue(old)) == nil {
				h.retire(secret, n, c.Added, end(now, overlap))
			} else {
				c.Removed = append(c.Removed, Value{Name: c.Added})
			}
		}
		secret.Data[c.Added] = []byte(c.Secret)
		n[c.Added] = note{Since: seconds(now), SHA256: fingerprint(secret.Data[c.Added])}
		if count := len(headerKeys(secret)); count > gateconf.MaxHeaderValues {
			return h.Errorf("data: would have %d values, and gates take %d; take old ones away with kubectl basicauth header expire --now", count, gateconf.MaxHeaderValues)
		}
		c.Left = headerValues(secret, n)
		return n.write(secret, headerKeys(secret))
	})
	return c, err
}

// Expire takes away what has been replaced and has had its time; with all, also what has not.
func (h Header) Expire(ctx context.Context, all bool) (Change, error) {
	c := Change{}
	var err error
	c.Result, err = h.Edit(ctx, func(secret *corev1.Secret) error {
		n, err := readNotes(h.Store, secret)
		if err != nil {
			return err
		}
		c.Removed = h.expire(secret, n, h.Now(), all)
		c.Left = headerValues(secret, n)
		switch {
		case len(c.Removed) == 0:
			return nil
		case len(c.Left) == 0:
			return h.Errorf("data: there is no value but what was replaced, and without one gates refuse everybody; make one with kubectl basicauth header rotate %s", h.Name)
		}
		return n.write(secret, headerKeys(secret))
	})
	return c, err
}

// choose returns the data key whose value is to be replaced. Where it is not sure, it takes none: the Secret might be one of
// something else altogether.
func (h Header) choose(secret *corev1.Secret, n notes, key string) (string, error) {
	if key != "" {
		return key, nil
	}
	var staying, made []string
	for _, k := range headerKeys(secret) {
		if _, ok := until(k); ok {
			continue
		}
		staying = append(staying, k)
		if n[k].SHA256 == fingerprint(secret.Data[k]) {
			made = append(made, k)
		}
	}
	switch {
	case len(staying) == 0, slices.Equal(staying, []string{HeaderKey}):
		return HeaderKey, nil
	case len(staying) == 1 && len(made) == 1:
		return made[0], nil
	}
	return "", h.Errorf("data: has %s; say with --key which value is to be replaced, or a new name for one more", quoted(staying))
}

// retire moves the value under key to a key that says until when it is accepted.
func (h Header) retire(secret *corev1.Secret, n notes, key string, until time.Time) {
	name := retiredKey(key, until)
	for _, taken := secret.Data[name]; taken; _, taken = secret.Data[name] { // another one of this second
		until = until.Add(time.Second)
		name = retiredKey(key, until)
	}
	secret.Data[name] = secret.Data[key]
	if old, ok := n[key]; ok {
		n[name] = old
	}
}

func (h Header) expire(secret *corev1.Secret, n notes, now time.Time, all bool) []Value {
	var removed []Value
	for _, v := range headerValues(secret, n) {
		if v.goes(now, all) {
			removed = append(removed, v)
			delete(secret.Data, v.Name)
		}
	}
	return removed
}

// headerKeys returns the data keys that a gate reads, sorted.
func headerKeys(secret *corev1.Secret) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(secret.Data)), func(k string) bool { return !gateconf.IsHeaderFile(k) })
}

func headerValues(secret *corev1.Secret, n notes) []Value {
	values := []Value{}
	for _, key := range headerKeys(secret) {
		v := Value{Name: key}
		v.Until, _ = until(key)
		content := secret.Data[key]
		if note := n[key]; note.SHA256 == fingerprint(content) { // else somebody has put another value there
			v.Since, v.Fingerprint = note.Since, note.SHA256
		}
		if err := gateconf.ValidHeaderValue(gateconf.TrimHeaderValue(content)); err != nil {
			v.Problem = err.Error()
		}
		values = append(values, v)
	}
	return values
}

// fingerprint names a value. It is shown of random values only: others could be guessed by it.
func fingerprint(value []byte) string {
	sum := sha256.Sum256(value)
	return hex.EncodeToString(sum[:4])
}
