package htpasswd

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxUser   = 255 // bytes, the limit of Apache's htpasswd
	maxBcrypt = 72  // bytes of a password that bcrypt looks at
)

// ValidUser says why name cannot be a user, or nil. RFC 7617 section 2 forbids the colon and control characters; a name
// that begins with # would be a comment, and blanks at its ends are read differently by different servers. At most
// 255 bytes of UTF-8.
func ValidUser(name string) error {
	switch {
	case name == "":
		return errors.New("the user name is empty")
	case len(name) > maxUser:
		return fmt.Errorf("the user name has %d bytes; at most %d", len(name), maxUser)
	case !utf8.ValidString(name):
		return errors.New("the user name is not UTF-8")
	case strings.Contains(name, ":"):
		return errors.New("the user name contains a colon; it separates the name from the hash")
	case strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("the user name contains a control character")
	case name[0] == '#':
		return errors.New("the user name begins with #; that would be a comment")
	case strings.HasPrefix(name, bom):
		return errors.New("the user name begins with a byte order mark")
	case strings.Trim(name, blanks) != name:
		return errors.New("the user name begins or ends with a blank")
	}
	return nil
}

// ValidPassword says why p cannot be a new password, or nil: it must be 1 to 72 bytes of UTF-8 (bcrypt looks at no more)
// without control characters, which RFC 7617 section 2 forbids. The error never contains p.
func ValidPassword(p string) error {
	switch {
	case p == "":
		return errors.New("the password is empty")
	case len(p) > maxBcrypt:
		return fmt.Errorf("the password has %d bytes; bcrypt looks at no more than %d", len(p), maxBcrypt)
	case !utf8.ValidString(p):
		return errors.New("the password is not UTF-8")
	case strings.ContainsFunc(p, unicode.IsControl):
		return errors.New("the password contains a control character")
	}
	return nil
}
