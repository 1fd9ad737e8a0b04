package yamltext

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// verbatimMark starts the FootComment of a node that Verbatim made. No parser gives a node such a comment, and no
// writer here prints one, so the source can travel there.
const verbatimMark = "\x00"

// Verbatim returns a new node for source: the text of one node as Source gives it, of a block collection with the blanks
// before its first line as well. Where such a node takes the place of another of its kind at the same column, Merge
// writes source itself, so that folding, escapes, comments and line breaks come back as they were. Empty source is a null
// without text.
func Verbatim(source string) (*yaml.Node, error) {
	doc, err := Parse([]byte(source + "\n")) // a block scalar's last line ends in the document that it stood in
	if err != nil {
		return nil, err
	}
	n := content(doc)
	if n == nil {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}, nil
	}
	forget(n)
	n.HeadComment, n.LineComment, n.FootComment = "", "", verbatimMark+source
	return n, nil
}

// forget makes a parsed node a new one.
func forget(n *yaml.Node) {
	n.Line, n.Column = 0, 0
	for _, c := range n.Content {
		forget(c)
	}
}

// verbatim returns the source of a node that Verbatim made.
func verbatim(n *yaml.Node) (string, bool) {
	return strings.CutPrefix(n.FootComment, verbatimMark)
}

// asBefore puts a collection that Verbatim made in the place of another of the same layout, and reports whether it did:
// a block collection whose lines stand at one column, or something in brackets.
func (m *merger) asBefore(v, w *yaml.Node) bool {
	source, ok := verbatim(w)
	if !ok || !isCollection(w) || v.Kind != w.Kind || len(v.Content) == 0 || len(w.Content) == 0 || isFlow(v) != isFlow(w) || properties(v)+properties(w) != "" {
		return false
	}
	s := m.spans[v]
	if isFlow(v) {
		m.edits.replace(s.start, s.end, source)
		return true
	}
	first := s.entries[0].start
	if !m.text.firstOnLine(first) || len(source)-len(strings.TrimLeft(source, " ")) != s.col {
		return false
	}
	m.edits.replace(m.text.bol(first), s.end, source)
	return true
}
