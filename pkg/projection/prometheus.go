package projection

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
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

// bcryptOnly takes the users with bcrypt hashes, the only ones that exporter-toolkit knows: another would make it refuse
// the whole file. A user has one hash there; where the users Secret has several, the last of the file counts.
func bcryptOnly(file *htpasswd.File) (users map[string]string, left []Left) {
	users = map[string]string{}
	for _, user := range file.Users() {
		hashes := file.Lookup(user)
		for _, h := range hashes {
			if h.Algorithm() == htpasswd.Bcrypt {
				users[user] = h.String()
			}
		}
		switch {
		case users[user] == "":
			left = append(left, Left{user, fmt.Sprintf("the hash is %s, and Prometheus reads bcrypt only; set the password again with kubectl basicauth user passwd", hashes[0].Algorithm())})
			delete(users, user)
		case len(hashes) > 1:
			left = append(left, Left{user, "has several passwords, and Prometheus takes one; the last that is bcrypt counts there"})
		}
	}
	return users, left
}

// webConfigText writes the users. Without any, it writes one whom nobody can be.
func webConfigText(users map[string]string, previous []byte) ([]byte, error) {
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
