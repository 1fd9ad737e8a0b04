package userstore

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// CleanUser returns name as it is to be stored: in Unicode normal form C, the form that browsers send (RFC 7617
// section 2.1, RFC 8265 section 3.3). A name that no gate could take is an error.
func CleanUser(name string) (string, error) {
	clean := norm.NFC.String(name)
	return clean, htpasswd.ValidUser(clean)
}

// NewUser is CleanUser for a user who is new: a name that people could not tell from another by its looks alone is an error too. That is
// a character that nobody sees, or one that turns others around, or a blank that is no space; or what is no character of Unicode
// yet. RFC 8265 section 4.2 (OpaqueString) says which, and takes spaces, signs and every script. Its stricter profile for user
// names (section 3) refuses spaces and signs too, which names in htpasswd files have always had.
func NewUser(name string) (string, error) {
	clean, err := CleanUser(name)
	if err != nil {
		return clean, err
	}
	seen, err := precis.OpaqueString.String(clean)
	switch {
	case err != nil:
		return clean, fmt.Errorf("the user name %s contains a character that cannot be seen, or told from others; leave it out", strconv.QuoteToASCII(clean))
	case seen != clean:
		return clean, fmt.Errorf("the user name %s contains a blank of another kind; take a space", strconv.QuoteToASCII(clean))
	}
	return clean, nil
}

// CleanPassword is CleanUser for passwords (RFC 8265 section 4.2). The error never contains the password.
func CleanPassword(password string) (string, error) {
	clean := norm.NFC.String(password)
	return clean, htpasswd.ValidPassword(clean)
}

// Find returns the spelling that file has of name: exactly so, else one that differs in Unicode normal form only.
// Users whose lines cannot be used count.
func Find(file *htpasswd.File, name string) (string, bool) {
	return spellings(file).find(name)
}

// spelled maps each user as written, and in normal form C, to the first spelling in a file.
type spelled map[string]string

func spellings(file *htpasswd.File) spelled {
	s := spelled{}
	lines := userLines(file)
	for _, l := range lines {
		s[l.user] = l.user
	}
	for _, l := range lines {
		if clean := norm.NFC.String(l.user); s[clean] == "" {
			s[clean] = l.user
		}
	}
	return s
}

func (s spelled) find(name string) (string, bool) {
	if user, ok := s[name]; ok {
		return user, true
	}
	user, ok := s[norm.NFC.String(name)]
	return user, ok
}

// A userLine says that a line, from 1, is about user, be it good or bad.
type userLine struct {
	line int
	user string
}

func userLines(file *htpasswd.File) []userLine {
	var lines []userLine
	for _, e := range file.Entries() {
		lines = append(lines, userLine{e.Line, e.User})
	}
	for _, p := range file.Problems() {
		if p.User != "" {
			lines = append(lines, userLine{p.Line, p.User})
		}
	}
	return lines
}

// alphabet has no two characters that look alike (0O, 1Il, 5S, 2Z, 8B, uv) and none that a shell or a URL minds.
const alphabet = "acdefghjkmnpqrtwxyzACDEFGHJKLMNPQRTUVWXY34679"

// generatedLength gives 24 * log2(45) = 131 bits.
const generatedLength = 24

// NewPassword returns a random password that is easy to read out and type: about 131 bits of it.
func NewPassword() string {
	// rand.Read never fails. Bytes that would favour the first letters are thrown away.
	limit := byte(256 - 256%len(alphabet))
	password := make([]byte, 0, generatedLength)
	for buf := make([]byte, 64); len(password) < generatedLength; {
		_, _ = rand.Read(buf)
		for _, b := range buf {
			if b < limit && len(password) < generatedLength {
				password = append(password, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(password)
}

// quoted lists at most limit names.
func quoted(names []string, limit int) string {
	list := make([]string, 0, limit)
	for _, name := range names[:min(limit, len(names))] {
		list = append(list, fmt.Sprintf("%q", name))
	}
	if more := len(names) - limit; more > 0 {
		return strings.Join(list, ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(list, ", ")
}
