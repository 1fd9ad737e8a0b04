// Package yamltext owns writing edits of a YAML tree back into the text it was parsed from, so that only the edited
// places differ: comments, blank lines, indentation, quotes, folds and line endings of everything else stay byte for byte.
//
// The way to use it is Parse, Clone, edit the clone, Merge. Taking out again what an earlier Merge put in gives the
// earlier bytes back. Lint answers cheaply whether a document that nobody wants to edit is well-formed.
package yamltext

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Parse reads the one document in raw and returns its DocumentNode, or nil when there is nothing but comments and
// markers. An error names the line, counted from 1. Text that is not UTF-8, and a second document, are errors too.
func Parse(raw []byte) (doc *yaml.Node, err error) {
	if err := checkBytes(raw); err != nil {
		return nil, err
	}
	defer func() {
		// yaml.v3 panics on a few malformed inputs instead of returning an error.
		if r := recover(); r != nil {
			doc, err = nil, fmt.Errorf("not well-formed YAML: %v", r)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var n yaml.Node
	if err := dec.Decode(&n); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, fmt.Errorf("not well-formed YAML: %w", err)
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, fmt.Errorf("not well-formed YAML: %w", err)
	default:
		return nil, &SecondDocumentError{second.Line}
	}
	if root := content(&n); root == nil || emptyScalar(root) && root.Anchor == "" && root.Style == 0 {
		return nil, nil
	}
	return &n, nil
}

// SecondDocumentError is the error of a text with more than the one document that is read.
type SecondDocumentError struct{ Line int }

func (e *SecondDocumentError) Error() string {
	return fmt.Sprintf("line %d: a second document begins; split the stream first", e.Line)
}

// checkBytes refuses what yaml.v3 would report without a line, or would read as UTF-16.
func checkBytes(raw []byte) error {
	line := 1
	for i := 0; i < len(raw); {
		c := raw[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '\n':
				line++
			case c < 0x20 && c != '\t' && c != '\r' || c == 0x7f:
				return fmt.Errorf("line %d: control character %U is not allowed in YAML", line, rune(c))
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && size == 1 {
			return fmt.Errorf("line %d: not UTF-8; save the file as UTF-8", line)
		}
		i += size
	}
	return nil
}

// Clone copies a tree: Line and Column stay, so that Merge recognises the nodes, and aliases point into the copy.
func Clone(n *yaml.Node) *yaml.Node {
	return clone(n, map[*yaml.Node]*yaml.Node{})
}

func clone(n *yaml.Node, seen map[*yaml.Node]*yaml.Node) *yaml.Node {
	if n == nil {
		return nil
	}
	if c, ok := seen[n]; ok {
		return c
	}
	c := new(yaml.Node)
	seen[n] = c
	*c = *n
	if n.Content != nil {
		c.Content = make([]*yaml.Node, len(n.Content))
		for i, child := range n.Content {
			c.Content[i] = clone(child, seen)
		}
	}
	c.Alias = clone(n.Alias, seen)
	return c
}

// content unwraps a DocumentNode; it returns nil for an empty one.
func content(n *yaml.Node) *yaml.Node {
	if n == nil || n.Kind != yaml.DocumentNode {
		return n
	}
	if len(n.Content) == 0 {
		return nil
	}
	return n.Content[0]
}

// Groups of styles that a scalar can have; one with none of them is plain.
var (
	inQuotes = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle
	asLines  = yaml.LiteralStyle | yaml.FoldedStyle
	notPlain = inQuotes | asLines
)

// emptyScalar reports whether a scalar takes no text of its own, as the value in "key:".
func emptyScalar(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&notPlain == 0
}

func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

func isCollection(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode
}
