package htpasswd

import (
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Waste does about as much work with password as hashes would whose Work adds up to d, and forgets the outcome. Where
// d is the difference of two hashes of the algorithm like, it is just the work that the one has more than the other:
// bcrypt's is a sum of powers of two, and sha-crypt's a number of rounds.
func Waste(d time.Duration, like Algorithm, password string) {
	if like == Bcrypt {
		p := []byte(password[:min(maxBcrypt, len(password))])
		for cost := MaxCost; cost >= MinCost; cost-- {
			least := bcryptWork << cost
			if cost == MinCost {
				least /= 2 // rounded to what bcrypt can do: nearer to it than another algorithm's time is known
			}
			for ; d >= least; d -= bcryptWork << cost {
				_ = bcrypt.CompareHashAndPassword([]byte(wasted(cost)), p)
			}
		}
	}
	h := Hash{text: "$5$kauthkauth$", algorithm: SHA256Crypt, cost: int(d / sha256Work)}
	if like == SHA512Crypt {
		h = Hash{text: "$6$kauthkauth$", algorithm: SHA512Crypt, cost: int(d / sha512Work)}
	}
	if h.cost == 0 {
		return
	}
	_ = shaCrypt(h, []byte(password[:min(maxPassword, len(password))]))
}

// wasted is a well-formed bcrypt hash of the given cost that no password is known for.
func wasted(cost int) string {
	const sum = "kauthkauthkauthkauthkeO1234567890123456789012345678O"
	return "$2y$" + string([]byte{'0' + byte(cost/10), '0' + byte(cost%10)}) + "$" + sum + "O"
}
