package yamltext

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// Lint reports whether raw is certainly one well-formed document, or none, that Parse accepts. False means unsure:
// Parse has to decide. It knows the YAML that charts are made of, block collections, scalars on one line or as block
// scalars, plain text over several lines, and reads it some forty times faster than Parse.
func Lint(raw []byte) bool {
	ok, tabs := lintBytes(raw)
	if !ok {
		return false
	}
	l := linter{raw: raw, tabs: tabs}
	return l.document()
}

// lintBytes checks that the text is UTF-8 of ordinary characters, line breaks being LF, and says whether it has tabs.
func lintBytes(raw []byte) (ok, tabs bool) {
	const lo, hi = 0x0101010101010101, 0x8080808080808080
	p := 0
	for p < len(raw) {
		if p+8 <= len(raw) {
			// Eight bytes at once: a high bit is set where a byte is below 0x20, or 0x7f and above. Line feeds count as
			// printable: x^0x0a is zero for them.
			x := binary.LittleEndian.Uint64(raw[p:])
			low := (x - lo*0x20) & ^x
			feed := x ^ lo*'\n'
			isFeed := ^(((feed & ^uint64(hi)) + ^uint64(hi)) | feed) & hi
			if (low & ^isFeed | x | (x+lo))&hi == 0 {
				p += 8
				continue
			}
		}
		end := min(p+8, len(raw))
		for p < end {
			switch c := raw[p]; {
			case c >= 0x20 && c < 0x7f || c == '\n':
				p++
			case c == '\t':
				tabs = true
				p++
			case c < utf8.RuneSelf:
				return false, tabs
			default:
				r, size := utf8.DecodeRune(raw[p:])
				if r == utf8.RuneError && size == 1 || escaped(r) {
					return false, tabs
				}
				p += size
			}
		}
	}
	return true, tabs
}

const lintDepth = 64

type level struct {
	col int
	seq bool
}

// linter reads a document line by line; stack holds the open block collections.
type linter struct {
	raw     []byte
	tabs    bool
	p       int // start of the next line
	stack   [lintDepth]level
	depth   int
	pending bool // the last key or dash still waits for its value
	plain   bool // the last value was plain text, which may go on
	rooted  bool // the root collection has begun
}

// top returns the column of the innermost collection, -1 for none.
func (l *linter) top() int {
	if l.depth == 0 {
		return -1
	}
	return l.stack[l.depth-1].col
}

func (l *linter) push(col int, seq bool) bool {
	if l.depth == lintDepth {
		return false
	}
	l.stack[l.depth] = level{col, seq}
	l.depth++
	return true
}

// line returns the next line without its line feed.
func (l *linter) line() []byte {
	rest := l.raw[l.p:]
	i := bytes.IndexByte(rest, '\n')
	if i < 0 {
		l.p = len(l.raw)
		return rest
	}
	l.p += i + 1
	return rest[:i]
}

func (l *linter) document() bool {
	begun := false
	for l.p < len(l.raw) {
		line := l.line()
		n := indentation(line)
		if n == len(line) {
			continue
		}
		if l.tabs && bytes.IndexByte(line, '\t') >= 0 {
			return false
		}
		if line[n] == '#' {
			l.plain = false
			continue
		}
		if n == 0 && len(line) >= 3 && (line[0] == '-' || line[0] == '.') && line[1] == line[0] && line[2] == line[0] {
			if begun || string(line) != "---" {
				return false
			}
			begun = true
			continue
		}
		begun = true
		if l.plain && n > l.top() {
			if !plainText(line[n:], false) {
				return false
			}
			continue
		}
		if !l.structure(line, n) {
			return false
		}
	}
	return true
}

func indentation(line []byte) int {
	n := 0
	for n < len(line) && line[n] == ' ' {
		n++
	}
	return n
}

// structure reads a line that begins with a dash or a key.
func (l *linter) structure(line []byte, n int) bool {
	waiting := l.pending
	l.pending, l.plain = false, false
	for l.depth > 0 && l.top() > n {
		l.depth--
		waiting = false
	}
	if (line[n] == '{' || line[n] == '[') && waiting && n > l.top() {
		return l.value(line[n:]) // as in toYaml of something empty
	}
	dash := isDash(line[n:])
	if l.depth > 0 && l.top() == n {
		// A sequence may stand at the column of the key that it belongs to.
		switch open := l.stack[l.depth-1]; {
		case open.seq && !dash:
			l.depth--
			if l.depth == 0 || l.top() != n {
				return false
			}
		case !open.seq && dash:
			if !waiting || !l.push(n, true) {
				return false
			}
		}
	} else if l.rooted && !waiting || !l.push(n, dash) {
		return false
	}
	l.rooted = true
	for dash {
		n++
		n += indentation(line[n:])
		if n == len(line) || line[n] == '#' {
			l.pending = true
			return true
		}
		if dash = isDash(line[n:]); dash && !l.push(n, true) {
			return false
		}
	}
	return l.entry(line, n)
}

func isDash(s []byte) bool { return s[0] == '-' && (len(s) == 1 || s[1] == ' ') }

// entry reads "key: value", or behind a dash also a value alone.
func (l *linter) entry(line []byte, n int) bool {
	s := line[n:]
	end := keyEnd(s)
	if end < 0 {
		return l.stack[l.depth-1].seq && l.value(s)
	}
	if l.stack[l.depth-1].seq && !l.push(n, false) {
		return false
	}
	s = s[end+1:]
	i := indentation(s)
	if i == len(s) || s[i] == '#' && i > 0 {
		l.pending = true
		return true
	}
	return i > 0 && l.value(s[i:])
}
