package manifest

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Path leads from an object to a field. A step is a string (the key of a mapping), an int (an index of a sequence) or
// a Named (the item of a sequence whose field "name" has that value).
type Path []any

// Named is the step to the item of a sequence whose field "name" has this value.
type Named string

// P makes a path of steps.
func P(steps ...any) Path { return steps }

// With returns a new path that goes on from p.
func (p Path) With(steps ...any) Path {
	return append(append(make(Path, 0, len(p)+len(steps)), p...), steps...)
}

var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// String prints the path as kubectl does: spec.rules[0].host, metadata.annotations["a.b/c"],
// spec.containers[name="web"].
func (p Path) String() string {
	var b strings.Builder
	for _, step := range p {
		switch s := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", s)
		case Named:
			fmt.Fprintf(&b, "[name=%q]", string(s))
		case string:
			switch {
			case !plainKey.MatchString(s):
				fmt.Fprintf(&b, "[%q]", s)
			case b.Len() > 0:
				b.WriteString("." + s)
			default:
				b.WriteString(s)
			}
		}
	}
	return b.String()
}

var pathStep = regexp.MustCompile(`^(?:\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d{1,9})\]|\[name=("(?:[^"\\]|\\.)*")\]|\[("(?:[^"\\]|\\.)*")\])`)

// ParsePath reads what String prints.
func ParsePath(text string) (Path, error) {
	var p Path
	for rest := text; rest != ""; {
		m := pathStep.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("%q is not the path of a field", text)
		}
		switch {
		case m[1] != "":
			p = append(p, m[1])
		case m[2] != "":
			i, err := strconv.Atoi(m[2])
			if err != nil {
				return nil, err
			}
			p = append(p, i)
		default:
			name, err := strconv.Unquote(m[3] + m[4])
			if err != nil {
				return nil, fmt.Errorf("%q is not the path of a field: %w", text, err)
			}
			if m[3] != "" {
				p = append(p, Named(name))
			} else {
				p = append(p, name)
			}
		}
		rest = rest[len(m[0]):]
	}
	if len(p) == 0 {
		return nil, fmt.Errorf("%q is not the path of a field", text)
	}
	return p, nil
}

// At returns the node that p leads to below n, nil where there is none. It does not follow aliases or merge keys:
// what it returns belongs to this place alone and may be edited.
func At(n *yaml.Node, p Path) *yaml.Node {
	for _, step := range p {
		i := index(n, step)
		if i < 0 {
			return nil
		}
		n = n.Content[i]
	}
	return n
}

// index returns the place in n.Content that a step leads to, or -1.
func index(n *yaml.Node, step any) int {
	if n == nil {
		return -1
	}
	switch s := step.(type) {
	case string:
		if n.Kind != yaml.MappingNode {
			return -1
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == s && n.Content[i].Kind == yaml.ScalarNode {
				return i + 1
			}
		}
	case int:
		if n.Kind == yaml.SequenceNode && s >= 0 && s < len(n.Content) {
			return s
		}
	case Named:
		if n.Kind != yaml.SequenceNode {
			return -1
		}
		for i, item := range n.Content {
			if name := At(item, P("name")); name != nil && name.Value == string(s) {
				return i
			}
		}
	}
	return -1
}

// Delete takes out the entry or item that p leads to, and says whether there was one.
func Delete(n *yaml.Node, p Path) bool {
	if len(p) == 0 {
		return false
	}
	parent := At(n, p[:len(p)-1])
	i := index(parent, p[len(p)-1])
	switch {
	case i < 0:
		return false
	case parent.Kind == yaml.MappingNode:
		parent.Content = append(parent.Content[:i-1:i-1], parent.Content[i+1:]...)
	default:
		parent.Content = append(parent.Content[:i:i], parent.Content[i+1:]...)
	}
	return true
}

// Put makes the mapping that p leads to, where it is missing or null, and sets key in it to value. An entry that is
// there keeps its place. It fails where something else than a mapping, or an alias, stands in the way.
func Put(n *yaml.Node, p Path, key string, value *yaml.Node) error {
	m, err := Ensure(n, p, yaml.MappingNode)
	if err != nil {
		return err
	}
	if i := index(m, key); i >= 0 {
		m.Content[i] = value
		return nil
	}
	m.Content = append(m.Content, Text(key), value)
	return nil
}

// Append adds an item to the sequence that p leads to, which it makes where it is missing or null.
func Append(n *yaml.Node, p Path, item *yaml.Node) error {
	s, err := Ensure(n, p, yaml.SequenceNode)
	if err != nil {
		return err
	}
	s.Content = append(s.Content, item)
	return nil
}

// Ensure returns the mapping or sequence that p leads to; missing and null ones are made, as new nodes.
func Ensure(n *yaml.Node, p Path, kind yaml.Kind) (*yaml.Node, error) {
	for i, step := range p {
		if err := editable(n, p[:i]); err != nil {
			return nil, err
		}
		at := index(n, step)
		want := yaml.MappingNode
		if i == len(p)-1 {
			want = kind
		}
		if at < 0 {
			key, isKey := step.(string)
			if !isKey || n.Kind != yaml.MappingNode {
				return nil, fmt.Errorf("%s: not there", p[:i+1])
			}
			if child(n, key, 0) != nil {
				return nil, fmt.Errorf("%s: comes from a YAML merge key (<<), and an entry beside it would take its place; write the value out", p[:i+1])
			}
			made := newCollection(want)
			n.Content = append(n.Content, Text(key), made)
			n = made
			continue
		}
		next := n.Content[at]
		switch {
		case next.Kind == yaml.AliasNode:
			return nil, fmt.Errorf("%s: a YAML alias (*%s), which cannot be edited in one place only; write the value out", p[:i+1], next.Value)
		case next.Anchor != "":
			return nil, editable(next, p[:i+1])
		case next.Kind == yaml.ScalarNode && next.Tag == yaml.NodeTagNull, next.Kind == want && len(next.Content) == 0 && next.Line > 0:
			// A new node, not the old one filled: undoing then means putting the old text back.
			next = newCollection(want)
			n.Content[at] = next
		case next.Kind != want && (i == len(p)-1 || next.Kind == yaml.ScalarNode):
			return nil, fmt.Errorf("%s: expected %s, found %s", p[:i+1], collectionName(want), kindName(next))
		}
		n = next
	}
	if err := editable(n, p); err != nil {
		return nil, err
	}
	if n.Kind != kind {
		return nil, fmt.Errorf("%s: expected %s, found %s", p, collectionName(kind), kindName(n))
	}
	return n, nil
}

// editable refuses a node that other places of the document may share.
func editable(n *yaml.Node, p Path) error {
	if n.Anchor == "" {
		return nil
	}
	text := fmt.Sprintf("has the YAML anchor &%s, so an edit here would be one wherever it is used; write the value out", n.Anchor)
	if len(p) == 0 {
		return errors.New(text)
	}
	return fmt.Errorf("%s: %s", p, text)
}

func newCollection(kind yaml.Kind) *yaml.Node {
	if kind == yaml.SequenceNode {
		return &yaml.Node{Kind: yaml.SequenceNode, Tag: yaml.NodeTagSeq}
	}
	return &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap}
}

func collectionName(kind yaml.Kind) string {
	if kind == yaml.SequenceNode {
		return "a sequence"
	}
	return "a mapping"
}

// Replace puts value where p leads to, and says whether there was something.
func Replace(n *yaml.Node, p Path, value *yaml.Node) bool {
	if len(p) == 0 {
		return false
	}
	parent := At(n, p[:len(p)-1])
	i := index(parent, p[len(p)-1])
	if i < 0 {
		return false
	}
	parent.Content[i] = value
	return true
}
