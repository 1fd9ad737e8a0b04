package yamltext

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// plainEnd finds the end of the plain scalar at p. Folding changes white space only, so the other characters of the
// value lead the way, whatever the indentation around it.
func (t text) plainEnd(p int, value string) (int, bool) {
	v := text(value)
	for i := 0; i < len(v); {
		if w := v.brk(i); w > 0 || v.blank(i) {
			i += max(w, 1)
			continue
		}
		for p < len(t) {
			w := t.brk(p)
			if w == 0 && !t.blank(p) {
				break
			}
			p += max(w, 1)
		}
		if p >= len(t) || t[p] != v[i] {
			return p, false
		}
		p++
		i++
	}
	return p, true
}

// quotedEnd finds the end of the quoted scalar at p, behind its closing quote.
func (t text) quotedEnd(p int) (int, bool) {
	q := t[p]
	for p++; p < len(t); p++ {
		switch {
		case t[p] == '\\' && q == '"':
			p++
		case t[p] == q && q == '\'' && t.at(p+1, q):
			p++
		case t[p] == q:
			return p + 1, true
		}
	}
	return p, false
}

// blockScalar describes the literal or folded scalar at some offset.
type blockScalar struct {
	marks  int // end of the header's indicators; blanks and a comment may follow
	indent int // column of its content
	end    int // end of its last line, without the line break; trailing blank lines only count with keep chomping
}

// blockScalarAt scans the block scalar at p, parent being the column of the block collection around it, -1 for none.
// It follows yaml_parser_scan_block_scalar, so that both agree on odd indentation.
func (t text) blockScalarAt(p, parent int) blockScalar {
	var b blockScalar
	keep, inc := false, 0
	for p++; p < len(t) && strings.IndexByte("+-0123456789", t[p]) >= 0; p++ {
		if t[p] == '+' {
			keep = true
		} else if t[p] != '-' {
			inc = int(t[p] - '0')
		}
	}
	b.marks = p
	b.end = t.eol(p)
	p = t.next(p)
	b.indent = max(parent, 0) + inc
	if inc == 0 {
		b.indent = t.detectIndent(p, parent)
	}
	for p < len(t) {
		q := p
		for q < len(t) && q-p < b.indent && t[q] == ' ' {
			q++
		}
		switch {
		case q >= len(t):
			return b
		case t.brk(q) > 0:
			if keep {
				b.end = q
			}
		case q-p == b.indent:
			b.end = t.eol(q)
		default:
			return b
		}
		p = t.next(q)
	}
	return b
}

func (t text) detectIndent(p, parent int) int {
	widest := 0
	for {
		q := p
		for t.at(q, ' ') {
			q++
		}
		widest = max(widest, q-p)
		b := t.brk(q)
		if b == 0 {
			return max(widest, parent+1, 1)
		}
		p = q + b
	}
}

// anchorEnd finds the end of the anchor or alias at p.
func (t text) anchorEnd(p int, name string) (int, bool) {
	end := p + 1 + len(name)
	return end, end <= len(t) && string(t[p+1:end]) == name
}

// tagEnd finds the end of the tag at p.
func (t text) tagEnd(p int, flow bool) int {
	if t.at(p+1, '<') {
		for p < len(t) && t[p] != '>' {
			p++
		}
		return min(p+1, len(t))
	}
	for !t.blankz(p) && !(flow && strings.IndexByte(",[]{}", t[p]) >= 0) {
		p++
	}
	return p
}

// scalarEnd finds the end of the scalar content at p.
func (t text) scalarEnd(p int, n *yaml.Node, parent int) (int, bool) {
	switch {
	case p >= len(t):
		return p, false
	case n.Style&inQuotes != 0:
		if t[p] != '"' && t[p] != '\'' {
			return p, false
		}
		return t.quotedEnd(p)
	case n.Style&asLines != 0:
		if t[p] != '|' && t[p] != '>' {
			return p, false
		}
		return t.blockScalarAt(p, parent).end, true
	}
	return t.plainEnd(p, n.Value)
}
