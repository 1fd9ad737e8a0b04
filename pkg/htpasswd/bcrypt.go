package htpasswd

import (
	"encoding/base64"
	"slices"

	"golang.org/x/crypto/blowfish" //nolint:staticcheck // deprecated as a cipher; it is what bcrypt is made of
)

// Where salt and sum are in the text of a bcrypt hash, such as $2y$10$ and 22 characters of the one and 31 of the other.
const (
	bcryptSalt = len("$2y$10$")
	bcryptSum  = bcryptSalt + 22
)

var bcrypt64 = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").WithPadding(base64.NoPadding)

// bcryptSteps returns the last 31 characters of the hash that bcrypt makes of password (at most 72 bytes) with the salt and
// the cost of h, and calls step after each of its 2^cost rounds. golang.org/x/crypto/bcrypt is the same in one go.
// Specification: https://www.usenix.org/legacy/events/usenix99/provos/provos.pdf
func bcryptSteps(h Hash, password []byte, step func()) []byte {
	salt := make([]byte, 16, 18)
	if _, err := bcrypt64.Decode(salt, []byte(h.text[bcryptSalt:bcryptSum])); err != nil {
		panic(err) // ParseHash looked at every character
	}
	key := append(slices.Clip(password), 0)
	c, err := blowfish.NewSaltedCipher(key, salt)
	if err != nil {
		panic(err) // the key is not empty
	}
	expand(c, 1<<h.cost, key, salt, step)
	sum := []byte("OrpheanBeholderScryDoubt")
	for block := sum; len(block) > 0; block = block[blowfish.BlockSize:] {
		for range 64 {
			c.Encrypt(block, block)
		}
	}
	return bcrypt64.AppendEncode(nil, sum[:23]) // the last byte was forgotten by the first to do it, and so by all
}

// expand does rounds of bcrypt, each of which changes c by two keys, and calls step after each.
func expand(c *blowfish.Cipher, rounds int, key, salt []byte, step func()) {
	for range rounds {
		blowfish.ExpandKey(key, c)
		blowfish.ExpandKey(salt, c)
		step()
	}
}
