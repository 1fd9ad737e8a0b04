// Package octets owns the sets of bytes that the parts of an HTTP/1.1 head may consist of where nobody has to look twice:
// what RFC 9110 section 5 and RFC 9112 section 3 allow, or less.
package octets

import "strings"

// A Set is a set of bytes.
type Set [256]bool

// The sets.
var (
	Token  = where(func(b byte) bool { return alphanumeric(b) || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0 }) // names of fields
	Host   = where(func(b byte) bool { return alphanumeric(b) || strings.IndexByte("-._:[]", b) >= 0 })          // of what http.Transport does not rewrite
	Value  = where(func(b byte) bool { return b >= ' ' && b != 0x7f || b == '\t' })                              // of a field, obs-text included
	Target = where(func(b byte) bool { return b > ' ' && b != 0x7f })
)

// All says whether s consists of them alone.
func (set *Set) All(s string) bool {
	for i := range len(s) {
		if !set[s[i]] {
			return false
		}
	}
	return true
}

func alphanumeric(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}

func where(in func(byte) bool) *Set {
	var set Set
	for b := range set {
		set[b] = in(byte(b))
	}
	return &set
}
