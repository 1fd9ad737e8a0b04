package projection

import (
	"bytes"
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// byEnvoy are the hashes that Envoy's filter basic_auth knows: it throws the whole configuration away for another, as it
// does for a user who stands twice (readHtpasswd in source/extensions/filters/http/basic_auth/config.cc).
var byEnvoy = readable{
	"Envoy",
	[]htpasswd.Algorithm{htpasswd.SHA1},
	"{SHA}", "{SHA}",
	"a random password with one comes by kubectl basicauth user passwd --generate --algorithm sha1",
}

// envoyNobody is the user of a file without users: Envoy Gateway calls a policy with an empty one invalid (buildBasicAuth in
// internal/gatewayapi/securitypolicy.go), and what becomes of the route then has differed between its versions. No users
// Secret can hold the name, for it ends in a blank; and nobody knows what has the hash, for it is random bytes.
const envoyNobody = "kauth-nobody "

// envoyText writes the lines that validateHtpasswdFormat of Envoy Gateway takes: user:{SHA}hash, and no remark.
func envoyText(_ string, users map[string]string, previous []byte) ([]byte, error) {
	if len(users) == 0 {
		if isEnvoyClosed(previous) {
			return previous, nil
		}
		users = map[string]string{envoyNobody: "{SHA}" + base64.StdEncoding.EncodeToString(random(20))}
	}
	var text bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(users)) {
		text.WriteString(name + ":" + users[name] + "\n")
	}
	return text.Bytes(), nil
}

// isEnvoyClosed says whether a text is one that envoyText writes where there is no user.
func isEnvoyClosed(text []byte) bool {
	hash, ours := strings.CutPrefix(string(text), envoyNobody+":")
	line, ended := strings.CutSuffix(hash, "\n")
	parsed, err := htpasswd.ParseHash(line)
	return ours && ended && err == nil && parsed.Algorithm() == htpasswd.SHA1
}
