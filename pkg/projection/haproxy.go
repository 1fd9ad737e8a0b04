package projection

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// byHAProxy are the hashes that HAProxy gives to crypt(3), as far as the C libraries of its images know them: libxcrypt of
// Debian and its like, and musl. It takes others without a word, and lets nobody in by them.
var byHAProxy = readable{
	"HAProxy",
	[]htpasswd.Algorithm{htpasswd.Bcrypt, htpasswd.SHA256Crypt, htpasswd.SHA512Crypt},
	"bcrypt, sha256-crypt and sha512-crypt", "one of these",
	"set the password again with kubectl basicauth user passwd",
}

// haproxyText writes a userlist that has the name of the users Secret: of two lists of one name, HAProxy would put the users
// of the second into the first. A list without users lets nobody in. Within single quotes, nothing has a meaning
// (configuration manual, section 2.2).
func haproxyText(secret string, users map[string]string, _ []byte) ([]byte, error) {
	quoted := func(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
	var text bytes.Buffer
	fmt.Fprintf(&text, "userlist %s\n", secret)
	for _, name := range slices.Sorted(maps.Keys(users)) {
		fmt.Fprintf(&text, "  user %s password %s\n", quoted(name), quoted(users[name]))
	}
	return text.Bytes(), nil
}
