package yamltext

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// style is how a document is written, so that new text looks like its neighbours.
type style struct {
	eol     string
	step    int // columns that a mapping stands right of its key
	seqStep int // columns that a sequence stands right of its key
}

// flowStyle is how one flow collection is written.
type flowStyle struct {
	json   bool
	colon  string
	comma  string
	indent int // of its entries; 0 when it stands on one line
	step   int
}

// writer writes new nodes. The first error stays in err.
type writer struct {
	strings.Builder
	style style
	err   error
}

func (w *writer) newline(col int) {
	w.WriteString(w.style.eol)
	w.WriteString(spaces(col))
}

func (w *writer) scalar(n *yaml.Node, flow, json bool) {
	s, err := inline(n, flow, json)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.WriteString(s)
}

// properties returns the anchor and the tag of a node; a scalar's tag is written with its value.
func properties(n *yaml.Node) string {
	var p []string
	if n.Anchor != "" && n.Kind != yaml.AliasNode {
		p = append(p, "&"+n.Anchor)
	}
	if isCollection(n) && n.Style&yaml.TaggedStyle != 0 {
		p = append(p, n.ShortTag())
	}
	return strings.Join(p, " ")
}

func (w *writer) properties(n *yaml.Node) {
	if p := properties(n); p != "" {
		w.WriteString(p + " ")
	}
}

// block reports whether n is written as block lines, rather than as text behind its key.
func block(n *yaml.Node) bool {
	return isCollection(n) && len(n.Content) > 0 && !isFlow(n)
}

// entries writes the entries of a block collection at column col. The first one goes where the text stands now.
func (w *writer) entries(n *yaml.Node, col int) {
	stride := stride(n)
	for i := 0; i+stride <= len(n.Content); i += stride {
		if i > 0 {
			w.newline(col)
		}
		if stride == 2 {
			w.pair(n.Content[i], n.Content[i+1], col)
		} else {
			w.item(n.Content[i], col)
		}
	}
}

func (w *writer) headComment(comment string, col int) {
	if comment == "" {
		return
	}
	for line := range strings.SplitSeq(comment, "\n") {
		if !strings.HasPrefix(line, "#") {
			line = "# " + line
		}
		w.WriteString(line)
		w.newline(col)
	}
}

func (w *writer) lineComment(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.LineComment != "" && !strings.Contains(n.LineComment, "\n") {
		c := n.LineComment
		if !strings.HasPrefix(c, "#") {
			c = "# " + c
		}
		w.WriteString(" " + c)
	}
}

// pair writes "key: value" with the key at column col.
func (w *writer) pair(k, v *yaml.Node, col int) {
	w.headComment(k.HeadComment, col)
	w.key(k, false, false)
	w.WriteByte(':')
	if block(v) {
		if p := properties(v); p != "" {
			w.WriteString(" " + p)
		}
		at := col + w.style.step
		if v.Kind == yaml.SequenceNode {
			at = col + w.style.seqStep
		}
		w.newline(at)
		w.entries(v, at)
		return
	}
	w.afterIndicator(v, col)
}

// afterIndicator writes a value that is no block collection behind ":" or "-", with the space before it.
func (w *writer) afterIndicator(v *yaml.Node, col int) {
	s := w.text(v, col+w.style.step)
	if s != "" {
		w.WriteString(" " + s)
	}
	if !strings.Contains(s, w.style.eol) {
		w.lineComment(v)
	}
}

// text renders a value that is no block collection; the lines of a literal stand at column col.
func (w *writer) text(v *yaml.Node, col int) string {
	p := writer{style: w.style}
	p.properties(v)
	if strictlyLiteral(v) {
		p.WriteString(literal(v.Value, col, w.style.eol))
	} else {
		p.flow(v, flowStyle{colon: ": ", comma: ", "}, false)
	}
	if p.err != nil && w.err == nil {
		w.err = p.err
	}
	return strings.TrimSuffix(p.String(), " ")
}

// item writes "- item" with the dash at column col.
func (w *writer) item(v *yaml.Node, col int) {
	w.headComment(v.HeadComment, col)
	w.WriteByte('-')
	if !block(v) {
		w.afterIndicator(v, col)
		return
	}
	w.WriteByte(' ')
	if p := properties(v); p != "" {
		w.WriteString(p)
		w.newline(col + 2)
	}
	w.entries(v, col+2)
}

func (w *writer) key(k *yaml.Node, flow, json bool) {
	if k.Kind == yaml.AliasNode {
		w.WriteString("*" + k.Value + " ")
		return
	}
	if k.Kind != yaml.ScalarNode && w.err == nil {
		w.err = fmt.Errorf("a new key must be a scalar")
	}
	if k.Anchor != "" {
		w.WriteString("&" + k.Anchor + " ")
	}
	if k.Value == "" && k.ShortTag() == "!!null" {
		w.WriteString("null")
		return
	}
	w.scalar(k, flow, json)
}

// flow writes a value on one line, or on several when f has an indent. nested says that brackets stand around it.
func (w *writer) flow(n *yaml.Node, f flowStyle, nested bool) {
	open, shut := "{", "}"
	switch n.Kind {
	case yaml.AliasNode:
		w.WriteString("*" + n.Value)
		return
	case yaml.ScalarNode:
		w.scalar(n, nested, f.json)
		return
	case yaml.SequenceNode:
		open, shut = "[", "]"
	case yaml.MappingNode:
	default:
		if w.err == nil {
			w.err = fmt.Errorf("cannot write a node of kind %d", n.Kind)
		}
		return
	}
	w.WriteString(open)
	inner, stride := f, stride(n)
	if f.indent > 0 {
		inner.indent += f.step
	}
	for i := 0; i+stride <= len(n.Content); i += stride {
		if i > 0 {
			w.WriteByte(',')
		}
		if f.indent > 0 {
			w.newline(f.indent)
		} else if i > 0 && f.comma != "," {
			w.WriteByte(' ')
		}
		w.flowEntry(n.Content[i:i+stride], inner)
	}
	if f.indent > 0 && len(n.Content) > 0 {
		w.newline(f.indent - f.step)
	}
	w.WriteString(shut)
}

// flowEntry writes one item, or a key and its value, inside brackets.
func (w *writer) flowEntry(nodes []*yaml.Node, f flowStyle) {
	if len(nodes) == 2 {
		w.key(nodes[0], true, f.json)
		w.WriteString(f.colon)
	}
	v := nodes[len(nodes)-1]
	w.properties(v)
	w.flow(v, f, true)
}
