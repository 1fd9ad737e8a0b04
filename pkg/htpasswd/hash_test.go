package htpasswd

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// TestSpecificationVectors holds the test vectors of https://www.akkadia.org/drepper/SHA-crypt.txt, as its output
// spells them (a salt that is too long cut off, rounds that are too low raised).
func TestSpecificationVectors(t *testing.T) {
	for _, tc := range []struct{ password, hash string }{
		{"Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"},
		{"Hello world!", "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"},
		{"This is just a test", "$5$rounds=5000$toolongsaltstrin$Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5"},
		{"a very much longer text to encrypt.  This one even stretches over morethan one line.", "$5$rounds=1400$anotherlongsalts$Rx.j8H.h8HjEDGomFU8bDkXm3XIUnzyxf12oP84Bnq1"},
		{"we have a short salt string but not a short password", "$5$rounds=77777$short$JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/"},
		{"a short string", "$5$rounds=123456$asaltof16chars..$gP3VQ/6X7UUEW3HkBn2w1/Ptq2jxPyzV/cZKmF/wJvD"},
		{"the minimum number is still observed", "$5$rounds=1000$roundstoolow$yfvwcWrQ8l/K0DAWyuPMDNHpIVlTQebY9l/gL972bIC"},
		{"Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
		{"Hello world!", "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v."},
		{"This is just a test", "$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0"},
		{"a very much longer text to encrypt.  This one even stretches over morethan one line.", "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1"},
		{"we have a short salt string but not a short password", "$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0"},
		{"a short string", "$6$rounds=123456$asaltof16chars..$BtCwjqMJGx5hrJhZywWvt0RLE8uZ4oPwcelCjmw2kSYu.Ec6ycULevoBK25fs2xXgMNrCzIMVcgEJAstJeonj1"},
		{"the minimum number is still observed", "$6$rounds=1000$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX."},
	} {
		h, err := ParseHash(tc.hash)
		if err != nil {
			t.Errorf("%s: %v", tc.hash, err)
			continue
		}
		if !h.Match(tc.password) {
			t.Errorf("%s does not match its password", tc.hash)
		}
		if h.Match(tc.password+"x") || h.Match("") {
			t.Errorf("%s matches another password", tc.hash)
		}
	}
}

const (
	aprHash  = "$apr1$saltsalt$XnwGfvCWC0gzXqoT3IkqZ0"
	shaHash  = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="              // "password"
	sshaHash = "{SSHA}V6IyJTCM7M2M65dpPMf/O4Xfm2pOYUNsTmFDbA==" // "secret"
)

func TestParseHash(t *testing.T) {
	salt := strings.Repeat("a", 53)
	for _, tc := range []struct {
		text      string
		algorithm Algorithm
		cost      int
	}{
		{"$2a$04$" + salt, Bcrypt, 4},
		{"$2b$10$" + salt, Bcrypt, 10},
		{"$2y$17$" + salt, Bcrypt, 17},
		{aprHash, APR1, 0},
		{shaHash, SHA1, 0},
		{sshaHash, SSHA, 0},
		{"$5$s$" + strings.Repeat(".", 43), SHA256Crypt, 5000},
		{"$6$rounds=5000000$s$" + strings.Repeat("/", 86), SHA512Crypt, 5_000_000},
	} {
		h, err := ParseHash(tc.text)
		if err != nil || h.Algorithm() != tc.algorithm || h.Cost() != tc.cost || h.String() != tc.text || h.Work() <= 0 {
			t.Errorf("%s: %v %d %s %s, %v", tc.text, h.Algorithm(), h.Cost(), h, h.Work(), err)
		}
	}
}

func TestParseHashRefuses(t *testing.T) {
	salt := strings.Repeat("a", 53)
	sum := strings.Repeat("a", 43)
	for _, tc := range []struct{ text, want string }{
		{"", "unknown hash"},
		{"plaintext", "unknown hash"},
		{"rqXexS6ZhobKA", "unknown hash"},
		{"$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "unknown hash"},
		{"$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", "unknown hash"},
		{"$y$j9T$salt$hash", "unknown hash"},
		{"{PLAIN}secret", "unknown hash"},
		{"{sha}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "unknown hash"},
		{"$2$10$" + salt, "damaged bcrypt"},
		{"$2x$10$" + salt, "damaged bcrypt"},
		{"$2y$1$" + salt + "a", "damaged bcrypt"},
		{"$2y$10$" + salt[1:], "damaged bcrypt"},
		{"$2y$10$" + salt[1:] + "!", "damaged bcrypt"},
		{"$2y$03$" + salt, "cost that does not exist"},
		{"$2y$+4$" + salt, "cost that does not exist"},
		{"$2y$18$" + salt, "of cost 18; over 17"},
		{"$2y$31$" + salt, "of cost 31; over 17"},
		{"$2y$32$" + salt, "cost that does not exist"},
		{"$apr1$$XnwGfvCWC0gzXqoT3IkqZ0", "damaged apr1"},
		{"$apr1$saltsalts$XnwGfvCWC0gzXqoT3IkqZ0", "damaged apr1"},
		{"$apr1$saltsalt$XnwGfvCWC0gzXqoT3IkqZ", "damaged apr1"},
		{"$apr1$salt", "damaged apr1"},
		{"{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g", "damaged {SHA}"},
		{"{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9h=", "damaged {SHA}"},
		{"{SHA}", "damaged {SHA}"},
		{"{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "damaged {SSHA}"},
		{"$5$rounds=999$s$" + sum, "rounds that do not exist"},
		{"$5$rounds=01000$s$" + sum, "rounds that do not exist"},
		{"$5$rounds=$s$" + sum, "rounds that do not exist"},
		{"$5$rounds=1000000000$s$" + sum, "rounds that do not exist"},
		{"$5$rounds=999999999$s$" + sum, "of 999999999 rounds; over 5000000"},
		{"$5$rounds=5000001$s$" + sum, "of 5000001 rounds"},
		{"$5$rounds=5000", "damaged sha256-crypt"},
		{"$5$seventeencharacte$" + sum, "damaged sha256-crypt"},
		{"$5$s$" + sum + "a", "damaged sha256-crypt"},
		{"$6$s$" + sum, "damaged sha512-crypt"},
	} {
		h, err := ParseHash(tc.text)
		if err == nil || !strings.Contains(err.Error(), tc.want) || h != (Hash{}) {
			t.Errorf("%s: %v, want %q", tc.text, err, tc.want)
			continue
		}
		if len(tc.text) > 20 && strings.Contains(err.Error(), tc.text[8:]) {
			t.Errorf("%s: the error quotes the hash: %v", tc.text, err)
		}
	}
}

func mustHash(t testing.TB, text string) Hash {
	t.Helper()
	h, err := ParseHash(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestMatchRefusesWhatOthersCutOff(t *testing.T) {
	long := strings.Repeat("x", 72)
	text, err := bcrypt.GenerateFromPassword([]byte(long), MinCost)
	if err != nil {
		t.Fatal(err)
	}
	h := mustHash(t, string(text))
	if !h.Match(long) || h.Match(long+"y") || h.Match(long[:71]) {
		t.Error("bcrypt: 72 bytes must match, 73 and 71 must not")
	}
	short, err := Generate("a", MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if !short.Match("a") || short.Match("a\x00a") || short.Match("a\x00") {
		t.Error("bcrypt: NUL must never match: the key is used over and over, with a NUL between")
	}
	if sha := mustHash(t, shaHash); !sha.Match("password") || sha.Match("password\x00") {
		t.Error("{SHA}: NUL must never match")
	}
	if (Hash{}).Match("") {
		t.Error("the zero Hash matches")
	}
}

func TestSSHA(t *testing.T) {
	if h := mustHash(t, sshaHash); !h.Match("secret") || h.Match("Secret") {
		t.Error("{SSHA} does not match as it should")
	}
}

func TestGenerate(t *testing.T) {
	for _, tc := range []struct {
		password string
		cost     int
		want     string // of the error; empty: none
	}{
		{"correct horse", MinCost, ""},
		{"p\u00e4ssw\u00f6rd \U0001f511", MinCost, ""},
		{strings.Repeat("x", 72), MinCost, ""},
		{strings.Repeat("x", 73), MinCost, "73 bytes"},
		{"", MinCost, "empty"},
		{"a\x00b", MinCost, "control character"},
		{"a\xff", MinCost, "not UTF-8"},
		{"a", 3, "cost 3"},
		{"a", 18, "cost 18"},
	} {
		h, err := Generate(tc.password, tc.cost)
		if tc.want != "" {
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%q, %d: %v, want %q", tc.password, tc.cost, err, tc.want)
			}
			continue
		}
		if err != nil || !strings.HasPrefix(h.String(), "$2y$") || h.Cost() != tc.cost || !h.Match(tc.password) || h.Match("other") {
			t.Errorf("%q: %v %d, %v", tc.password, h.Algorithm(), h.Cost(), err)
		}
	}
}

// {SHA} of "password" as openssl dgst -sha1 -binary | base64 makes it.
func TestGenerateSHA1(t *testing.T) {
	hash, err := GenerateSHA1("password")
	if err != nil || hash.String() != "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=" || !hash.Match("password") || hash.Match("Password") || hash.Algorithm() != SHA1 {
		t.Errorf("%v, %q", err, hash.String())
	}
	for _, password := range []string{"", strings.Repeat("x", 73), "a\nb"} {
		if hash, err := GenerateSHA1(password); err == nil || hash != (Hash{}) {
			t.Errorf("%q: %q, %v", password, hash.String(), err)
		}
	}
}

func TestWeak(t *testing.T) {
	salt := strings.Repeat("a", 53)
	for text, want := range map[string]string{
		"$2y$05$" + salt: "bcrypt cost 5 is below 10",
		"$2y$10$" + salt: "",
		aprHash:          "apr1 is fast to guess",
		shaHash:          "{SHA} has no salt and is very fast to guess, unless the password is long and random",
		sshaHash:         "{SSHA} is very fast to guess",
		"$5$rounds=1000$s$" + strings.Repeat(".", 43): "sha256-crypt with 1000 rounds is below 5000",
		"$6$s$" + strings.Repeat(".", 86):             "",
	} {
		if got := mustHash(t, text).Weak(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// wasted is a well-formed bcrypt hash of the given cost that no password is known for.
func wasted(cost int) string {
	const sum = "kauthkauthkauthkauthkeO1234567890123456789012345678O"
	return fmt.Sprintf("$2y$%02d$%sO", cost, sum)
}

// TestWasteWorks: whatever is asked for, however odd, is no failure.
func TestWasteWorks(t *testing.T) {
	for _, like := range []Algorithm{Bcrypt, APR1, SHA1, SHA256Crypt, SHA512Crypt} {
		Waste(time.Millisecond, like, strings.Repeat("x", 1000), func() {})
		Waste(-time.Millisecond, like, "", func() {})
	}
}
