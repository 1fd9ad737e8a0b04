package yamltext

import (
	"bytes"
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Merge returns raw with the differences between before and after written into it. before is the pristine parse of
// raw, after an edited Clone of it; both may be the DocumentNode or its content.
//
// A node of after with a Line is taken for the node of before at that place; a node without one is new. Comments on
// retained nodes are left as raw has them. The result is parsed again and compared with after: if it does not say
// exactly the same, Merge returns an error that names the path, and no text.
func Merge(raw []byte, before, after *yaml.Node) ([]byte, error) {
	v, w := content(before), content(after)
	if v == nil || w == nil {
		if v == w {
			return raw, nil
		}
		return nil, fmt.Errorf("document: cannot add to or empty a whole document")
	}
	out, err := merge(raw, v, w, false)
	if err == nil {
		return out, nil
	}
	if !endsLine(raw) {
		// Nothing ends the last line, so a block scalar there has no final line break until something follows it.
		if out, err := merge(raw, v, w, true); err == nil {
			return out, nil
		}
	}
	return nil, err
}

func endsLine(raw []byte) bool {
	return len(raw) > 0 && (raw[len(raw)-1] == '\n' || raw[len(raw)-1] == '\r')
}

// merge does the work of Merge. strip turns the block scalar at the very end of the text into one without a final line break.
func merge(raw []byte, v, w *yaml.Node, strip bool) ([]byte, error) {
	t := text(raw)
	eol := lineEnding(raw)
	if !endsLine(raw) {
		t = append(append(make(text, 0, len(raw)+2), raw...), eol...)
	}
	l, err := locate(t, v)
	if err != nil {
		return nil, err
	}
	m := &merger{layout: l, style: l.style(v, eol)}
	if strip {
		m.stripLast(v)
	}
	m.root(v, w)
	if m.err != nil {
		return nil, m.err
	}
	if len(m.edits) == 0 {
		return raw, nil
	}
	out, err := m.edits.apply(t)
	if err != nil {
		return nil, err
	}
	if !endsLine(raw) {
		out = bytes.TrimSuffix(out, []byte(eol))
	}
	doc, err := Parse(out)
	if err != nil {
		return nil, fmt.Errorf("the edited document would be broken: %w", err)
	}
	got := content(doc)
	if got == nil {
		got = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	if err := verify(w, got); err != nil {
		return nil, err
	}
	return out, nil
}

func lineEnding(raw []byte) string {
	switch i := bytes.IndexByte(raw, '\n'); {
	case i > 0 && raw[i-1] == '\r':
		return "\r\n"
	case i < 0 && bytes.IndexByte(raw, '\r') >= 0:
		return "\r"
	}
	return "\n"
}

// style finds out how the document indents.
func (l *layout) style(root *yaml.Node, eol string) style {
	var steps [9]int
	seqs := map[int]int{}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		s := l.spans[n]
		for i, c := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 1 && !isFlow(n) && isCollection(c) && !isFlow(c) {
				step := l.spans[c].col - s.col
				if c.Kind == yaml.SequenceNode {
					seqs[step]++
				} else if step < len(steps) && step > 0 {
					steps[step]++
				}
			}
			walk(c)
		}
	}
	walk(root)
	best := style{eol: eol, step: 2}
	for i, n := range steps {
		if n > steps[best.step] {
			best.step = i
		}
	}
	most := 0
	for i := range len(steps) {
		if seqs[i] > most {
			best.seqStep, most = i, seqs[i]
		}
	}
	return best
}

// merger collects the edits that lead from before to after.
type merger struct {
	*layout
	style style
	edits edits
	flow  *flowStyle // of the brackets around the present node, nil in block context
}

func (m *merger) refuse(what string, n *yaml.Node) {
	if m.err == nil {
		m.err = fmt.Errorf("line %d: %s", n.Line, what)
	}
}

// stripLast rewrites the header of the block scalar that ends the text.
func (m *merger) stripLast(root *yaml.Node) {
	n := root
	for isCollection(n) && len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	if n.Kind != yaml.ScalarNode || n.Style&asLines == 0 {
		return
	}
	s := m.spans[n]
	b := m.text.blockScalarAt(s.body, s.parent)
	for p := s.body + 1; p < b.marks; p++ {
		switch m.text[p] {
		case '-':
			return
		case '+':
			m.edits.replace(p, p+1, "-")
			return
		}
	}
	m.edits.insert(b.marks, "-")
}

func (m *merger) writer() *writer { return &writer{style: m.style} }

// done takes over what a writer wrote.
func (m *merger) done(w *writer) string {
	if w.err != nil && m.err == nil {
		m.err = fmt.Errorf("new node: %w", w.err)
	}
	return w.String()
}

// blockText writes a whole block collection at column col; the first line has no indentation.
func (m *merger) blockText(n *yaml.Node, col int) string {
	w := m.writer()
	w.entries(n, col)
	return m.done(w)
}

// valueText writes a value that is no block collection; the lines of a literal stand at column col.
func (m *merger) valueText(n *yaml.Node, col int) string {
	w := m.writer()
	w.WriteString(w.text(n, col))
	return m.done(w)
}

// root compares the top of the document.
func (m *merger) root(v, w *yaml.Node) {
	s := m.spans[v]
	if m.retained(v, w, true) {
		return
	}
	var put string
	switch {
	case !block(w):
		put = m.valueText(w, m.style.step)
	case m.text.firstOnLine(s.start):
		put = m.blockText(w, 0)
	default:
		put = m.style.eol + m.blockText(w, 0)
	}
	m.edits.replace(s.start, s.end, put)
}

// retained handles the cases in which v stays where it is, and reports whether it did. brackets says that entries
// added to an empty flow collection are to go between its brackets.
func (m *merger) retained(v, w *yaml.Node, brackets bool) bool {
	if m.asBefore(v, w) {
		return true
	}
	if v.Kind != w.Kind || v.Anchor != w.Anchor && v.Kind != yaml.AliasNode ||
		isCollection(v) && v.ShortTag() != w.ShortTag() {
		return false
	}
	switch {
	case v.Kind == yaml.AliasNode:
		return v.Value == w.Value
	case v.Kind == yaml.ScalarNode:
		return m.scalar(v, w)
	case len(v.Content) == 0 && len(w.Content) == 0:
	case isFlow(v):
		if len(v.Content) == 0 && !brackets {
			return false
		}
		m.brackets(v, w)
	case len(w.Content) == 0:
		return false
	case w.Line == 0 && block(w) && v.Kind == yaml.MappingNode:
		m.anew(v, w)
	default:
		m.block(v, w)
	}
	return true
}

// scalar changes a scalar in place. It leaves empty ones, and what is to become or stop being a block scalar, to the caller.
func (m *merger) scalar(v, w *yaml.Node) bool {
	if source, ok := verbatim(w); ok && source != "" && !emptyScalar(v) {
		m.edits.replace(m.spans[v].start, m.spans[v].end, source)
		return true
	}
	tag := w.ShortTag()
	restyled := w.Line != 0 && v.Style != w.Style
	if v.Value == w.Value && v.ShortTag() == tag && !restyled {
		return true
	}
	if emptyScalar(v) || emptyScalar(w) && tag == "!!null" || w.Style&yaml.TaggedStyle != v.Style&yaml.TaggedStyle ||
		v.Style&yaml.TaggedStyle != 0 && tag != v.ShortTag() {
		return false
	}
	s := m.spans[v]
	if v.Style&asLines != 0 && literalFits(w.Value) && tag == "!!str" {
		m.blockScalar(s, w)
		return true
	}
	if m.flow == nil && strictlyLiteral(w) {
		return false
	}
	u := *w
	if w.Line == 0 && w.Style&notPlain == 0 && tag == "!!str" && v.ShortTag() == "!!str" {
		u.Style |= v.Style & inQuotes
	}
	if u.Style&yaml.TaggedStyle != 0 {
		u.Style, u.Tag = u.Style&^yaml.TaggedStyle, "" // the tag stays where it is, before the value
	}
	put, err := inline(&u, m.flow != nil, m.flow != nil && m.flow.json)
	if err != nil {
		m.refuse(err.Error(), v)
	}
	m.edits.replace(s.body, s.end, put)
	return true
}

// strictlyLiteral reports whether a value is written as a block scalar in block context.
func strictlyLiteral(w *yaml.Node) bool {
	return w.Kind == yaml.ScalarNode && w.ShortTag() == "!!str" && w.Style&(inQuotes|yaml.TaggedStyle) == 0 && literalFits(w.Value)
}

// blockScalar replaces the lines of a block scalar; a comment behind the header stays.
func (m *merger) blockScalar(s *span, w *yaml.Node) {
	b := m.text.blockScalarAt(s.body, s.parent)
	body := literal(w.Value, b.indent, m.style.eol)
	head := 1
	if body[1] == '-' {
		head = 2
	}
	headEnd := m.text.eol(s.body)
	m.edits.replace(s.body, b.marks, body[:head])
	m.edits.replace(headEnd, s.end, body[head:])
}
