// Package projection owns the shapes in which others than a gate want the users: for each kind, which Secret beside the
// users holds it, and what stands in it. It reads and writes no Secret itself.
package projection

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/visible"
)

// Kind is one shape.
type Kind struct {
	Name   string // as users write it, such as "prometheus-web"
	For    string // who reads it
	Suffix string // after the users Secret's name, the name of its Secret
	Key    string // the data key there

	takes readable
	write func(secret string, users map[string]string, previous []byte) ([]byte, error)
}

// Left is a user whom a shape cannot hold as the users Secret does.
type Left struct {
	User   string `json:"user"`
	Reason string `json:"reason"` // what is so, and what to do
}

// kinds are all shapes. A new one is a row here and a function that writes it.
var kinds = []Kind{
	{gateconf.ProjectionWeb, "Prometheus, Alertmanager and exporters with --web.config.file", gateconf.WebSecret, gateconf.WebKey, byPrometheus, webConfigText},
	{"envoy", "Envoy Gateway's SecurityPolicy, spec.basicAuth", "-envoy", ".htpasswd", byEnvoy, envoyText},
	{"haproxy", "HAProxy's userlist", "-haproxy", "userlist.cfg", byHAProxy, haproxyText},
}

// Kinds returns all shapes, in the order in which people are shown them.
func Kinds() []Kind { return slices.Clone(kinds) }

// Find returns the shape of a name; an error that lists all where there is none.
func Find(name string) (Kind, error) {
	var names []string
	for _, k := range kinds {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return Kind{}, fmt.Errorf("unknown kind %q; use %s", name, strings.Join(names, ", "))
}

// WantsSHA1 says whether a kind takes {SHA} hashes and no others.
func WantsSHA1(name string) bool {
	kind, err := Find(name)
	return err == nil && slices.Equal(kind.takes.takes, []htpasswd.Algorithm{htpasswd.SHA1})
}

// Secret is the name of the Secret for the users of another.
func (k Kind) Secret(users string) string { return users + k.Suffix }

// Render writes the users of the Secret of that name in this shape, and says how many it holds, and whom it cannot hold as they are. Without a user
// that it can hold, the text is one that refuses everybody. Previous is what the Secret holds now, nil where nothing: the
// same users give the same text again.
func (k Kind) Render(secret string, file *htpasswd.File, previous []byte) (text []byte, users int, left []Left, err error) {
	taken, left := k.takes.of(file)
	text, err = k.write(secret, taken, previous)
	return text, len(taken), left, err
}

// Holds says how many users of a file this shape holds, and whom it cannot hold as they are: what Render says, without the text.
func (k Kind) Holds(file *htpasswd.File) (users int, left []Left) {
	taken, left := k.takes.of(file)
	return len(taken), left
}

// readable says which hashes somebody reads. Whatever it does with others, no user with one may get there: some refuse the
// whole file then, some take what they cannot read for a password in plain text.
type readable struct {
	who   string
	takes []htpasswd.Algorithm
	names string // of those
	first string // which of several counts
	mend  string // for users with another; the name follows
}

// of returns the users with a hash that can be read. A user has one there: where the users Secret has several, the first of
// the file that can be read counts, which is the new one where an old one counts beside it.
func (r readable) of(file *htpasswd.File) (users map[string]string, left []Left) {
	users = map[string]string{}
	for _, user := range file.Users() {
		hashes := file.Lookup(user)
		if i := slices.IndexFunc(hashes, func(h htpasswd.Hash) bool { return slices.Contains(r.takes, h.Algorithm()) }); i >= 0 {
			users[user] = hashes[i].String()
		}
		switch {
		case users[user] == "":
			left = append(left, Left{user, fmt.Sprintf("the hash is %s, and %s reads %s only; %s %s", hashes[0].Algorithm(), r.who, r.names, r.mend, visible.Argument(user))})
		case len(hashes) > 1:
			left = append(left, Left{user, fmt.Sprintf("has several passwords, and %s takes one; the first that is %s counts there", r.who, r.first)})
		}
	}
	return users, left
}

// Names reads the value of gateconf.AnnotationProjections: the names of shapes, sorted, each once.
func Names(value string) []string {
	names := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
	slices.Sort(names)
	return slices.Compact(names)
}
