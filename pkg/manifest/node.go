package manifest

import (
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Resolve follows aliases to the node that they stand for; nil stays nil.
func Resolve(n *yaml.Node) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.AliasNode && i < 100; i++ {
		n = n.Alias
	}
	return n
}

// Field returns the node that a path of mapping keys leads to, or nil. It follows aliases and merge keys (<<), so
// what it returns may be shared; see OwnField for editing.
func Field(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		n = child(Resolve(n), key, 0)
		if n == nil {
			return nil
		}
	}
	return Resolve(n)
}

func child(n *yaml.Node, key string, depth int) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode || depth > 20 {
		return nil
	}
	var merged *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Value == key && k.Kind == yaml.ScalarNode {
			return n.Content[i+1]
		}
		if k.Tag == yaml.MergeTag {
			merged = Resolve(n.Content[i+1])
		}
	}
	if merged == nil {
		return nil
	}
	if merged.Kind == yaml.SequenceNode {
		for _, m := range merged.Content {
			if v := child(Resolve(m), key, depth+1); v != nil {
				return v
			}
		}
		return nil
	}
	return child(merged, key, depth+1)
}

// String returns the scalar that a path of mapping keys leads to, "" where there is none.
func String(n *yaml.Node, path ...string) string {
	v := Field(n, path...)
	if v == nil || v.Kind != yaml.ScalarNode || v.Tag == yaml.NodeTagNull {
		return ""
	}
	return v.Value
}

// Int returns the whole number that a path of mapping keys leads to, not ok where there is none. Only plain decimals
// count: YAML 1.1, which Kubernetes reads, and YAML 1.2 differ on 0120, 0x50, 8_0 and 1e2.
func Int(n *yaml.Node, path ...string) (int, bool) { return Decimal(String(n, path...)) }

// Decimal reads a number that is written in decimal digits alone, without a leading zero.
func Decimal(text string) (int, bool) {
	if text == "" || len(text) > 1 && text[0] == '0' || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	v, err := strconv.Atoi(text)
	return v, err == nil
}

// Bool says whether the path leads to true, in any spelling that YAML 1.1, which Kubernetes reads, takes for it.
func Bool(n *yaml.Node, path ...string) bool {
	switch strings.ToLower(String(n, path...)) {
	case "true", "yes", "on", "y":
		return true
	default:
		return false
	}
}

// Items returns the items of the sequence that a path of mapping keys leads to, aliases followed.
func Items(n *yaml.Node, path ...string) []*yaml.Node {
	v := Field(n, path...)
	if v == nil || v.Kind != yaml.SequenceNode {
		return nil
	}
	items := make([]*yaml.Node, len(v.Content))
	for i, item := range v.Content {
		items[i] = Resolve(item)
	}
	return items
}

// Map returns the string entries of the mapping that a path of mapping keys leads to; nil where there is none.
func Map(n *yaml.Node, path ...string) map[string]string {
	v := Field(n, path...)
	if v == nil || v.Kind != yaml.MappingNode {
		return nil
	}
	m := make(map[string]string, len(v.Content)/2)
	for i := 0; i+1 < len(v.Content); i += 2 {
		if v.Content[i].Tag == yaml.MergeTag {
			for key, value := range mergedMap(v.Content[i+1]) {
				if _, own := m[key]; !own {
					m[key] = value
				}
			}
			continue
		}
		if value := Resolve(v.Content[i+1]); value != nil && value.Kind == yaml.ScalarNode {
			m[v.Content[i].Value] = textOf(value)
		}
	}
	return m
}

// textOf is a scalar as the API reads it where it wants text: null is the empty string.
func textOf(n *yaml.Node) string {
	if n.Tag == yaml.NodeTagNull {
		return ""
	}
	return n.Value
}

func mergedMap(n *yaml.Node) map[string]string {
	n = Resolve(n)
	if n == nil || n.Kind != yaml.SequenceNode {
		return Map(n)
	}
	m := map[string]string{}
	for _, item := range n.Content {
		for key, value := range Map(item) {
			if _, own := m[key]; !own {
				m[key] = value
			}
		}
	}
	return m
}

// At returns what stands at a path of keys and numbers of items, nil where there is nothing. It follows aliases and merge
// keys, so what it returns is for reading; see the function At for editing.
func (o *Object) At(field Path) *yaml.Node {
	n := o.Node
	for _, step := range field {
		switch s := step.(type) {
		case string:
			n = Field(n, s)
		case int:
			items := Items(n)
			if s >= len(items) {
				return nil
			}
			n = items[s]
		}
	}
	return n
}

// TextAt returns the scalar at a path, aliases followed; "" where there is none.
func (o *Object) TextAt(field Path) string { return String(o.At(field)) }

// HasAt says whether something stands at a path.
func (o *Object) HasAt(field Path) bool { return o.At(field) != nil }
