package htpasswd

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// program runs a program of the machine and returns its output.
func program(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(testenv.Tool(t, name), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return strings.TrimSpace(string(out))
}

// passwords returns passwords of all sorts of lengths, with bytes that programs like to stumble over.
func passwords(limit int) []string {
	alphabet := []rune(`abcXYZ019 !"$%&'()*+,-./;<=>?@[\]^_{|}~äöß€🔑`)
	random := rand.New(rand.NewPCG(1, 2))
	list := []string{"x", "0", " ", "$apr1$", strings.Repeat("y", 72)}
	for n := range 30 {
		p := "p"
		for range n {
			p += string(alphabet[random.IntN(len(alphabet))])
		}
		if len(p) <= limit {
			list = append(list, p)
		}
	}
	return list
}

func TestHashesOfHtpasswd(t *testing.T) {
	for _, tc := range []struct {
		flags     []string
		algorithm Algorithm
	}{
		{[]string{"-m"}, APR1},
		{[]string{"-s"}, SHA1},
		{[]string{"-B", "-C", "4"}, Bcrypt},
		{[]string{"-2", "-r", "1000"}, SHA256Crypt},
		{[]string{"-5"}, SHA512Crypt},
	} {
		t.Run(string(tc.algorithm), func(t *testing.T) {
			for _, p := range passwords(72) {
				f := Parse([]byte(program(t, "htpasswd", append(append([]string{"-nb"}, tc.flags...), "user", p)...) + "\n"))
				if err := f.Err(); err != nil {
					t.Fatal(err)
				}
				h := f.Lookup("user")[0]
				if h.Algorithm() != tc.algorithm || !h.Match(p) || h.Match(p+"x") {
					t.Errorf("%q: %s, match %v", p, h.Algorithm(), h.Match(p))
				}
			}
		})
	}
}

func TestHashesOfOpenSSL(t *testing.T) {
	for flag, algorithm := range map[string]Algorithm{"-apr1": APR1, "-5": SHA256Crypt, "-6": SHA512Crypt} {
		t.Run(string(algorithm), func(t *testing.T) {
			for _, p := range passwords(250) {
				h := mustHash(t, program(t, "openssl", "passwd", flag, "--", p))
				if h.Algorithm() != algorithm || !h.Match(p) || h.Match(p+"x") {
					t.Errorf("%q: %s, match %v", p, h.Algorithm(), h.Match(p))
				}
			}
		})
	}
}

// TestHtpasswdReadsOurs has Apache's own program verify a file that was edited here.
func TestHtpasswdReadsOurs(t *testing.T) {
	f := Parse([]byte("# people\r\nann:" + shaHash + "\r\n"))
	for _, p := range passwords(72) {
		h, err := Generate(p, MinCost)
		if err != nil {
			t.Fatal(err)
		}
		f.Set("bob", h)
		path := filepath.Join(t.TempDir(), "auth")
		if err := os.WriteFile(path, f.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		program(t, "htpasswd", "-vb", path, "bob", p)
		program(t, "htpasswd", "-vb", path, "ann", "password")
	}
}
