package session

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/sessionkey"
)

// A cookie's value is base64url, without padding, of these fields in this order:
//
//	version   1 byte
//	key       4 bytes, the ID of the key that signed it
//	issued    8 bytes, milliseconds since 1970, big endian
//	expires   8 bytes, the same
//	user      the rest
//	MAC       32 bytes, of all of them and of the htpasswd line that was right
//
// The line is in the MAC alone, so that a cookie ends with the password and says nothing about it, nor which of several it is.
// Version 1 had all lines of the user there; its cookies are good no more.
const (
	version   = 2
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

// A known user has its name, and the lines that count.
type known struct {
	name  string
	lines []auth.Line
}

// A Session is what a good cookie says.
type Session struct {
	User    string
	Issued  time.Time
	Expires time.Time // when it ends, unless the line goes before
	Line    auth.Line // by which the user was verified
}

var errUser = errors.New("a user name of this length does not fit into a cookie")

// seal returns the value of a cookie.
func (k *key) seal(s Session) (string, error) {
	if s.User == "" || len(s.User) > maxUser {
		return "", errUser
	}
	b := make([]byte, 0, beforeMAC+len(s.User)+sha256.Size)
	b = append(b, version)
	b = append(b, k.id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Issued.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(s.Expires.UnixMilli()))
	b = append(b, s.User...)
	mac := k.session.Sign(b, s.Line[:])
	return encoding.EncodeToString(append(b, mac[:]...)), nil
}

// open returns the session that a cookie's value stands for, good by then or not, and whether it was made with one of the keys
// for one of the lines as they are.
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
	of := st.users[string(fields[beforeMAC:])]
	line, ok := st.signed(fields, of.lines, mac)
	if !ok {
		return Session{}, false
	}
	return Session{
		User:    of.name,
		Issued:  time.UnixMilli(int64(binary.BigEndian.Uint64(fields[5:]))),
		Expires: time.UnixMilli(int64(binary.BigEndian.Uint64(fields[13:]))),
		Line:    line,
	}, true
}

// signed returns the line for which the key that the fields name, if there is such a key, made this MAC of them. A cookie that
// is not good is the same work whoever it names, also users that there are not: as many lines as any user has.
func (st *state) signed(fields []byte, lines []auth.Line, mac []byte) (auth.Line, bool) {
	for i := range st.keys.list {
		key := &st.keys.list[i]
		if key.id != sessionkey.ID(fields[1:5]) {
			continue
		}
		for n := range st.most {
			var line auth.Line // zero, which is nobody's
			if n < len(lines) {
				line = lines[n]
			}
			if want := key.session.Sign(fields, line[:]); subtle.ConstantTimeCompare(mac, want[:]) == 1 && n < len(lines) {
				return line, true
			}
		}
	}
	return auth.Line{}, false
}
