package projection

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// webConfig is the part of a configuration of prometheus/exporter-toolkit that is ours (its docs/web-configuration.md).
type webConfig struct {
	Users map[string]string `yaml:"basic_auth_users"`
}

// nobody is the user of a file without users. exporter-toolkit takes a file without any for an open door
// (web/handler.go), so one must stand in it; and no request can name this one, for the name that a client sends ends at
// its first colon (RFC 7617 section 2). The hash is of random bytes that nobody keeps, all the same.
const nobody = "kauth:nobody"

// byPrometheus are the hashes that exporter-toolkit knows. Another would make it refuse the whole file.
var byPrometheus = readable{
	"Prometheus", []htpasswd.Algorithm{htpasswd.Bcrypt}, "bcrypt", "bcrypt", "set the password again with kubectl basicauth user passwd",
}

// webConfigText writes the users. Without any, it writes one whom nobody can be.
func webConfigText(_ string, users map[string]string, previous []byte) ([]byte, error) {
	if len(users) == 0 {
		if isClosed(previous) {
			return previous, nil
		}
		hash, err := htpasswd.Generate(base64.RawStdEncoding.EncodeToString(random(32)), htpasswd.DefaultCost)
		if err != nil {
			return nil, err
		}
		users = map[string]string{nobody: hash.String()}
	}
	return marshal(users)
}

// marshal writes the names in quotes: Prometheus' reader takes a bare << for a merge, and its library others for numbers.
func marshal(users map[string]string) ([]byte, error) {
	list := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range slices.Sorted(maps.Keys(users)) {
		list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Value: name}, &yaml.Node{Kind: yaml.ScalarNode, Value: users[name]})
	}
	var text bytes.Buffer
	e := yaml.NewEncoder(&text)
	e.SetIndent(2)
	if err := e.Encode(map[string]*yaml.Node{"basic_auth_users": list}); err != nil {
		return nil, err
	}
	return text.Bytes(), e.Close()
}

// isClosed says whether a text is one that webConfigText writes where there is no user.
func isClosed(text []byte) bool {
	var config webConfig
	strict := yaml.NewDecoder(bytes.NewReader(text))
	if strict.KnownFields(true); strict.Decode(&config) != nil || len(config.Users) != 1 {
		return false
	}
	hash, err := htpasswd.ParseHash(config.Users[nobody])
	return err == nil && hash.Algorithm() == htpasswd.Bcrypt
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it returns no error, but ends the program
	return b
}
