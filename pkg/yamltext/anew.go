package yamltext

import "sigs.k8s.io/kustomize/kyaml/yaml"

// anew puts another block mapping altogether, and not an edit of this one, in the place of v: all between its first entry
// and its last goes, so that what stood there can be put back.
func (m *merger) anew(v, w *yaml.Node) {
	s := m.spans[v]
	m.edits.replace(s.entries[0].start, s.end, m.blockText(bareEnd(w), s.col))
}

// bareEnd returns w without the comment behind its last value: the one that stands there stays where it is.
func bareEnd(w *yaml.Node) *yaml.Node {
	w = Clone(w)
	n := w
	for isCollection(n) && len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	n.LineComment = ""
	return w
}
