package yamltext

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// base60 and date are read as numbers and times by YAML 1.1 parsers, though yaml.v3 reads strings.
var (
	base60 = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$`)
	date   = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?$`)
	number = regexp.MustCompile(`^[-+]?[0-9.][0-9_,.]*(?:[eE][-+]?[0-9]*)?$`)
)

// old11 reports words that YAML 1.1 reads as something other than a string.
func old11(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "=", "<<", ".nan", ".inf", "-.inf", "+.inf":
		return true
	}
	return base60.MatchString(s) || date.MatchString(s) || number.MatchString(s) && !strings.Contains(strings.Trim(s, "."), "..") && strings.Count(s, ".") < 2
}

// plainWord reports whether s, written without quotes, is read as s by the scanner, whatever type it then has.
func plainWord(s string, flow bool) bool {
	if s == "" || !printable(s) || strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") {
		return false
	}
	first, last := s[0], s[len(s)-1]
	if strings.IndexByte(" ,[]{}#&*!|>'\"%@`", first) >= 0 || last == ' ' || last == ':' {
		return false
	}
	if strings.IndexByte("-?:", first) >= 0 && (len(s) == 1 || s[1] == ' ' || flow) {
		return false
	}
	if strings.Contains(s, ": ") || strings.Contains(s, " #") {
		return false
	}
	return !flow || !strings.ContainsAny(s, ",[]{}?:#")
}

// printable reports whether s can stand on one line without escapes.
func printable(s string) bool {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r < 0x20 || r == 0x7f || r == utf8.RuneError && size == 1 || escaped(r) {
			return false
		}
		i += size
	}
	return true
}

// escaped reports characters outside ASCII that need an escape in a double-quoted string.
func escaped(r rune) bool {
	return r >= 0x80 && (r < 0xA0 || r == 0x2028 || r == 0x2029 || r == 0xFEFF || r == 0xFFFE || r == 0xFFFF || !utf8.ValidRune(r) ||
		unicode.Is(unicode.Cf, r))
}

// doubleQuoted writes s as a string that JSON and YAML read alike.
func doubleQuoted(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r > 0xFFFF && escaped(r):
			fmt.Fprintf(&b, `\U%08X`, r)
		case r < 0x20 || r == 0x7f || escaped(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func singleQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// literalFits reports whether s can be written as "|" or "|-" without an indentation indicator.
func literalFits(s string) bool {
	if !strings.Contains(s, "\n") || strings.HasSuffix(s, "\n\n") || strings.TrimSpace(s) == "" {
		return false
	}
	if first := s[0]; first == ' ' || first == '\t' || first == '\n' {
		return false
	}
	for line := range strings.SplitSeq(s, "\n") {
		if line != "" && !printable(strings.ReplaceAll(line, "\t", "")) {
			return false
		}
	}
	return true
}

// literal writes s as a block scalar whose lines stand at column indent; the last line has no line break.
func literal(s string, indent int, eol string) string {
	var b strings.Builder
	if strings.HasSuffix(s, "\n") {
		b.WriteByte('|')
		s = s[:len(s)-1]
	} else {
		b.WriteString("|-")
	}
	for line := range strings.SplitSeq(s, "\n") {
		b.WriteString(eol)
		if line != "" {
			b.WriteString(spaces(indent))
			b.WriteString(line)
		}
	}
	return b.String()
}

// resolved returns the tag that yaml.v3 gives the word s when it stands there without quotes.
func resolved(s string) string {
	n := yaml.Node{Kind: yaml.ScalarNode, Value: s}
	return n.ShortTag()
}

// inline writes a scalar on one line, in its own style where that is possible.
func inline(n *yaml.Node, flow, json bool) (string, error) {
	if !utf8.ValidString(n.Value) {
		return "", fmt.Errorf("the new value is not UTF-8")
	}
	tag := n.ShortTag()
	prefix := ""
	if n.Style&yaml.TaggedStyle != 0 || tag != resolved(n.Value) && tag != "!!str" {
		prefix = tag + " "
	}
	if n.Style&yaml.TaggedStyle == 0 && prefix != "" && (json || tag == "!!int" || tag == "!!bool" || tag == "!!null" || tag == "!!timestamp") {
		return "", fmt.Errorf("the new value is not a %s", strings.TrimPrefix(tag, "!!"))
	}
	if n.Style&yaml.TaggedStyle != 0 && tag == "!!str" && n.Style&notPlain == 0 && plainWord(n.Value, flow) {
		return prefix + n.Value, nil
	}
	switch {
	case json:
		return prefix + jsonScalar(n, tag), nil
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return prefix + doubleQuoted(n.Value), nil
	case n.Style&yaml.SingleQuotedStyle != 0 && printable(n.Value):
		return prefix + singleQuoted(n.Value), nil
	case n.Value == "" && tag == "!!null":
		if flow {
			return prefix + "null", nil
		}
		return strings.TrimSpace(prefix), nil
	case n.Style&notPlain == 0 && plainWord(n.Value, flow) && (tag != "!!str" || resolved(n.Value) == "!!str" && !old11(n.Value)):
		return prefix + n.Value, nil
	}
	return prefix + doubleQuoted(n.Value), nil
}

// jsonScalar writes a scalar as JSON does; what has no JSON form becomes a string, and the check of the result decides.
func jsonScalar(n *yaml.Node, tag string) string {
	switch tag {
	case "!!null":
		return "null"
	case "!!bool":
		return strings.ToLower(n.Value)
	case "!!int", "!!float":
		if _, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return n.Value
		}
	}
	return doubleQuoted(n.Value)
}

const manySpaces = "                                                                "

func spaces(n int) string {
	if n <= len(manySpaces) {
		return manySpaces[:max(n, 0)]
	}
	return strings.Repeat(" ", n)
}
