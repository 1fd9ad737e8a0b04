package htpasswd

import (
	"fmt"
	"strings"
)

const (
	blanks = " \t\v\f\r" // what Apache cuts from both ends of a line, and nginx does not
	bom    = "\ufeff"    // nginx and Apache read it as part of the first user's name
)

// parseLine reads one line with its ending. It is strict: nginx and Apache must see the same user and the same hash.
func parseLine(raw string) line {
	text := strings.TrimSuffix(raw, "\n")
	if ended := len(text) < len(raw); ended {
		text = strings.TrimSuffix(text, "\r")
	}
	bad := func(user, format string, args ...any) line {
		return line{raw: raw, user: user, reason: fmt.Sprintf(format, args...)}
	}
	trimmed := strings.Trim(strings.TrimPrefix(text, bom), blanks)
	name, hash, found := strings.Cut(trimmed, ":")
	user := name
	if ValidUser(user) != nil {
		user = ""
	}
	switch {
	case len(text) > maxLine:
		return bad(user, "%s %d bytes; Apache stops reading at a line over %d", about(user, "has a line of", "has"), len(text), maxLine)
	case trimmed == "" && !strings.HasPrefix(text, bom):
		return line{raw: raw}
	case strings.HasPrefix(text, "#"):
		return line{raw: raw}
	case strings.HasPrefix(text, bom):
		return bad(user, "%s", about(user, "comes after a byte order mark; save the file without it", "begins with a byte order mark; save the file without it"))
	case !found && strings.HasPrefix(trimmed, "#"):
		return line{raw: raw} // an indented comment: nobody's line in nginx either, because it has no colon
	case !found:
		return bad("", "no colon; a line is user:hash")
	case trimmed != text:
		return bad(user, "%s", about(user, "has blanks around the line; nginx takes them as part of it, Apache does not", "has blanks around it; nginx takes them as part of the line, Apache does not"))
	case user == "":
		return bad("", "%v", ValidUser(name))
	case strings.Contains(hash, ":"):
		return bad(user, "has more than one colon after the name; a line is user:hash")
	case hash == "":
		return bad(user, "has no hash")
	}
	h, err := ParseHash(hash)
	if err != nil {
		return bad(user, "has %v", err)
	}
	return line{raw: raw, user: user, hash: h}
}

// about picks the words for a line of user, or for a line of nobody.
func about(user, words, otherwise string) string {
	if user == "" {
		return otherwise
	}
	return words
}
