package yamltext

import "sigs.k8s.io/kustomize/kyaml/yaml"

// Sources knows where each node of one document stands in its text.
type Sources struct {
	raw   []byte
	spans map[spot]*span
}

// spot is what a node has in common with itself in another parse of the same text.
type spot struct {
	line, column int
	kind         yaml.Kind
	value        string
}

// Find walks a document once. Where it is not well-formed, nothing is found in it.
func Find(raw []byte) *Sources {
	s := &Sources{raw: raw, spans: map[spot]*span{}}
	doc, err := Parse(raw)
	if err != nil || doc == nil {
		return s
	}
	l, err := locate(raw, content(doc))
	if err != nil {
		return s
	}
	for n, at := range l.spans {
		s.spans[spot{n.Line, n.Column, n.Kind, n.Value}] = at
	}
	return s
}

// Of returns the text of a node of a pristine parse of the document: a scalar with its quotes, a flow collection with
// its brackets, a block collection from its first to its last entry; anchor and tag included. It is nil when n cannot be
// found.
func (s *Sources) Of(n *yaml.Node) []byte {
	if n == nil {
		return nil
	}
	if at := s.spans[spot{n.Line, n.Column, n.Kind, n.Value}]; at != nil {
		return s.raw[at.start:at.end]
	}
	return nil
}
