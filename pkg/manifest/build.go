package manifest

import (
	"fmt"
	"slices"
	"strconv"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Text returns a new string node.
func Text(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: s}
}

// Number returns a new integer node.
func Number(n int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagInt, Value: strconv.Itoa(n)}
}

// Flag returns a new boolean node.
func Flag(b bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagBool, Value: strconv.FormatBool(b)}
}

// Mapping returns a new mapping of pairs: a string key, then its *yaml.Node, and so on. A nil node leaves its pair out.
func Mapping(pairs ...any) *yaml.Node {
	n := newCollection(yaml.MappingNode)
	for i := 0; i+1 < len(pairs); i += 2 {
		if value := pairs[i+1].(*yaml.Node); value != nil {
			n.Content = append(n.Content, Text(pairs[i].(string)), value)
		}
	}
	return n
}

// Sequence returns a new sequence of items.
func Sequence(items ...*yaml.Node) *yaml.Node {
	n := newCollection(yaml.SequenceNode)
	n.Content = append(n.Content, items...)
	return n
}

// OptionalText returns a new string node; nil for none.
func OptionalText(text string) *yaml.Node {
	if text == "" {
		return nil
	}
	return Text(text)
}

// TextMap is a mapping of texts, sorted by key; nil for none.
func TextMap(m map[string]string) *yaml.Node {
	if len(m) == 0 {
		return nil
	}
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var pairs []any
	for _, key := range keys {
		pairs = append(pairs, key, Text(m[key]))
	}
	return Mapping(pairs...)
}

// TextList is a list of texts; nil for none.
func TextList(texts []string) *yaml.Node {
	if len(texts) == 0 {
		return nil
	}
	list := Sequence()
	for _, text := range texts {
		list.Content = append(list.Content, Text(text))
	}
	return list
}

// MetadataBeside is the metadata of an object that is added for another: in its namespace, as far as that names one, and
// with the mark that Helm 4 put on it.
func MetadataBeside(o *Object, name string, labels map[string]string) *yaml.Node {
	var annotations *yaml.Node
	if file := String(o.Node, "metadata", "annotations", FilenameAnnotation); file != "" {
		annotations = Mapping(FilenameAnnotation, Text(file))
	}
	return Mapping("name", Text(name), "namespace", OptionalText(String(o.Node, "metadata", "namespace")),
		"labels", TextMap(labels), "annotations", annotations)
}

// Copy returns a new node of what n says, to be put elsewhere: aliases and merge keys written out, comments left behind.
func Copy(n *yaml.Node) *yaml.Node {
	n = Resolve(n)
	switch {
	case n == nil:
		return nil
	case n.Kind == yaml.SequenceNode:
		items := newCollection(yaml.SequenceNode)
		for _, item := range n.Content {
			items.Content = append(items.Content, Copy(item))
		}
		return items
	case n.Kind != yaml.MappingNode:
		return &yaml.Node{Kind: n.Kind, Tag: n.ShortTag(), Value: n.Value}
	}
	fields := newCollection(yaml.MappingNode)
	for _, key := range keysOf(n, 0) {
		fields.Content = append(fields.Content, Text(key), Copy(Field(n, key)))
	}
	return fields
}

// keysOf returns the keys of a mapping in their order, each once, those that merge keys bring included.
func keysOf(n *yaml.Node, depth int) []string {
	var keys []string
	add := func(more ...string) {
		for _, key := range more {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	n = Resolve(n)
	for i := 0; n != nil && i+1 < len(n.Content) && depth < 20; i += 2 {
		switch value := Resolve(n.Content[i+1]); {
		case n.Content[i].Tag != yaml.MergeTag:
			add(n.Content[i].Value)
		case value != nil && value.Kind == yaml.SequenceNode:
			for _, item := range value.Content {
				add(keysOf(item, depth+1)...)
			}
		default:
			add(keysOf(value, depth+1)...)
		}
	}
	return keys
}

// SetField sets key in a mapping to a scalar. One that exists keeps its place, its comments and its quotes. It fails
// where the value that exists is an alias, or no scalar.
func SetField(mapping *yaml.Node, key string, value *yaml.Node) error {
	old := At(mapping, P(key))
	switch {
	case old == nil:
		mapping.Content = append(mapping.Content, Text(key), value)
		return nil
	case old.Kind == yaml.AliasNode:
		return fmt.Errorf("%s: a YAML alias (*%s), which cannot be edited in one place only; write the value out", P(key), old.Value)
	case old.Anchor != "":
		return editable(old, P(key))
	case old.Kind != yaml.ScalarNode:
		return fmt.Errorf("%s: expected a plain value, found %s", P(key), kindName(old))
	case old.Value == value.Value && old.Tag == value.Tag:
		return nil
	}
	old.Value, old.Tag = value.Value, value.Tag
	if old.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || value.Tag != yaml.NodeTagString {
		old.Style = 0
	}
	return nil
}
