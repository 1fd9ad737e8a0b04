package session

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/kauth-dev/kauth/pkg/auth/mac"
)

const (
	minKey  = 32 // bytes, decoded; as many as an HMAC-SHA-256 has
	maxKeys = 16 // in one file; each is tried for a cookie that names it
)

// Keys are what signs cookies and forms, and what recognises them again. The first signs; all verify, so that a key can be
// replaced while what it signed is still good: put the new one on top, and take the old one away a --session-ttl later.
// However they are printed, no key shows.
type Keys struct{ list []key }

// A key is what is made of one line: a name for it that tells nothing about it, and a key of its own for each purpose.
type key struct {
	id            keyID
	session, form mac.Key
}

type keyID [4]byte

// ParseKeys reads one key a line: standard base64 of at least 32 random bytes. Blank lines, and lines that begin with #,
// say nothing. An error names the line and shows nothing of it.
func ParseKeys(text []byte) (*Keys, error) {
	keys := &Keys{}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		secret := make([]byte, base64.StdEncoding.DecodedLen(len(line)))
		size, err := base64.StdEncoding.Strict().Decode(secret, line)
		if err != nil {
			return nil, fmt.Errorf("line %d: not base64; make a key with openssl rand -base64 32", n)
		}
		if size < minKey {
			return nil, fmt.Errorf("line %d: a key of %d bytes, and it takes %d; make one with openssl rand -base64 32", n, size, minKey)
		}
		if len(keys.list) == maxKeys {
			return nil, fmt.Errorf("line %d: more than %d keys; take the oldest away", n, maxKeys)
		}
		keys.list = append(keys.list, newKey(secret[:size]))
	}
	if len(keys.list) == 0 {
		return nil, errors.New("no key; make one with openssl rand -base64 32")
	}
	return keys, nil
}

func newKey(secret []byte) key {
	root := mac.New(secret)
	derive := func(purpose string) mac.Tag { return root.Sign([]byte(purpose)) }
	session, form, id := derive("kauth session cookie, version 1"), derive("kauth form token, version 1"), derive("kauth key id, version 1")
	k := key{session: mac.New(session[:]), form: mac.New(form[:])}
	copy(k.id[:], id[:])
	return k
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
	return hex.EncodeToString(k.list[0].id[:])
}

// Format prints how many keys there are, whatever the verb.
func (k *Keys) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "%d keys", k.Len()) }
