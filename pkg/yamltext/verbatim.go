package yamltext

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// verbatimMark starts the FootComment of a node that Verbatim made. No parser gives a scalar such a comment, and no
// writer here prints one, so the source can travel there.
const verbatimMark = "\x00"

// Verbatim returns a new node for source: the text of one node as Source gives it, that is of a scalar, or of an empty
// or flow collection. Where such a scalar takes the place of another scalar, Merge writes source itself, so that folding,
// escapes and line breaks come back as they were. Empty source is a null without text.
func Verbatim(source string) (*yaml.Node, error) {
	doc, err := Parse([]byte(source + "\n")) // a block scalar's last line ends in the document that it stood in
	if err != nil {
		return nil, err
	}
	n := content(doc)
	if n == nil {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}, nil
	}
	if isCollection(n) && !isFlow(n) {
		return nil, fmt.Errorf("%q is not the text of one value", source)
	}
	forget(n)
	if n.Kind == yaml.ScalarNode {
		n.HeadComment, n.LineComment, n.FootComment = "", "", verbatimMark+source
	}
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
