package session

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/kauth-dev/kauth/pkg/sessionkey"
)

// A cookie's value is base64url, without padding, of these fields in this order:
//
//	version   1 byte
//	key       4 bytes, the ID of the key that signed it
//	issued    8 bytes, milliseconds since 1970, big endian
//	expires   8 bytes, the same
//	user      the rest
//	MAC       32 bytes, of all of them and of the user's htpasswd lines
//
// The lines are in the MAC alone, so that a cookie ends with the password and says nothing about it.
const (
	version   = 1
	beforeMAC = 1 + len(sessionkey.ID{}) + 8 + 8
	maxUser   = 255                                             // bytes, as package htpasswd has it
	maxValue  = (beforeMAC + maxUser + sha256.Size + 2) * 4 / 3 // characters of a cookie's value
	maxSkew   = 5 * time.Minute                                 // by which the clock of the replica that issued a cookie may be ahead
)

var encoding = base64.RawURLEncoding.Strict()

// decode appends to space, which has to be empty, what encoding made text of. Package base64 skips line breaks, even where it is
// strict; here each value has one text.
func decode(space []byte, text string) ([]byte, bool) {
	b := append(space, text...)
	n, err := encoding.Decode(b, b)
	return b[:n], err == nil && encoding.EncodedLen(n) == len(text)
}

// A known user has its name, and stands for its stored lines with their SHA-256.
type known struct {
	name  string
	lines [sha256.Size]byte
}

// A Session is what a good cookie says.
type Session struct {
	User    string
	Issued  time.Time
	Expires time.Time // when it ends, unless the user's lines change before
}

var errUser = errors.New("a user name of this length does not fit into a cookie")

// seal returns the value of a cookie.
func (k *key) seal(s Session, of known) (string, error) {
	if s.User == "" || len(s.User) > maxUser {
		return "", errUser
	}
	b := make([]byte, 0, beforeMAC+len(s.User)+sha256.Size)
	b = append(b, version)
	b = append(b, k.id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Issued.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(s.Expires.UnixMilli()))
	b = append(b, s.User...)
	mac := k.session.Sign(b, of.lines[:])
	return encoding.EncodeToString(append(b, mac[:]...)), nil
}

// open returns the session that a cookie's value stands for, good by then or not, and whether it was made with one of the keys
// for one of the users as they are.
func (st *state) open(value string) (Session, bool) {
	if len(value) > maxValue {
		return Session{}, false
	}
	var space [maxValue]byte
	b, ok := decode(space[:0], value)
	if !ok || len(b) <= beforeMAC+sha256.Size || b[0] != version {
		return Session{}, false
	}
	fields, mac := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	of, ok := st.users[string(fields[beforeMAC:])]
	if !st.keys.signed(fields, of, mac) || !ok { // as much work for users that there are not
		return Session{}, false
	}
	return Session{
		User:    of.name,
		Issued:  time.UnixMilli(int64(binary.BigEndian.Uint64(fields[5:]))),
		Expires: time.UnixMilli(int64(binary.BigEndian.Uint64(fields[13:]))),
	}, true
}

// signed says whether the key that the fields name, if there is such a key, made this MAC of them.
func (k *Keys) signed(fields []byte, of known, mac []byte) bool {
	for i := range k.list {
		key := &k.list[i]
		if key.id != sessionkey.ID(fields[1:5]) {
			continue
		}
		if want := key.session.Sign(fields, of.lines[:]); subtle.ConstantTimeCompare(mac, want[:]) == 1 {
			return true
		}
	}
	return false
}
