package ways

import (
	"bytes"
	"encoding/json"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// An item is one object and how it is written.
type item struct {
	o     Map
	style int
}

// The styles.
const (
	block    = iota
	indented // and with comments
	flow
	line // JSON
	pretty
	listed // in a List with its neighbours of that style
	styles
)

func (g *gen) style() int {
	if g.chance(0.6) {
		return block
	}
	return g.IntN(styles)
}

// render writes the items as a stream.
func render(items []item) []byte {
	var docs []string
	for i := 0; i < len(items); i++ {
		if items[i].style != listed {
			docs = append(docs, write(items[i]))
			continue
		}
		var list []any
		for ; i < len(items) && items[i].style == listed; i++ {
			list = append(list, items[i].o)
		}
		i--
		docs = append(docs, write(item{o: Map{"apiVersion": "v1", "kind": "List", "items": list}}))
	}
	return []byte(strings.Join(docs, "---\n"))
}

func write(it item) string {
	switch it.style {
	case line:
		text, _ := json.Marshal(it.o)
		return string(text) + "\n"
	case pretty:
		text, _ := json.MarshalIndent(it.o, "", "  ")
		return string(text) + "\n"
	case indented, flow:
		var n yamlv3.Node
		_ = n.Encode(it.o)
		restyle(&n, it.style)
		var b bytes.Buffer
		e := yamlv3.NewEncoder(&b)
		e.SetIndent(4)
		_ = e.Encode(&n)
		return "# Source: x/templates/y.yaml\n" + b.String()
	}
	text, _ := yaml.Marshal(it.o)
	return string(text)
}

// restyle puts comments at ports, or writes what lies deeper than three levels in flow style.
func restyle(n *yamlv3.Node, style int) {
	var walk func(n *yamlv3.Node, depth int)
	walk = func(n *yamlv3.Node, depth int) {
		if style == flow && depth == 2 && (n.Kind == yamlv3.MappingNode || n.Kind == yamlv3.SequenceNode) {
			n.Style |= yamlv3.FlowStyle
		}
		for i, c := range n.Content {
			if style == indented && c.Kind == yamlv3.ScalarNode && strings.Contains(strings.ToLower(c.Value), "port") && i%2 == 0 {
				n.Content[min(i+1, len(n.Content)-1)].LineComment = "# here"
			}
			walk(c, depth+1)
		}
	}
	walk(n, 0)
}
