package userstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// ErrExists is what is wrong with a merge that would replace users which nobody allowed it to replace.
var ErrExists = errors.New("users with another hash exist")

// Merged says which users a merge added, replaced, or found as they were; in the order of the source.
type Merged struct{ Added, Replaced, Unchanged []string }

// Merge puts the users of src into dst. Where dst is empty it becomes src byte for byte, comments included. Otherwise
// only users' lines are taken: new ones at the end, and a user of both with other hashes in place if replace is
// true, else it is an error that wraps ErrExists and names each. src must have no problems.
func Merge(dst, src *htpasswd.File, replace bool) (Merged, error) {
	var m Merged
	hashes := map[string][]htpasswd.Hash{} // by the spelling of dst
	old := spellings(dst)
	for _, user := range src.Users() {
		known, exists := old.find(user)
		switch {
		case !exists:
			m.Added = append(m.Added, user)
		case slices.Equal(dst.Lookup(known), src.Lookup(user)):
			m.Unchanged = append(m.Unchanged, user)
		default:
			m.Replaced = append(m.Replaced, user)
			hashes[known] = src.Lookup(user)
		}
	}
	if len(m.Replaced) > 0 && !replace {
		return Merged{}, fmt.Errorf("%w: %s; add --replace to give them the new hashes", ErrExists, quoted(m.Replaced, 10))
	}
	if len(m.Added)+len(m.Replaced) == 0 {
		return m, nil
	}
	if len(dst.Bytes()) == 0 {
		*dst = *htpasswd.Parse(src.Bytes())
		return m, nil
	}
	lines := replaceLines(dst, hashes)
	for _, user := range m.Added {
		lines = append(lines, hashLines(user, src.Lookup(user))...)
	}
	*dst = *htpasswd.Parse(join(lines))
	return m, nil
}

// replaceLines returns the lines of dst with their endings, the first of each user of hashes replaced and the others
// empty. It works on text: a Set for each of ten thousand users would take seconds.
func replaceLines(dst *htpasswd.File, hashes map[string][]htpasswd.Hash) []string {
	lines := strings.SplitAfter(string(dst.Bytes()), "\n")
	done := map[string]bool{}
	about := userLines(dst)
	slices.SortFunc(about, func(a, b userLine) int { return a.line - b.line })
	about = slices.CompactFunc(about, func(a, b userLine) bool { return a.line == b.line }) // good, with a problem
	for _, l := range about {
		replacement, ok := hashes[l.user]
		if !ok {
			continue
		}
		text := ""
		if !done[l.user] {
			done[l.user] = true
			text = string(join(hashLines(l.user, replacement)))
			if strings.HasSuffix(lines[l.line-1], "\r\n") {
				text = strings.ReplaceAll(text, "\n", "\r\n")
			}
		}
		lines[l.line-1] = text
	}
	return lines
}

func hashLines(user string, hashes []htpasswd.Hash) []string {
	lines := make([]string, 0, len(hashes))
	for _, h := range hashes {
		lines = append(lines, user+":"+h.String())
	}
	return lines
}

// join puts the ending of the first line after each line that has none.
func join(lines []string) []byte {
	ending := "\n"
	if len(lines) > 0 && strings.HasSuffix(lines[0], "\r\n") {
		ending = "\r\n"
	}
	var text []byte
	for _, l := range lines {
		text = append(text, l...)
		if l != "" && !strings.HasSuffix(l, "\n") {
			text = append(text, ending...)
		}
	}
	return text
}
