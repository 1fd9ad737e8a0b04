package userstore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// Difference says which users another text adds, removes, or gives other passwords; each in the order of the text that has them.
type Difference struct{ Added, Removed, Changed []string }

// Compare returns the difference that comes when then takes the place of now. Users whose lines cannot be used do not count: no
// gate lets them in.
func Compare(now, then *htpasswd.File) Difference {
	var d Difference
	for _, user := range then.Users() {
		switch hashes := now.Lookup(user); {
		case len(hashes) == 0:
			d.Added = append(d.Added, user)
		case !slices.Equal(hashes, then.Lookup(user)):
			d.Changed = append(d.Changed, user)
		}
	}
	for _, user := range now.Users() {
		if len(then.Lookup(user)) == 0 {
			d.Removed = append(d.Removed, user)
		}
	}
	return d
}

// String names the users: `add "bob", remove "mallory", give "carol" another password`.
func (d Difference) String() string {
	var parts []string
	const most = 5
	if len(d.Added) > 0 {
		parts = append(parts, "add "+quoted(d.Added, most))
	}
	if len(d.Removed) > 0 {
		parts = append(parts, "remove "+quoted(d.Removed, most))
	}
	if len(d.Changed) > 0 {
		parts = append(parts, fmt.Sprintf("give %s another password", quoted(d.Changed, most)))
	}
	if len(parts) == 0 {
		return "change no user, but comments or lines that no gate can use"
	}
	return strings.Join(parts, ", ")
}
