package session

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"time"

	"github.com/kauth-dev/kauth/pkg/auth/mac"
)

const (
	nonceSize = 16             // bytes
	formTTL   = 12 * time.Hour // for which a form may stay open before it is sent
)

// NewNonce returns what a browser is given in a cookie, so that it can show that it was given the form as well.
func NewNonce() string {
	b := make([]byte, nonceSize)
	_, _ = rand.Read(b) // it returns no error, but ends the program
	return encoding.EncodeToString(b)
}

// ValidNonce says whether s is what NewNonce returns.
func ValidNonce(s string) bool {
	b, ok := decode(nil, s)
	return ok && len(b) == nonceSize
}

// FormToken returns what a form for this purpose carries in a hidden field, given to the browser with this nonce and to the
// user of its session; empty: to nobody yet. Without keys it is empty, and no form is good.
func (c *Check) FormToken(purpose, nonce, user string) string {
	keys := c.state.Load().keys
	if keys.Len() == 0 {
		return ""
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(c.options.Now().UnixMilli()))
	mac := keys.list[0].signForm(b, purpose, nonce, user)
	return encoding.EncodeToString(append(b, mac[:]...))
}

// ValidForm says whether FormToken returned token for the same, not too long ago.
func (c *Check) ValidForm(purpose, nonce, user, token string) bool {
	keys := c.state.Load().keys
	b, ok := decode(nil, token)
	if !ok || len(b) != 8+sha256.Size || keys.Len() == 0 || !ValidNonce(nonce) {
		return false
	}
	issued, now := time.UnixMilli(int64(binary.BigEndian.Uint64(b))), c.options.Now()
	if now.After(issued.Add(formTTL)) || issued.After(now.Add(maxSkew)) {
		return false
	}
	for i := range keys.list {
		if want := keys.list[i].signForm(b[:8], purpose, nonce, user); subtle.ConstantTimeCompare(b[8:], want[:]) == 1 {
			return true
		}
	}
	return false
}

func (k *key) signForm(issued []byte, purpose, nonce, user string) mac.Tag {
	return k.form.Sign(issued, []byte(purpose), []byte(nonce), []byte(user))
}
