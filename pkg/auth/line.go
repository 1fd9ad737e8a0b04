package auth

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
)

// A Line names one stored line of the users file, user and hash, by its SHA-256. It is comparable. The zero Line names none.
// With it passwords could be tried offline where the hash has no salt, so however it is printed, it does not show.
type Line [sha256.Size]byte

// LineOf returns the Line of a user and a hash as it is stored, which it does not keep.
func LineOf(user, hash string) Line {
	var space [512]byte
	b := space[:0]
	for _, field := range [...]string{user, hash} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(field)))
		b = append(b, field...)
	}
	return sha256.Sum256(b)
}

// Format prints that there is a line, whatever the verb.
func (Line) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "a line") }

// MarshalText is Format for encoders.
func (Line) MarshalText() ([]byte, error) { return []byte("a line"), nil }
