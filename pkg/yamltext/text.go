package yamltext

import "unicode/utf8"

// text is the document with the few questions that YAML's scanner asks about it. Its line breaks are those of yaml.v3:
// LF, CR, CRLF and the three Unicode ones.
type text []byte

// brk returns the length of the line break at p, or 0.
func (t text) brk(p int) int {
	if p >= len(t) {
		return 0
	}
	switch t[p] {
	case '\n':
		return 1
	case '\r':
		if p+1 < len(t) && t[p+1] == '\n' {
			return 2
		}
		return 1
	case 0xC2:
		if p+1 < len(t) && t[p+1] == 0x85 {
			return 2
		}
	case 0xE2:
		if p+2 < len(t) && t[p+1] == 0x80 && (t[p+2] == 0xA8 || t[p+2] == 0xA9) {
			return 3
		}
	}
	return 0
}

func (t text) blank(p int) bool { return p < len(t) && (t[p] == ' ' || t[p] == '\t') }

// blankz reports a blank, a line break or the end.
func (t text) blankz(p int) bool { return p >= len(t) || t.blank(p) || t.brk(p) > 0 }

func (t text) at(p int, c byte) bool { return p < len(t) && t[p] == c }

func (t text) bom(p int) bool {
	return p+2 < len(t) && t[p] == 0xEF && t[p+1] == 0xBB && t[p+2] == 0xBF
}

// eol returns the offset of the break that ends the line of p, or the end of the text.
func (t text) eol(p int) int {
	for p < len(t) && t.brk(p) == 0 {
		p++
	}
	return p
}

// next returns the offset of the line after that of p.
func (t text) next(p int) int {
	p = t.eol(p)
	return p + t.brk(p)
}

// bol returns the offset at which the line of p begins; a leading byte order mark is no part of a line.
func (t text) bol(p int) int {
	for p > 0 {
		if c := t[p-1]; c == '\n' || c == '\r' || c == 0x85 && p > 1 && t[p-2] == 0xC2 ||
			(c == 0xA8 || c == 0xA9) && p > 2 && t[p-2] == 0x80 && t[p-3] == 0xE2 {
			return p
		}
		p--
	}
	if t.bom(0) {
		return 3
	}
	return 0
}

// column counts the characters before p on its line.
func (t text) column(p int) int { return utf8.RuneCount(t[t.bol(p):p]) }

// skip moves over blanks, line breaks and comments to the next token.
func (t text) skip(p int) int {
	for p < len(t) {
		switch b := t.brk(p); {
		case b > 0:
			p += b
		case t.blank(p):
			p++
		case t[p] == '#':
			p = t.eol(p)
		case t.bom(p):
			p += 3
		default:
			return p
		}
	}
	return p
}

// skipBlanks moves over blanks on one line.
func (t text) skipBlanks(p int) int {
	for t.blank(p) {
		p++
	}
	return p
}

// firstOnLine reports whether only blanks stand before p on its line.
func (t text) firstOnLine(p int) bool {
	for b := t.bol(p); b < p; b++ {
		if !t.blank(b) {
			return false
		}
	}
	return true
}

// onlySpace reports whether t[from:to] holds nothing but blanks and line breaks.
func (t text) onlySpace(from, to int) bool {
	for from < to {
		b := t.brk(from)
		if b == 0 {
			if !t.blank(from) {
				return false
			}
			b = 1
		}
		from += b
	}
	return true
}

// sameLine reports whether no line break stands in t[from:to].
func (t text) sameLine(from, to int) bool { return t.eol(from) >= to }
