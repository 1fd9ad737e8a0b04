package htpasswd

import (
	"crypto/sha1" //nolint:gosec // the format asks for it
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// The costs of bcrypt, as powers of two. Cost 10 is what OWASP asks for at least, and takes some 50 ms; MaxCost takes
// some seconds, and more would let a single line of the file stop the gate.
const (
	MinCost     = 4
	DefaultCost = 10
	MaxCost     = 17
)

const (
	minRounds     = 1000      // of sha256-crypt and sha512-crypt, in their specification
	defaultRounds = 5000      // where the hash names none, likewise
	maxRounds     = 5_000_000 // the specification allows 999,999,999, which is minutes of one core
	maxPassword   = 512       // bytes, the limit of libxcrypt; the time of sha-crypt grows with the length
	maxSSHASalt   = 64        // bytes
)

// Algorithm names how a hash was made.
type Algorithm string

// The algorithms that ParseHash accepts. Plain text, DES crypt, $1$ and argon2 are not among them.
const (
	Bcrypt      Algorithm = "bcrypt"       // $2a$, $2b$, $2y$
	APR1        Algorithm = "apr1"         // $apr1$, Apache's MD5
	SHA1        Algorithm = "sha1"         // {SHA}
	SSHA        Algorithm = "ssha"         // {SSHA}
	SHA256Crypt Algorithm = "sha256-crypt" // $5$
	SHA512Crypt Algorithm = "sha512-crypt" // $6$
)

// Hash is one stored hash. It is comparable; the zero Hash matches no password.
type Hash struct {
	text      string
	algorithm Algorithm
	cost      int
}

// String returns the hash as it is stored: a secret, not to be logged.
func (h Hash) String() string { return h.text }

// LogValue keeps the hash out of logs that are handed a Hash.
func (h Hash) LogValue() slog.Value { return slog.StringValue(string(h.algorithm)) }

// Algorithm returns how the hash was made; empty for the zero Hash.
func (h Hash) Algorithm() Algorithm { return h.algorithm }

// Cost returns the cost of bcrypt (a power of two) or the rounds of sha256-crypt and sha512-crypt; 0 for the others.
func (h Hash) Cost() int { return h.cost }

// ParseHash reads the part of a line after the first colon. Its errors read on after "has", and never contain text.
func ParseHash(text string) (Hash, error) {
	switch {
	case strings.HasPrefix(text, "$2"):
		return parseBcrypt(text)
	case strings.HasPrefix(text, apr1Prefix):
		salt, sum, ok := strings.Cut(text[len(apr1Prefix):], "$")
		if !ok || len(salt) == 0 || len(salt) > 8 || !isSalt(salt) || len(sum) != 22 || !isCrypt64(sum) {
			return Hash{}, errors.New("a damaged apr1 hash; set the password again")
		}
		return Hash{text: text, algorithm: APR1}, nil
	case strings.HasPrefix(text, "$5$"), strings.HasPrefix(text, "$6$"):
		return parseSHACrypt(text)
	case strings.HasPrefix(text, "{SHA}"):
		if sum, err := decodeBase64(text[len("{SHA}"):]); err != nil || len(sum) != sha1.Size {
			return Hash{}, errors.New("a damaged {SHA} hash; set the password again")
		}
		return Hash{text: text, algorithm: SHA1}, nil
	case strings.HasPrefix(text, "{SSHA}"):
		if sum, err := decodeBase64(text[len("{SSHA}"):]); err != nil || len(sum) <= sha1.Size || len(sum) > sha1.Size+maxSSHASalt {
			return Hash{}, errors.New("a damaged {SSHA} hash; set the password again")
		}
		return Hash{text: text, algorithm: SSHA}, nil
	}
	return Hash{}, errors.New("an unknown hash; bcrypt, apr1, {SHA}, {SSHA}, $5$ and $6$ are accepted")
}

func parseBcrypt(text string) (Hash, error) {
	if len(text) != 60 || !strings.Contains("aby", text[2:3]) || text[3] != '$' || text[6] != '$' || !isCrypt64(text[7:]) {
		return Hash{}, errors.New("a damaged bcrypt hash, or one of an unknown kind; set the password again")
	}
	cost, err := strconv.ParseUint(text[4:6], 10, 8)
	if err != nil || cost < MinCost || cost > 31 {
		return Hash{}, errors.New("a bcrypt hash with a cost that does not exist; set the password again")
	}
	if cost > MaxCost {
		return Hash{}, fmt.Errorf("a bcrypt hash of cost %d; over %d one login would stop the gate for too long", cost, MaxCost)
	}
	return Hash{text: text, algorithm: Bcrypt, cost: int(cost)}, nil
}

func parseSHACrypt(text string) (Hash, error) {
	h := Hash{text: text, algorithm: SHA256Crypt, cost: defaultRounds}
	size := 43
	if text[1] == '6' {
		h.algorithm, size = SHA512Crypt, 86
	}
	rest := text[3:]
	if after, ok := strings.CutPrefix(rest, "rounds="); ok {
		digits, tail, _ := strings.Cut(after, "$")
		rounds, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || strconv.FormatUint(rounds, 10) != digits || rounds < minRounds || rounds > 999_999_999 {
			return Hash{}, fmt.Errorf("a %s hash with rounds that do not exist; set the password again", h.algorithm)
		}
		if rounds > maxRounds {
			return Hash{}, fmt.Errorf("a %s hash of %d rounds; over %d one login would stop the gate for too long", h.algorithm, rounds, maxRounds)
		}
		h.cost, rest = int(rounds), tail
	}
	salt, sum, ok := strings.Cut(rest, "$")
	if !ok || len(salt) == 0 || len(salt) > 16 || !isSalt(salt) || len(sum) != size || !isCrypt64(sum) {
		return Hash{}, fmt.Errorf("a damaged %s hash; set the password again", h.algorithm)
	}
	return h, nil
}

// decodeBase64 refuses what other programs would not find equal when they compare the text, such as line breaks.
func decodeBase64(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("line break")
	}
	return base64.StdEncoding.Strict().DecodeString(text)
}

// isSalt says whether s is printable ASCII that can stand in a line.
func isSalt(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' || r == '$' })
}

// isCrypt64 says whether s is made of the 64 characters of crypt(3).
func isCrypt64(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '.' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// Match says whether password is the one that h was made from. It takes the same time for every password of a length:
// one that is refused for what it is (over 72 bytes for bcrypt, which would look no further; over 512 for the others;
// a NUL byte, where crypt(3) ends) is hashed all the same. The comparison takes constant time.
func (h Hash) Match(password string) bool { return h.MatchSteps(password, func() {}) }

// MatchSteps is Match for who has other things to do meanwhile: it calls step again and again, after some 50 µs of work
// each time, and goes on when that returns. Hashes that take less than about a millisecond may be done without.
func (h Hash) MatchSteps(password string, step func()) bool {
	limit := maxPassword
	if h.algorithm == Bcrypt {
		limit = maxBcrypt
	}
	ok := len(password) <= limit && strings.IndexByte(password, 0) < 0
	p := []byte(password[:min(limit, len(password))])
	switch h.algorithm {
	case Bcrypt:
		return equal(bcryptSteps(h, p, step), []byte(h.text[bcryptSum:])) && ok
	case APR1:
		salt, sum, _ := strings.Cut(h.text[len(apr1Prefix):], "$")
		return equal(apr1(p, salt), []byte(sum)) && ok
	case SHA256Crypt, SHA512Crypt:
		return equal(shaCrypt(h, p, step), []byte(h.text[strings.LastIndexByte(h.text, '$')+1:])) && ok
	case SHA1:
		stored, _ := decodeBase64(h.text[len("{SHA}"):])
		sum := sha1.Sum(p) //nolint:gosec // the format asks for it
		return equal(sum[:], stored) && ok
	case SSHA:
		stored, _ := decodeBase64(h.text[len("{SSHA}"):])
		sum := sha1.Sum(append(p, stored[sha1.Size:]...)) //nolint:gosec // the format asks for it
		return equal(sum[:], stored[:sha1.Size]) && ok
	}
	return false
}

func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// Generate makes a bcrypt hash of password with a random salt and the prefix $2y$, which Apache, nginx and Prometheus all
// read. The cost is from MinCost to MaxCost, 0 for DefaultCost. A password that ValidPassword refuses is an error.
func Generate(password string, cost int) (Hash, error) {
	if cost == 0 {
		cost = DefaultCost
	}
	if cost < MinCost || cost > MaxCost {
		return Hash{}, fmt.Errorf("bcrypt cost %d; choose %d to %d", cost, MinCost, MaxCost)
	}
	if err := ValidPassword(password); err != nil {
		return Hash{}, err
	}
	text, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return Hash{}, fmt.Errorf("bcrypt: %w", err)
	}
	text[2] = 'y' // x/crypto writes 2a; the three mean the same for passwords without NUL
	return ParseHash(string(text))
}

// GenerateSHA1 makes a {SHA} hash for what reads no other, such as Envoy. SHA-1 without a salt is computed billions of times a
// second, so the password must be a random one of 128 bits or so, never one that a person chose: hashes tell no
// difference. A password that ValidPassword refuses is an error.
func GenerateSHA1(password string) (Hash, error) {
	if err := ValidPassword(password); err != nil {
		return Hash{}, err
	}
	sum := sha1.Sum([]byte(password)) //nolint:gosec // the format asks for it
	return ParseHash("{SHA}" + base64.StdEncoding.EncodeToString(sum[:]))
}

// Weak says why h is not worth much to whoever does not want it guessed; empty when it is fine.
func (h Hash) Weak() string {
	switch h.algorithm {
	case Bcrypt:
		if h.cost < DefaultCost {
			return fmt.Sprintf("bcrypt cost %d is below %d", h.cost, DefaultCost)
		}
	case APR1:
		return "apr1 is fast to guess"
	case SHA1:
		return "{SHA} has no salt and is very fast to guess, unless the password is long and random"
	case SSHA:
		return "{SSHA} is very fast to guess"
	case SHA256Crypt, SHA512Crypt:
		if h.cost < defaultRounds {
			return fmt.Sprintf("%s with %d rounds is below %d", h.algorithm, h.cost, defaultRounds)
		}
	}
	return ""
}

// Work estimates how long Match takes on one core of a common server, to compare hashes with each other: the true
// time may well be half or twice that.
func (h Hash) Work() time.Duration {
	switch h.algorithm {
	case Bcrypt:
		return bcryptWork<<h.cost + bcryptWork // what it does once takes as long as a round
	case APR1:
		return 140 * time.Microsecond
	case SHA256Crypt:
		return time.Duration(h.cost) * sha256Work
	case SHA512Crypt:
		return time.Duration(h.cost) * sha512Work
	case SHA1, SSHA:
		return 150 * time.Nanosecond
	}
	return 0
}

// The times of one of bcrypt's 2^cost rounds, and of one round of sha-crypt.
const (
	bcryptWork = 57 * time.Microsecond
	sha256Work = 125 * time.Nanosecond
	sha512Work = 350 * time.Nanosecond
)
