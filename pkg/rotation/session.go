package rotation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/secretstore"
	"github.com/kauth-dev/kauth/pkg/sessionkey"
)

// SessionKeys is the Secret with the keys that sign sessions: the first signs, all verify. Its annotation says until when the
// others are needed.
type SessionKeys struct {
	*secretstore.Store
	Now func() time.Time
}

// List returns the keys in their order, and what may go wrong with them. A text that gates cannot read is an error.
func (k SessionKeys) List(ctx context.Context) ([]Value, []string, error) {
	secret, err := k.Get(ctx)
	if err != nil {
		return nil, nil, err
	}
	n, err := readNotes(k.Store, secret)
	if err != nil {
		return nil, nil, err
	}
	keys, err := k.parse(secret)
	if err != nil {
		return nil, nil, err
	}
	values := keyValues(keys, n)
	w := warnings(k.Store, secret, values)
	if len(keys) == 0 {
		w = append(w, k.Ref()+": data."+gateconf.SessionKey+": no key, so gates ask by the browser's dialog; make one with kubectl basicauth session-key rotate")
	}
	return values, w, nil
}

// Rotate puts a new random key on top, which signs from now on. Those below still verify for the overlap, which should be as long
// as a session lasts; 0 leaves the new one alone and ends all sessions. The Secret is created when it is missing.
func (k SessionKeys) Rotate(ctx context.Context, overlap time.Duration) (Change, error) {
	line, id := sessionkey.New()
	c := Change{Added: id.String()}
	var err error
	c.Result, err = k.EditOrCreate(ctx, func(secret *corev1.Secret) error {
		c.Removed = nil
		n, err := readNotes(k.Store, secret)
		if err != nil {
			return err
		}
		keys, err := k.parse(secret)
		now := k.Now()
		text := string(secret.Data[gateconf.SessionKey])
		switch {
		case overlap <= 0: // whatever stands there
			c.Removed = keyValues(keys, n)
			keys, text = nil, ""
		case err != nil:
			return err
		default:
			c.Removed, keys, text = expireKeys(text, keys, n, now, false)
		}
		for i, key := range keys {
			old := n[key.ID().String()]
			if until := end(now, overlap); i == 0 || old.Until.IsZero() || until.Before(old.Until) { // the first has signed until now
				old.Until = until
			}
			n[key.ID().String()] = old
		}
		lines := strings.SplitAfter(text, "\n")
		top := 0
		if len(keys) > 0 {
			top = firstKey(lines)
		}
		secret.Data[gateconf.SessionKey] = []byte(strings.Join(slices.Insert(lines, top, string(line)), ""))
		if keys, err = k.parse(secret); err != nil {
			return err
		}
		n[c.Added] = note{Since: seconds(now)}
		c.Left = keyValues(keys, n)
		return n.write(secret, names(c.Left))
	})
	return c, err
}

// Expire takes away keys that have been replaced and have had their time; with all, also those that have not. The first stays.
func (k SessionKeys) Expire(ctx context.Context, all bool) (Change, error) {
	c := Change{}
	var err error
	c.Result, err = k.Edit(ctx, func(secret *corev1.Secret) error {
		n, err := readNotes(k.Store, secret)
		if err != nil {
			return err
		}
		keys, err := k.parse(secret)
		if err != nil {
			return err
		}
		var text string
		c.Removed, keys, text = expireKeys(string(secret.Data[gateconf.SessionKey]), keys, n, k.Now(), all)
		c.Left = keyValues(keys, n)
		if len(c.Removed) == 0 {
			return nil
		}
		secret.Data[gateconf.SessionKey] = []byte(text)
		return n.write(secret, names(c.Left))
	})
	return c, err
}

// parse returns the keys; none is no error here.
func (k SessionKeys) parse(secret *corev1.Secret) ([]sessionkey.Key, error) {
	keys, err := sessionkey.Parse(secret.Data[gateconf.SessionKey])
	if err != nil && !errors.Is(err, sessionkey.ErrNone) {
		return nil, k.Errorf("data.%s: %w; or begin anew, which ends all sessions: kubectl basicauth session-key rotate --overlap 0", gateconf.SessionKey, err)
	}
	return keys, nil
}

// expireKeys returns what was taken away, what is left, and the text without the lines of the former.
func expireKeys(text string, keys []sessionkey.Key, n notes, now time.Time, all bool) (removed []Value, left []sessionkey.Key, rest string) {
	lines := strings.SplitAfter(text, "\n")
	for i, v := range keyValues(keys, n) {
		if i > 0 && v.goes(now, all) {
			removed = append(removed, v)
			lines[keys[i].Line-1] = ""
		} else {
			left = append(left, keys[i])
		}
	}
	return removed, left, strings.Join(lines, "")
}

// firstKey returns the index of the first line with a key.
func firstKey(lines []string) int {
	return slices.IndexFunc(lines, func(l string) bool {
		l = strings.TrimSpace(l)
		return l != "" && l[0] != '#'
	})
}

func keyValues(keys []sessionkey.Key, n notes) []Value {
	values := make([]Value, 0, len(keys))
	for i, key := range keys {
		id := key.ID().String()
		v := Value{Name: id, Since: n[id].Since}
		if i > 0 { // the first signs: whatever a note says, it is needed
			v.Until = n[id].Until
		}
		values = append(values, v)
	}
	return values
}

func names(values []Value) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = v.Name
	}
	return list
}
