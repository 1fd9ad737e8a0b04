// Package mac owns the keyed digest of a list of fields: HMAC-SHA-256 (RFC 2104) over each field after its length.
package mac

import (
	"crypto/sha256"
	"encoding/binary"
)

// A Key is the key of HMAC-SHA-256 in the two forms in which it is used. It is written out here because crypto/hmac allocates,
// and this is on the way of every request.
type Key struct{ inner, outer [sha256.BlockSize]byte }

// A Tag is the HMAC of some fields.
type Tag [sha256.Size]byte

// New makes a Key of a secret of any length.
func New(secret []byte) (k Key) {
	if len(secret) > sha256.BlockSize {
		sum := sha256.Sum256(secret)
		secret = sum[:]
	}
	copy(k.inner[:], secret)
	copy(k.outer[:], secret)
	for i := range k.inner {
		k.inner[i] ^= 0x36
		k.outer[i] ^= 0x5c
	}
	return k
}

// Sign returns the HMAC of the fields, each after its length, so that no two lists of fields look alike.
func (k *Key) Sign(fields ...[]byte) Tag {
	var space [512]byte
	b := append(space[:0], k.inner[:]...)
	for _, f := range fields {
		b = binary.BigEndian.AppendUint64(b, uint64(len(f)))
		b = append(b, f...)
	}
	sum := sha256.Sum256(b)
	var last [sha256.BlockSize + sha256.Size]byte
	copy(last[:], k.outer[:])
	copy(last[sha256.BlockSize:], sum[:])
	return sha256.Sum256(last[:])
}
