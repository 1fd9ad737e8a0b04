package htpasswd

import (
	"sync"
	"time"

	"golang.org/x/crypto/blowfish" //nolint:staticcheck // deprecated as a cipher; it is what bcrypt is made of
)

// Waste does about as much work with password as hashes would whose Work adds up to d, and forgets the outcome. Where
// d is the difference of two hashes of the algorithm like, it is just the work that the one has more than the other:
// rounds of bcrypt or of sha-crypt, without what either does once. It calls step as MatchSteps does.
func Waste(d time.Duration, like Algorithm, password string, step func()) {
	if like == Bcrypt {
		n := d / bcryptWork
		d %= bcryptWork
		key := append([]byte(password[:min(maxBcrypt, len(password))]), 0)
		c := *expanded()
		expand(&c, int(n), key, wastedSalt[:], step)
	}
	h := Hash{text: "$5$kauthkauth$", algorithm: SHA256Crypt, cost: int(d / sha256Work)}
	if like == SHA512Crypt {
		h = Hash{text: "$6$kauthkauth$", algorithm: SHA512Crypt, cost: int(d / sha512Work)}
	}
	if h.cost == 0 {
		return
	}
	_ = shaCrypt(h, []byte(password[:min(maxPassword, len(password))]), step)
}

var wastedSalt [16]byte

// expanded is a state to begin with, which one that wastes copies.
var expanded = sync.OnceValue(func() *blowfish.Cipher {
	c, err := blowfish.NewCipher([]byte("kauth"))
	if err != nil {
		panic(err) // the key is neither empty nor too long
	}
	return c
})
