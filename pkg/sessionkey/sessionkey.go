// Package sessionkey owns the text of the keys that sign a gate's sessions, which kubectl basicauth writes and the gate reads: one
// key a line, standard base64 of at least 32 random bytes. The first signs, all verify. Blank lines, and lines that begin
// with #, say nothing.
package sessionkey

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// The limits of one text.
const (
	MinSize = 32 // bytes of a key, decoded; as many as an HMAC-SHA-256 has
	MaxKeys = 16 // each is tried for a cookie that names it
)

// ErrNone is what is wrong with a text without a key.
var ErrNone = errors.New("no key; make one with openssl rand -base64 32")

// An ID names a key and tells nothing about it.
type ID [4]byte

// String is what the gate's log and kubectl basicauth session-key list call the key: eight hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// A Key is one line of the text.
type Key struct {
	Line   int    // from 1
	Secret []byte // decoded; never to be shown
}

// Parse reads the keys in their order. An error names the line and shows nothing of it. A text without a key is one.
func Parse(text []byte) ([]Key, error) {
	var keys []Key
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
		if size < MinSize {
			return nil, fmt.Errorf("line %d: a key of %d bytes, and it takes %d; make one with openssl rand -base64 32", n, size, MinSize)
		}
		if len(keys) == MaxKeys {
			return nil, fmt.Errorf("line %d: more than %d keys; take the oldest away", n, MaxKeys)
		}
		keys = append(keys, Key{n, secret[:size]})
	}
	if len(keys) == 0 {
		return nil, ErrNone
	}
	return keys, nil
}

// New makes the line of a new random key, with its newline, and says what it is called.
func New() (line []byte, id ID) {
	secret := make([]byte, MinSize)
	_, _ = rand.Read(secret) // it returns no error, but ends the program
	return append(base64.StdEncoding.AppendEncode(nil, secret), '\n'), Key{Secret: secret}.ID()
}

// ID returns the name of the key. It stands in each cookie that the key has signed.
func (k Key) ID() (id ID) {
	const purpose = "kauth key id, version 1"
	m := hmac.New(sha256.New, k.Secret)
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(len(purpose)))) // as pkg/auth/mac does, whose keys these are
	m.Write([]byte(purpose))
	copy(id[:], m.Sum(nil))
	return id
}
