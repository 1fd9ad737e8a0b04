package session

import (
	"fmt"

	"github.com/kauth-dev/kauth/pkg/auth/mac"
	"github.com/kauth-dev/kauth/pkg/sessionkey"
)

// Keys are what signs cookies and forms, and what recognises them again. The first signs; all verify, so that a key can be
// replaced while what it signed is still good: put the new one on top, and take the old one away a --session-ttl later.
// However they are printed, no key shows.
type Keys struct{ list []key }

// A key is what is made of one line: a name for it that tells nothing about it, and a key of its own for each purpose.
type key struct {
	id            sessionkey.ID
	session, form mac.Key
}

// ParseKeys reads the text of sessionkey.Parse. An error names the line and shows nothing of it.
func ParseKeys(text []byte) (*Keys, error) {
	list, err := sessionkey.Parse(text)
	if err != nil {
		return nil, err
	}
	keys := &Keys{}
	for _, k := range list {
		keys.list = append(keys.list, newKey(k))
	}
	return keys, nil
}

func newKey(k sessionkey.Key) key {
	root := mac.New(k.Secret)
	derive := func(purpose string) mac.Tag { return root.Sign([]byte(purpose)) }
	session, form := derive("kauth session cookie, version 2"), derive("kauth form token, version 1")
	return key{id: k.ID(), session: mac.New(session[:]), form: mac.New(form[:])}
}

// Len says how many keys there are; a nil Keys has none.
func (k *Keys) Len() int {
	if k == nil {
		return 0
	}
	return len(k.list)
}

// Signer names the key that signs, in hex: gates that share their sessions name the same one. It tells nothing about
// the key. Empty where there is none.
func (k *Keys) Signer() string {
	if k.Len() == 0 {
		return ""
	}
	return k.list[0].id.String()
}

// Format prints how many keys there are, whatever the verb.
func (k *Keys) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "%d keys", k.Len()) }
