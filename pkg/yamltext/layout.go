package yamltext

import (
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// span says where a node stands in the text, as byte offsets.
type span struct {
	start   int // first byte, anchor and tag included
	props   int // end of anchor and tag; equal to start when there are none
	body    int // first byte behind anchor and tag
	end     int // just behind the last byte, without the line break
	col     int // of a block collection: the column of its entries
	braces  bool
	entries []entry // of a collection
	parent  int     // column of the innermost block collection around, -1 for none
}

// entry is one "key: value" or "- item".
type entry struct {
	start, keyEnd, sep, end int // sep is behind ":" or "-"; where there is none, the end of the key or the start of the item
	colon                   bool
	explicit                bool // began with "?"
}

// layout is the place of each node of a pristine tree.
type layout struct {
	text  text
	spans map[*yaml.Node]*span
	err   error
}

// locate walks the text and the tree side by side. It trusts the tree for the structure and the text for the places.
func locate(t text, root *yaml.Node) (*layout, error) {
	l := &layout{text: t, spans: make(map[*yaml.Node]*span, 256)}
	p := t.skip(0)
	for t.at(p, '%') && t.column(p) == 0 { // directives
		p = t.skip(t.next(p))
	}
	if t.marker(p, '-') {
		p += 3
	}
	end := l.node(root, p, -1, false)
	if l.err == nil {
		if p = t.skip(end); p < len(t) && !t.marker(p, '.') {
			l.fail(p, "text is left over behind the document")
		}
	}
	return l, l.err
}

// marker reports a "---" or "..." line at p.
func (t text) marker(p int, c byte) bool {
	return t.at(p, c) && t.at(p+1, c) && t.at(p+2, c) && t.blankz(p+3) && t.bol(p) == p
}

func (l *layout) fail(p int, what string) {
	if l.err == nil {
		line := 1
		for q := 0; q < p && q < len(l.text); q = l.text.next(q) {
			if l.text.next(q) <= p {
				line++
			}
		}
		l.err = fmt.Errorf("line %d: cannot edit this text in place: %s", line, what)
	}
}

// node locates n at or behind p and returns its end.
func (l *layout) node(n *yaml.Node, p, parent int, flow bool) int {
	s := &span{start: p, props: p, body: p, end: p, parent: parent}
	l.spans[n] = s
	if l.err != nil || emptyScalar(n) && n.Anchor == "" && n.Style&yaml.TaggedStyle == 0 {
		if q := l.text.skip(p); l.text.at(q, '!') && l.text.blankz(q+1) {
			l.fail(q, `cannot tell whose the tag "!" is`)
		}
		return p
	}
	s.start = l.text.skip(p)
	s.props, s.body = l.properties(n, s.start, flow)
	if emptyScalar(n) {
		s.body, s.end = s.props, s.props
		return s.end
	}
	ok := true
	switch n.Kind {
	case yaml.ScalarNode:
		s.end, ok = l.text.scalarEnd(s.body, n, parent)
	case yaml.AliasNode:
		s.end, ok = l.text.anchorEnd(s.body, n.Value)
	case yaml.MappingNode:
		l.mapping(n, s)
	case yaml.SequenceNode:
		l.sequence(n, s)
	default:
		ok = false
	}
	if !ok {
		l.fail(s.body, "the value was not found where it was expected")
	}
	return s.end
}

// properties moves over the anchor and tag that belong to n, and not over those of its first key.
func (l *layout) properties(n *yaml.Node, p int, flow bool) (props, body int) {
	t := l.text
	anchor := n.Anchor != "" && n.Kind != yaml.AliasNode
	tag := n.Style&yaml.TaggedStyle != 0
	own := n.Kind == yaml.ScalarNode || isCollection(n) && isFlow(n)
	props = p
	for {
		switch {
		case anchor && t.at(p, '&'):
			end, ok := t.anchorEnd(p, n.Anchor)
			if !ok {
				l.fail(p, "another anchor was expected")
			}
			props, anchor = end, false
		case t.at(p, '!') && (tag || own):
			// "!" alone leaves no trace in the tree, so it must stand right before what it belongs to.
			props = t.tagEnd(p, flow)
			if !tag && (emptyScalar(n) || !t.sameLine(props, t.skip(props))) {
				l.fail(p, `cannot tell whose the tag "!" is`)
			}
			tag, own = false, false
		default:
			return props, p
		}
		p = t.skip(props)
	}
}

func (l *layout) mapping(n *yaml.Node, s *span) {
	t := l.text
	s.entries = make([]entry, 0, len(n.Content)/2)
	flow, p, parent := isFlow(n), s.body, s.parent
	if !flow {
		s.col = t.column(p)
		parent = s.col
	} else if t.at(p, '{') {
		s.braces = true
		p++
	}
	for i := 0; i+1 < len(n.Content) && l.err == nil; i += 2 {
		p = t.skip(p)
		if s.braces && i > 0 && t.at(p, ',') {
			p = t.skip(p + 1)
		}
		e := entry{start: p}
		if t.at(p, '?') && (flow || t.blankz(p+1)) {
			e.explicit = true
			p++
		}
		e.keyEnd = l.node(n.Content[i], p, parent, flow)
		e.sep = e.keyEnd
		if q := t.skip(e.keyEnd); t.at(q, ':') {
			e.colon = true
			e.sep = q + 1
		} else if !flow && !e.explicit {
			l.fail(q, `":" was expected`)
		}
		e.end = l.node(n.Content[i+1], e.sep, parent, flow)
		s.entries = append(s.entries, e)
		p = e.end
	}
	s.end = p
	if s.braces {
		l.closing(s, p, '}')
	}
}

func (l *layout) sequence(n *yaml.Node, s *span) {
	t := l.text
	s.entries = make([]entry, 0, len(n.Content))
	flow, p, parent := isFlow(n), s.body, s.parent
	if flow {
		s.braces = true
		if !t.at(p, '[') {
			l.fail(p, `"[" was expected`)
		}
		p++
	} else {
		s.col = t.column(p)
		parent = s.col
	}
	for i, item := range n.Content {
		if l.err != nil {
			return
		}
		p = t.skip(p)
		if flow && i > 0 && t.at(p, ',') {
			p = t.skip(p + 1)
		}
		e := entry{start: p}
		if !flow {
			if !t.at(p, '-') {
				l.fail(p, `"-" was expected`)
			}
			p++
		}
		e.sep = p
		e.end = l.node(item, p, parent, flow)
		s.entries = append(s.entries, e)
		p = e.end
	}
	s.end = p
	if flow {
		l.closing(s, p, ']')
	}
}

func (l *layout) closing(s *span, p int, c byte) {
	t := l.text
	p = t.skip(p)
	if t.at(p, ',') {
		p = t.skip(p + 1)
	}
	if !t.at(p, c) {
		l.fail(p, fmt.Sprintf("%q was expected", c))
		return
	}
	s.end = p + 1
}
