package yamltext

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// value compares the values of one block entry whose key or dash stands at column col.
func (m *merger) value(e entry, v, w *yaml.Node, col int, keyed bool) {
	if m.retained(v, w, !m.reversible(e, v, keyed)) {
		return
	}
	if isFlow(v) && w.Line != 0 && isFlow(w) && v.Kind == w.Kind {
		u := *w // "{}" which got entries becomes a block
		u.Style &^= yaml.FlowStyle
		w = &u
	}
	if keyed && !e.colon && !emptyScalar(w) {
		m.refuse(`a key without ":" cannot get a value in place`, v)
		return
	}
	switch {
	case isCollection(v) && !isFlow(v):
		m.shrink(e, v, w, col, keyed)
	case block(w):
		m.grow(e, v, w, col, keyed)
	default:
		m.swap(e, v, w, col)
	}
}

// behind returns the place behind which the value proper of e goes: its anchor and tag, or the ":" or "-".
func (m *merger) behind(e entry, s *span) int {
	if s.props > s.start {
		return s.props
	}
	return e.sep
}

// reversible reports whether an empty collection can become a block and later be put back as it was.
func (m *merger) reversible(e entry, v *yaml.Node, keyed bool) bool {
	t, s := m.text, m.spans[v]
	a := m.behind(e, s)
	if !isCollection(v) || s.end-s.body != 2 || e.explicit || s.body-a < 1 || !t.sameLine(e.sep, s.end) {
		return false
	}
	if keyed {
		return string(t[a:s.body]) == " "
	}
	return s.props == s.start && t.eol(s.end) == s.end
}

// grow turns an empty value, a scalar or something in brackets into a block collection.
func (m *merger) grow(e entry, v, w *yaml.Node, col int, keyed bool) {
	t, s := m.text, m.spans[v]
	head := properties(w)
	if head != "" {
		head = " " + head
	}
	bare := s.end > s.start || t.eol(e.sep) == e.sep // else a comment behind the dash keeps its line
	if !keyed && head == "" && s.props == s.start && bare {
		if s.end == s.start {
			m.edits.insert(e.sep, " "+m.blockText(w, col+2))
			return
		}
		m.edits.replace(s.start, s.end, m.blockText(w, t.column(s.start)))
		return
	}
	at := col + m.style.step
	if w.Kind == yaml.SequenceNode && keyed && !e.explicit {
		at = col + m.style.seqStep
	}
	lines := spaces(at) + m.blockText(w, at) + m.style.eol
	switch {
	case s.end == s.start:
		m.edits.insert(e.sep, head)
		m.edits.insert(t.next(e.sep), lines)
	case t.sameLine(e.sep, s.start) && s.props > s.start && v.Anchor == w.Anchor && v.Style&yaml.TaggedStyle == w.Style&yaml.TaggedStyle:
		m.edits.remove(s.props, s.end)
		m.edits.insert(t.next(s.end), lines)
	case t.sameLine(e.sep, s.start):
		m.edits.replace(e.sep, s.end, head)
		m.edits.insert(t.next(s.end), lines)
	default:
		m.edits.insert(e.sep, head)
		m.edits.replace(t.bol(s.start), t.next(s.end), lines)
	}
}

// shrink turns a block collection into something else, in the usual case "{}" or nothing.
func (m *merger) shrink(e entry, v, w *yaml.Node, col int, keyed bool) {
	t, s := m.text, m.spans[v]
	compact := !t.firstOnLine(s.entries[0].start)
	if block(w) {
		if at := col + m.style.step; keyed && w.Kind == yaml.MappingNode && s.col < at {
			from := t.bol(s.entries[0].start)
			m.edits.insert(from, spaces(at)+m.blockText(w, at)+m.style.eol)
			for _, e := range s.entries {
				m.dropLines(e)
			}
			return
		}
		m.replaceEntries(s, m.blockText(w, s.col))
		return
	}
	u := *w
	if v.Anchor == w.Anchor && s.props > s.start {
		u.Anchor = ""
		u.Style &^= yaml.TaggedStyle
	} else if s.props > s.start {
		m.edits.remove(s.start, s.props)
	}
	if strictlyLiteral(&u) {
		u.Style = yaml.DoubleQuotedStyle
	}
	put := m.valueText(&u, 0)
	if compact {
		m.replaceEntries(s, put)
		if put == "" {
			m.edits.remove(e.sep, s.start)
		}
		return
	}
	if put != "" {
		m.edits.insert(m.behind(e, s), " "+put)
	}
	for _, e := range s.entries {
		m.dropLines(e)
	}
}

// swap replaces a scalar or something in brackets by another such thing.
func (m *merger) swap(e entry, v, w *yaml.Node, col int) {
	t, s := m.text, m.spans[v]
	head, rest, _ := strings.Cut(m.valueText(w, col+m.style.step), m.style.eol)
	if rest != "" {
		rest = m.style.eol + rest
	}
	switch {
	case s.end == s.start:
		if head != "" {
			m.edits.insert(e.sep, " "+head)
		}
		m.edits.insert(t.eol(e.sep), rest)
	case head == "" && t.sameLine(e.sep, s.start):
		m.edits.remove(e.sep, m.headEnd(v, s))
		m.edits.remove(t.eol(s.start), s.end)
	case head == "":
		m.edits.remove(t.bol(s.start), t.next(s.end))
	case v.Style&asLines != 0:
		m.edits.replace(s.start, m.headEnd(v, s), head)
		m.edits.replace(t.eol(s.body), s.end, rest)
	default:
		m.edits.replace(s.start, s.end, head)
		m.edits.insert(t.eol(s.end), rest)
	}
}

// headEnd returns the end of a value's first part: of a block scalar its header without the comment, else all of it.
func (m *merger) headEnd(v *yaml.Node, s *span) int {
	if v.Style&asLines == 0 {
		return s.end
	}
	return m.text.blockScalarAt(s.body, s.parent).marks
}
