package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Insertion is a new object for the stream, and the one that it serves.
type Insertion struct {
	Beside *Object
	Node   *yaml.Node
}

// Insert puts new objects into the stream, each as a document of its own behind the one of the object that it serves,
// whose source it takes over. A document without a newline at its end gets one. What is for an object of a ResourceList
// becomes the last item of that. Edits must be committed before.
func (s *Stream) Insert(all []Insertion) error {
	behind := map[*Document][]*Document{}
	for _, in := range all {
		if d := in.Beside.Doc; String(d.Root(), "kind") == ResourceList {
			d.Edit()
			if err := errors.Join(Append(d.Root(), P("items"), in.Node), d.commit()); err != nil {
				return err
			}
			continue
		}
		d, err := newDocument(in)
		if err != nil {
			return err
		}
		behind[in.Beside.Doc] = append(behind[in.Beside.Doc], d)
	}
	var docs []*Document
	for i, d := range s.Docs {
		docs = append(docs, d)
		added := behind[d]
		if len(added) == 0 {
			continue
		}
		if !bytes.HasSuffix(d.raw, newline) {
			d.raw = append(slices.Clip(d.raw), '\n')
		}
		if i+1 < len(s.Docs) && !isMarker(s.Docs[i+1].raw, "---") {
			last := added[len(added)-1]
			last.raw = append(last.raw, "...\n"...)
		}
		docs = append(docs, added...)
	}
	s.Docs = docs
	s.number()
	return nil
}

// quoted puts texts below n into quotes that YAML 1.1, which Kubernetes reads, takes for something else: yes, on, 0x1.
func quoted(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Tag == yaml.NodeTagString && yaml.IsYaml1_1NonString(n) {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, c := range n.Content {
		quoted(c)
	}
}

func newDocument(in Insertion) (*Document, error) {
	quoted(in.Node)
	text, err := yaml.NewRNode(in.Node).String()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Beside.Ref, err)
	}
	raw := []byte("---\n")
	if source := sourceComment(in.Beside.Doc.raw); source != "" {
		raw = append(raw, "# Source: "+source+"\n"...)
	}
	raw = append(raw, text...)
	if bytes.Contains(in.Beside.Doc.raw, []byte("\r\n")) {
		raw = bytes.ReplaceAll(raw, newline, []byte("\r\n"))
	}
	d := &Document{raw: raw}
	return d, d.parse()
}

// Remove takes an object out of the stream, with its document where it is alone in it. With alsoNewline the document before
// loses the newline at its end. An object that is an item of a List is taken out of it by the next Commit.
func (s *Stream) Remove(o *Object, alsoNewline bool) error {
	if root := o.Doc.tree; root != nil && (root == o.Node || root.Kind == yaml.DocumentNode && root.Content[0] == o.Node) {
		at := slices.Index(s.Docs, o.Doc)
		if at > 0 && alsoNewline {
			s.Docs[at-1].raw = bytes.TrimSuffix(s.Docs[at-1].raw, newline)
		}
		s.Docs = slices.Delete(s.Docs, at, at+1)
		return nil
	}
	o.Edit()
	if !dropItem(o.Doc.tree, o.Node) {
		return fmt.Errorf("%s: is no item of a List, and no document of its own", o.Ref)
	}
	return nil
}

func dropItem(n, item *yaml.Node) bool {
	if at := slices.Index(n.Content, item); at >= 0 && n.Kind == yaml.SequenceNode {
		n.Content = slices.Delete(slices.Clone(n.Content), at, at+1)
		return true
	}
	return slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return dropItem(c, item) })
}

// number gives the documents their places anew.
func (s *Stream) number() {
	line := 1
	for i, d := range s.Docs {
		d.Index, d.Line = i, line
		line += bytes.Count(d.raw, newline)
	}
}

// Peek returns the objects of a document, parsed for this call alone where reading the stream left it unparsed.
func (d *Document) Peek() []*Object {
	if d.objects != nil {
		return d.objects
	}
	copied := &Document{Index: d.Index, Line: d.Line, raw: d.raw}
	if err := copied.parse(); err != nil {
		return nil // what is not well-formed was refused when it was read
	}
	return copied.objects
}
