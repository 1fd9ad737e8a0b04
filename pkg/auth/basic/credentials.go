package basic

import (
	"bytes"
	"encoding/base64"
	"strings"
)

const (
	maxToken   = 4096 // bytes of base64 that are looked at
	tokenSpace = 384  // bytes of base64 and of what it decodes to that need no allocation
)

// challenge returns the value of WWW-Authenticate, RFC 7617 sections 2 and 2.1, with realm as a quoted-string (RFC 9110
// section 5.6.4).
func challenge(realm string) string {
	return `Basic realm="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(realm) + `", charset="UTF-8"`
}

// basicToken returns what follows the scheme of an Authorization header, and whether the scheme is Basic, in any case
// of letters.
func basicToken(header string) (string, bool) {
	const scheme = "basic"
	if len(header) < len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) {
		return "", false
	}
	token := header[len(scheme):]
	if token != "" && token[0] != ' ' {
		return "", false
	}
	return strings.Trim(token, " "), true
}

// decode returns the user and the password of a token, which may lie in space, and whether there are any.
func decode(space []byte, token string) (user, password []byte, ok bool) {
	if len(token) > maxToken {
		return nil, nil, false
	}
	encoded := append(space[:0], token...)
	n, err := base64.StdEncoding.Decode(encoded, encoded)
	if err != nil {
		return nil, nil, false
	}
	return bytes.Cut(encoded[:n], colon)
}

var colon = []byte{':'}
