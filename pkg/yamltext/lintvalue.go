package yamltext

import "bytes"

// longestKey stays below the 1024 characters that YAML allows for a key.
const longestKey = 1000

// keyEnd returns the offset of the ":" behind the key that s begins with, or -1.
func keyEnd(s []byte) int {
	i := 0
	switch c := s[0]; {
	case c == '"' || c == '\'':
		end := quotedEnd(s)
		if end < 0 || end >= len(s) || end > longestKey || s[end] != ':' || end+1 < len(s) && s[end+1] != ' ' {
			return -1
		}
		return end
	case !plainStart(s):
		return -1
	}
	for {
		j := bytes.IndexByte(s[i:], ':')
		if j < 0 {
			return -1
		}
		i += j
		if i+1 == len(s) || s[i+1] == ' ' {
			break
		}
		i++
	}
	if i > longestKey || bytes.Contains(s[:i], commentStart) {
		return -1
	}
	return i
}

var commentStart = []byte(" #")

// plainStart reports whether plain text may begin like s; it refuses more than YAML does.
func plainStart(s []byte) bool {
	switch s[0] {
	case ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`':
		return false
	case '-', '?', ':':
		return len(s) > 1 && s[1] != ' '
	}
	return true
}

// plainText reports whether s is plain text to the end of its line. It refuses what looks like a key, and comments
// unless last says that no further line will follow.
func plainText(s []byte, last bool) bool {
	if i := bytes.Index(s, commentStart); i >= 0 {
		if !last {
			return false
		}
		s = s[:i]
	}
	for i := 0; ; i++ {
		j := bytes.IndexByte(s[i:], ':')
		if j < 0 {
			return true
		}
		if i += j; i+1 == len(s) || s[i+1] == ' ' {
			return false
		}
	}
}

// openQuote and badQuote say why quotedEnd found no end.
const (
	openQuote = -1
	badQuote  = -2
)

// quotedLines reads the further lines of a quoted scalar up to the one that closes it.
func (l *linter) quotedLines(q byte) bool {
	for l.p < len(l.raw) {
		line := l.line()
		if bytes.HasPrefix(line, []byte("---")) || bytes.HasPrefix(line, []byte("...")) {
			return false
		}
		switch end := quoteTail(line, q, 0); {
		case end > 0:
			return rest(line[end:])
		case end == badQuote:
			return false
		}
	}
	return false
}

// quotedEnd returns the offset behind the closing quote of s, which begins with a quote.
func quotedEnd(s []byte) int { return quoteTail(s, s[0], 1) }

// quoteTail looks for the closing quote q from i on.
func quoteTail(s []byte, q byte, i int) int {
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && q == '"':
			i++
			if i == len(s) || bytes.IndexByte(plainEscapes, s[i]) < 0 {
				return badQuote
			}
		case c == q && q == '\'' && i+1 < len(s) && s[i+1] == q:
			i++
		case c == q:
			return i + 1
		}
	}
	return openQuote
}

var plainEscapes = []byte(`nrt"\0abefv `)

// rest reports whether only blanks or a comment follow.
func rest(s []byte) bool {
	i := indentation(s)
	return i == len(s) || i > 0 && s[i] == '#'
}

// value reads what stands behind a key or a dash.
func (l *linter) value(s []byte) bool {
	switch s[0] {
	case '|', '>':
		return l.blockScalar(s)
	case '"', '\'':
		end := quotedEnd(s)
		return end > 0 && rest(s[end:]) || end == openQuote && l.quotedLines(s[0])
	case '[', '{':
		end := flowEnd(s, 0)
		return end > 0 && rest(s[end:])
	}
	if !plainStart(s) || !plainText(s, true) {
		return false
	}
	l.plain = !bytes.Contains(s, commentStart)
	return true
}

// flowEnd returns the offset behind the brackets that s begins with, or -1 when they hold anything unusual.
func flowEnd(s []byte, depth int) int {
	shut := byte(']')
	if s[0] == '{' {
		shut = '}'
	}
	i := 1 + indentation(s[1:])
	if i < len(s) && s[i] == shut {
		return i + 1
	}
	for i < len(s) && depth < 8 {
		if shut == '}' {
			if i = flowScalar(s, i); i < 0 || i+1 >= len(s) || s[i] != ':' || s[i+1] != ' ' {
				return -1
			}
			i += 1 + indentation(s[i+1:])
		}
		if i < len(s) && (s[i] == '[' || s[i] == '{') {
			end := flowEnd(s[i:], depth+1)
			if end < 0 {
				return -1
			}
			i += end
		} else if i = flowScalar(s, i); i < 0 {
			return -1
		}
		i += indentation(s[i:])
		switch {
		case i < len(s) && s[i] == shut:
			return i + 1
		case i < len(s) && s[i] == ',':
			i += 1 + indentation(s[i+1:])
		default:
			return -1
		}
	}
	return -1
}

// flowScalar returns the end of a quoted string or of a word of letters, digits and a few harmless signs at i.
func flowScalar(s []byte, i int) int {
	if i < len(s) && (s[i] == '"' || s[i] == '\'') {
		end := quotedEnd(s[i:])
		if end < 0 {
			return -1
		}
		return i + end
	}
	start := i
	for i < len(s) {
		c := s[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '/' || c == '-' && i > start {
			i++
			continue
		}
		break
	}
	if i == start {
		return -1
	}
	return i
}

// blockScalar reads the lines of a literal or folded scalar whose header is s.
func (l *linter) blockScalar(s []byte) bool {
	i, indent := 1, 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	if i < len(s) && s[i] >= '1' && s[i] <= '9' {
		indent = l.top() + int(s[i]-'0')
		i++
	}
	if !rest(s[i:]) {
		return false
	}
	widest := l.top() + 1
	for l.p < len(l.raw) {
		start := l.p
		line := l.line()
		if indent > 0 && indent <= len(lintSpaces) && bytes.HasPrefix(line, lintSpaces[:indent]) {
			continue
		}
		n := indentation(line)
		switch {
		case n == len(line):
			widest = max(widest, n)
		case line[n] == '\t' && (indent == 0 || n < indent):
			return false
		case indent == 0:
			if indent = max(widest, n); n < indent {
				l.p = start
				return true
			}
		case n < indent:
			l.p = start
			return true
		}
	}
	return true
}

var lintSpaces = []byte(manySpaces)
