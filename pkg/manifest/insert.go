package manifest

import (
	"bytes"
	"fmt"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Insert puts a new object into the stream, as a document of its own behind the one of another object, whose source it
// takes over. A document without a newline at its end gets one. Edits must be committed before.
func (s *Stream) Insert(beside *Object, node *yaml.Node) error {
	text, err := yaml.NewRNode(node).String()
	if err != nil {
		return fmt.Errorf("%s: %w", beside.Ref, err)
	}
	prev := beside.Doc
	raw := []byte("---\n")
	if source := sourceComment(prev.raw); source != "" {
		raw = append(raw, "# Source: "+source+"\n"...)
	}
	raw = append(raw, text...)
	at := slices.Index(s.Docs, prev) + 1
	if at < len(s.Docs) && !isMarker(s.Docs[at].raw, "---") {
		raw = append(raw, "...\n"...)
	}
	if bytes.Contains(prev.raw, []byte("\r\n")) {
		raw = bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))
	}
	if !bytes.HasSuffix(prev.raw, []byte("\n")) {
		prev.raw = append(slices.Clip(prev.raw), '\n')
	}
	d := &Document{raw: raw}
	if err := d.parse(); err != nil {
		return err
	}
	s.Docs = slices.Insert(s.Docs, at, d)
	s.number()
	return nil
}

// Remove takes an object out of the stream, with its document where it is alone in it. With newline the document before
// loses the newline at its end. An object that is an item of a List is taken out of it by the next Commit.
func (s *Stream) Remove(o *Object, newline bool) error {
	if root := o.Doc.tree; root != nil && (root == o.Node || root.Kind == yaml.DocumentNode && root.Content[0] == o.Node) {
		at := slices.Index(s.Docs, o.Doc)
		if at > 0 && newline {
			s.Docs[at-1].raw = bytes.TrimSuffix(s.Docs[at-1].raw, []byte("\n"))
		}
		s.Docs = slices.Delete(s.Docs, at, at+1)
		s.number()
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
