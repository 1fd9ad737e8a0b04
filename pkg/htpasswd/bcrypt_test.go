package htpasswd

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Vectors of crypt_blowfish's wrapper.c, by Solar Designer: https://www.openwall.com/crypt/. That of 0xff tells the sign
// extension bug of old versions ($2x$) from the others.
func TestBcryptVectors(t *testing.T) {
	for _, tc := range []struct{ password, hash string }{
		{"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
		{"U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"},
		{"U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"},
		{"", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"},
		{"\xff\xff\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"},
		{"\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"},
		{"\xa3", "$2b$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"},
	} {
		h := mustHash(t, tc.hash)
		if !h.Match(tc.password) || h.Match(tc.password+"x") {
			t.Errorf("%s does not match %q, or matches more", tc.hash, tc.password)
		}
	}
}

// TestBcryptIsBcrypt compares with golang.org/x/crypto/bcrypt, which does all in one go.
func TestBcryptIsBcrypt(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 150 {
		password := make([]byte, i%(maxBcrypt+1)) // each length twice
		for j := range password {
			password[j] = byte(1 + random.IntN(255))
		}
		text, err := bcrypt.GenerateFromPassword(password, MinCost+i%3)
		if err != nil {
			t.Fatal(err)
		}
		text[2] = "aby"[i%3]
		if h := mustHash(t, string(text)); !h.Match(string(password)) {
			t.Errorf("%s does not match %q", h, password)
		}
		sameBcrypt(t, changed(random, string(text)), password)
		sameBcrypt(t, string(text), []byte(changed(random, string(password)+"x")))
	}
}

// changed is text with one of its characters another one that a hash may have.
func changed(random *rand.Rand, text string) string {
	i := random.IntN(len(text))
	return text[:i] + crypt64[random.IntN(64):][:1] + text[i+1:]
}

// sameBcrypt asks both about a hash, which need not be a good one, and a password.
func sameBcrypt(t *testing.T, text string, password []byte) {
	t.Helper()
	h, err := ParseHash(text)
	if err != nil || h.Algorithm() != Bcrypt || h.Cost() > 6 || len(password) > maxBcrypt || bytes.IndexByte(password, 0) >= 0 {
		return // they differ in what they take, not in what they make of it
	}
	want := bcrypt.CompareHashAndPassword([]byte(text), password) == nil
	if got := h.Match(string(password)); got != want {
		t.Errorf("%s and %q: %t, and x/crypto says %t", text, password, got, want)
	}
}

// FuzzBcrypt: salt, sum and password of any kind get the same answer of x/crypto, and the right sum is found.
func FuzzBcrypt(f *testing.F) {
	f.Add("abcdefghijklmnopqrstu.", []byte("password"))
	f.Add(strings.Repeat("/", 22), []byte{})
	f.Add(strings.Repeat("9", 22), bytes.Repeat([]byte{0xff}, maxBcrypt))
	f.Fuzz(func(t *testing.T, salt string, password []byte) {
		h, err := ParseHash("$2b$04$" + salt + strings.Repeat(".", 31))
		if err != nil {
			return
		}
		sameBcrypt(t, h.String(), password)
		password = password[:min(len(password), maxBcrypt)]
		sum := bcryptSteps(h, password, func() {})
		sameBcrypt(t, h.text[:bcryptSum]+string(sum), password)
		if bytes.IndexByte(password, 0) < 0 && bcrypt.CompareHashAndPassword([]byte(h.text[:bcryptSum]+string(sum)), password) != nil {
			t.Errorf("x/crypto finds another sum for salt %q and %q", salt, password)
		}
	})
}

// TestSteps: whatever takes long is done in steps.
func TestSteps(t *testing.T) {
	for _, tc := range []struct {
		do   func(step func())
		want int
	}{
		{func(step func()) { mustHash(t, wasted(5)).MatchSteps("x", step) }, 32},
		{func(step func()) { mustHash(t, wasted(5)).MatchSteps(strings.Repeat("x", 100), step) }, 32},
		{func(step func()) { mustHash(t, "$5$s$"+strings.Repeat(".", 43)).MatchSteps("x", step) }, 5000 / roundsPerStep},
		{func(step func()) { mustHash(t, "$6$s$"+strings.Repeat(".", 86)).MatchSteps("x", step) }, 5000 / roundsPerStep},
		{func(step func()) { mustHash(t, aprHash).MatchSteps("x", step) }, 0},
		{func(step func()) { mustHash(t, shaHash).MatchSteps("x", step) }, 0},
		{func(step func()) { Waste(32*bcryptWork, Bcrypt, "x", step) }, 32},
		{func(step func()) { Waste(640*sha512Work, SHA512Crypt, "x", step) }, 640 / roundsPerStep},
		{func(step func()) { Waste(10*time.Millisecond, SHA1, "x", step) }, int(10*time.Millisecond/sha256Work) / roundsPerStep},
	} {
		steps := 0
		tc.do(func() { steps++ })
		if steps != tc.want {
			t.Errorf("%d steps, want %d", steps, tc.want)
		}
	}
}
