package manifest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/yamltext"
)

// Document is the text between two separators, with the separator that starts it.
type Document struct {
	Index int // place in the stream, from 0
	Line  int // of its first line in the stream, from 1

	raw     []byte
	tree    *yaml.Node // nil: not parsed, or without content
	before  *yaml.Node // the tree as it was parsed, once an edit has begun
	objects []*Object

	befores []*yaml.Node      // the objects' mappings below before; nil until somebody asks
	sources *yamltext.Sources // of raw; nil until somebody asks
}

// Root returns the document's mapping, nil where it was not parsed or has no content. Call Edit before changing it.
func (d *Document) Root() *yaml.Node {
	if d.tree == nil || d.tree.Kind != yaml.DocumentNode {
		return d.tree
	}
	return d.tree.Content[0]
}

// Edit must be called before anything in the document is changed; Stream.Commit then writes the change.
func (d *Document) Edit() {
	if d.before == nil {
		d.before = yamltext.Clone(d.tree)
	}
}

// Objects returns the document's objects: one, or the items of a List; none where the document was not parsed.
func (d *Document) Objects() []*Object { return d.objects }

// Raw returns the document's bytes. They must not be changed.
func (d *Document) Raw() []byte { return d.raw }

// Object is one Kubernetes object of a document.
type Object struct {
	Ref
	Doc  *Document
	Node *yaml.Node // its mapping; call Edit before changing anything below
}

// RNode returns the object's mapping as filters take it. Call Edit first.
func (o *Object) RNode() *yaml.RNode { return yaml.NewRNode(o.Node) }

// StreamLine is the line of the stream, from 1, that the object starts on.
func (o *Object) StreamLine() int { return o.Doc.Line + o.Node.Line - 1 }

// Edit must be called before anything below the object's Node is changed; Stream.Commit then writes the change.
func (o *Object) Edit() { o.Doc.Edit() }

// Before returns the object's mapping as it was when its document was read or last committed: Node itself where no
// edit has begun. Use it to compare, never to edit.
func (o *Object) Before() *yaml.Node {
	if o.Doc.before == nil {
		return o.Node
	}
	if o.Doc.befores == nil {
		o.Doc.befores = objectNodes(o.Doc.before)
	}
	for i, other := range o.Doc.objects {
		if other == o && i < len(o.Doc.befores) {
			return o.Doc.befores[i]
		}
	}
	return o.Node
}

// Source returns the text of a node below Before, as yamltext.Sources.Of does.
func (d *Document) Source(n *yaml.Node) []byte {
	if d.sources == nil {
		d.sources = yamltext.Find(d.raw)
	}
	return d.sources.Of(n)
}

// Edited says whether an edit has begun that is not committed yet.
func (d *Document) Edited() bool { return d.before != nil }

func (d *Document) read() error {
	if bytes.HasPrefix(d.raw, []byte("---")) && !isMarker(d.raw, "---") {
		return d.errorf(1, "starts with %q, which Helm takes for a document separator and YAML does not; indent the line or put a blank after it", firstWord(d.raw))
	}
	if at := bytes.Index(d.raw, []byte("\n---")); at >= 0 {
		return d.errorf(2+bytes.Count(d.raw[:at], newline), "starts with %q, which Helm takes for a document separator and YAML does not; indent the line or put a blank after it", firstWord(d.raw[at+1:]))
	}
	if kind, ok := plainKind(d.raw); ok && hasNoPart(kind, d.raw) && !bytes.Contains(d.raw, []byte("kauth.dev/")) && yamltext.Lint(d.raw) {
		return nil
	}
	return d.parse()
}

// cutOff finds a stream that breaks off where YAML does not show it: without the newline that Helm ends every document
// with, or inside of a block scalar, whose text may be anything. A port that lost its last digit is still a port.
func (d *Document) cutOff() error {
	if last := d.raw[len(d.raw)-1]; last == '\n' || last == '\r' {
		return nil
	}
	if bytes.Contains(d.raw, []byte("kauth.dev/undo")) { // our own output, which keeps the input's end
		return nil
	}
	if sourceComment(d.raw) == "" && !bytes.Contains(d.raw, []byte(FilenameAnnotation)) && !d.endsInLines() {
		return nil
	}
	return d.errorf(1+bytes.Count(d.raw, newline), "ends without a newline, as if the input was cut off; pass all of it, or add the newline")
}

// endsInLines says whether the last value of the document is a block scalar.
func (d *Document) endsInLines() bool {
	n, err := yamltext.Parse(d.raw)
	for err == nil && n != nil && len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	return err == nil && n != nil && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
}

func firstWord(line []byte) string {
	word, _, _ := strings.Cut(string(line[:min(len(line), 40)]), "\n")
	return strings.TrimSpace(word)
}

// parse fills tree and objects from raw.
func (d *Document) parse() error {
	tree, err := yamltext.Parse(d.raw)
	if err != nil {
		return d.yamlError(err)
	}
	d.tree, d.before, d.objects, d.befores, d.sources = tree, nil, nil, nil, nil
	if tree == nil {
		return nil
	}
	root := tree
	if root.Kind == yaml.DocumentNode {
		root = root.Content[0]
	}
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		d.tree = nil
		return nil
	}
	if root.Kind != yaml.MappingNode {
		return d.errorf(root.Line, "not a Kubernetes object: expected fields such as apiVersion and kind, found %s", kindName(root))
	}
	if key, line := duplicateKey(root); key != "" {
		return d.errorf(line, "the key %q stands twice in one mapping; remove one", key)
	}
	if odd, why := oddNode(root, nil); odd != nil {
		return d.errorf(odd.Line, "%s", why)
	}
	source := d.source(root)
	var errs []error
	for _, n := range objectNodes(tree) {
		o := &Object{Doc: d, Node: n, Ref: refOf(n, cmp.Or(source, itemSource(n)))}
		if o.Kind == "" {
			errs = append(errs, d.errorf(n.Line, "no kind; every object needs apiVersion, kind and metadata.name"))
		}
		d.objects = append(d.objects, o)
	}
	return errors.Join(errs...)
}

// objectNodes returns the mapping of the document, or those of its items where it is a List.
func objectNodes(tree *yaml.Node) []*yaml.Node {
	root := tree
	if root.Kind == yaml.DocumentNode {
		root = root.Content[0]
	}
	if !strings.HasSuffix(String(root, "kind"), "List") {
		return []*yaml.Node{root}
	}
	items := Field(root, "items")
	if items == nil || items.Kind != yaml.SequenceNode {
		return []*yaml.Node{root}
	}
	var nodes []*yaml.Node
	for _, item := range Items(items) {
		if item.Kind == yaml.MappingNode {
			nodes = append(nodes, objectNodes(item)...)
		}
	}
	return nodes
}

func (d *Document) commit() error {
	if d.before == nil {
		return nil
	}
	raw, err := yamltext.Merge(d.raw, d.before, d.tree)
	if err != nil {
		return d.errorf(1, "%v", err)
	}
	d.raw = raw
	return d.parse()
}

var yamlLine = regexp.MustCompile(`^(?:.*?yaml: )?(?:line (\d+): )?(.*)$`)

// yamlError gives a parser's error, whose line counts from the start of the document, its place in the stream.
func (d *Document) yamlError(err error) error {
	m := yamlLine.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	line, _ := strconv.Atoi(m[1])
	return d.errorf(max(line, 1), "not valid YAML: %s", m[2])
}

// errorf makes an error for a line of the document, counted from 1.
func (d *Document) errorf(line int, format string, args ...any) error {
	where := fmt.Sprintf("line %d", d.Line+line-1)
	if source := sourceComment(d.raw); source != "" {
		where += " (" + source + ")"
	}
	return fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...))
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a sequence"
	case yaml.ScalarNode:
		return "the text " + strconv.Quote(shorten(n.Value, 40))
	default:
		return "something else"
	}
}

func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}

// duplicateKey returns the first key that a mapping below n has twice, "" where there is none. Kubernetes' readers
// disagree on which of the two counts.
func duplicateKey(n *yaml.Node) (key string, line int) {
	if n.Kind == yaml.MappingNode {
		seen := make(map[string]bool, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if k.Kind == yaml.ScalarNode && seen[k.Value] && k.Tag != yaml.MergeTag {
				return k.Value, k.Line
			}
			seen[k.Value] = true
		}
	}
	for _, c := range n.Content {
		if key, line = duplicateKey(c); key != "" {
			return key, line
		}
	}
	return "", 0
}
