// Package patches owns how the difference between two streams of manifests is said in kustomize's words: strategic
// merge patches for what is put into mappings, JSON patches for what lists hold, and whole objects for new ones.
package patches

import (
	"bytes"
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Set is what to change.
type Set struct {
	Patches []Patch
	Added   []*manifest.Object
}

// Patch is what to change of one object.
type Patch struct {
	Object *manifest.Object // as it was
	Merge  *yaml.Node       // the entries that mappings get, without the object's identity; nil where there are none
	Ops    []Op             // what a merge cannot say, in order
}

// Op is an operation of a JSON patch (RFC 6902).
type Op struct {
	Op    string
	Path  []string   // of the pointer, unescaped
	Value *yaml.Node // nil for remove
}

// Of returns the files of a kustomization that turns the manifests in text into those of after.
func Of(text []byte, after *manifest.Stream, version string) ([]File, error) {
	before, err := manifest.Read(text)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if _, err := after.WriteTo(&out); err != nil {
		return nil, err
	}
	// Read anew, for what was planned with a namespace from elsewhere must be named as the text names it.
	again, err := manifest.Read(out.Bytes())
	if err != nil {
		return nil, err
	}
	set, err := Make(before, again)
	if err != nil {
		return nil, err
	}
	return set.Files(version)
}

// Make returns what turns the objects of before into those of after. Objects of one identity are paired in their order.
func Make(before, after *manifest.Stream) (*Set, error) {
	old := map[manifest.Ref][]*manifest.Object{}
	for _, o := range before.Objects() {
		old[o.Identity()] = append(old[o.Identity()], o)
	}
	set := &Set{}
	for _, o := range after.Objects() {
		id := o.Identity()
		if len(old[id]) == 0 {
			set.Added = append(set.Added, o)
			continue
		}
		was := old[id][0]
		old[id] = old[id][1:]
		d := differ{merge: manifest.Mapping()}
		d.walk(was.Node, o.Node, nil, false)
		p := Patch{Object: was, Ops: d.ops}
		if len(d.merge.Content) > 0 {
			p.Merge = d.merge
		}
		if p.Merge == nil && len(p.Ops) == 0 {
			continue
		}
		if manifest.String(was.Node, "metadata", "name") == "" {
			return nil, fmt.Errorf("%s: metadata.name: none, so no patch can name it; give it one", was.Ref)
		}
		set.Patches = append(set.Patches, p)
	}
	return set, nil
}

// differ collects what is different between two versions of an object.
type differ struct {
	merge *yaml.Node
	ops   []Op
	tests map[string]bool // paths that are tested already
}

// walk compares b and a, which path leads to. inList says whether a list lies on the way: a merge cannot follow there.
func (d *differ) walk(b, a *yaml.Node, path []string, inList bool) {
	if b.Kind == yaml.AliasNode && a.Kind == yaml.AliasNode {
		return // kauth edits nothing that several places share
	}
	b, a = manifest.Resolve(b), manifest.Resolve(a)
	switch {
	case b.Kind != a.Kind || b.Kind == yaml.ScalarNode:
		d.replace(b, a, path, inList)
	case b.Kind == yaml.MappingNode:
		d.mapping(b, a, path, inList)
	default:
		d.sequence(b, a, path)
	}
}

func (d *differ) replace(b, a *yaml.Node, path []string, inList bool) {
	switch {
	case b.Kind == a.Kind && b.Value == a.Value && b.ShortTag() == a.ShortTag():
	case b.Kind == yaml.ScalarNode && b.ShortTag() == yaml.NodeTagNull:
		d.add(a, path, inList) // kustomize drops fields without a value, so it may not be there
	default:
		d.test(b, path)
		d.op("replace", path, a)
	}
}

func (d *differ) mapping(b, a *yaml.Node, path []string, inList bool) {
	guarded := len(d.ops)
	for i := 0; i+1 < len(a.Content); i += 2 {
		key := a.Content[i].Value
		to := join(path, key)
		if old := manifest.At(b, manifest.P(key)); old != nil {
			d.walk(old, a.Content[i+1], to, inList)
		} else {
			d.add(a.Content[i+1], to, inList)
		}
	}
	for i := 0; i+1 < len(b.Content); i += 2 {
		if key := b.Content[i].Value; manifest.At(a, manifest.P(key)) == nil {
			d.test(b.Content[i+1], join(path, key))
			d.op("remove", join(path, key), nil)
		}
	}
	if inList && len(d.ops) > guarded {
		d.guard(b, path, guarded)
	}
}

// guards are the fields that tell an item of a list, or what it leads to, from others. An item that is named by its
// place must still be the one that was meant.
var guards = []string{"name", "host", "path", "port"}

// guard puts tests of what an item says of itself before the operations on it, which begin at index from.
func (d *differ) guard(b *yaml.Node, path []string, from int) {
	changed := d.ops[from:]
	d.ops = append([]Op(nil), d.ops[:from]...)
	for _, key := range guards {
		if n := manifest.At(b, manifest.P(key)); n != nil && n.Kind == yaml.ScalarNode {
			d.test(n, join(path, key))
		}
	}
	d.ops = append(d.ops, changed...)
}

func (d *differ) sequence(b, a *yaml.Node, path []string) {
	both := min(len(b.Content), len(a.Content))
	for i := range both {
		d.walk(b.Content[i], a.Content[i], join(path, fmt.Sprint(i)), true)
	}
	for i := len(b.Content) - 1; i >= both; i-- {
		d.op("remove", join(path, fmt.Sprint(i)), nil)
	}
	for _, item := range a.Content[both:] {
		d.op("add", join(path, "-"), item)
	}
}

// add puts a new entry into a mapping.
func (d *differ) add(value *yaml.Node, path []string, inList bool) {
	switch {
	case inList:
		d.op("add", path, value)
		return
	case value.Kind == yaml.SequenceNode: // which a merge would put in the place of one that came since
		d.test(&yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagNull, Value: "null"}, path)
		d.op("add", path, value)
		return
	}
	at := d.merge
	for _, key := range path[:len(path)-1] {
		next := manifest.At(at, manifest.P(key))
		if next == nil {
			next = manifest.Mapping()
			at.Content = append(at.Content, manifest.Text(key), next)
		}
		at = next
	}
	at.Content = append(at.Content, manifest.Text(path[len(path)-1]), plain(value))
}

func (d *differ) op(op string, path []string, value *yaml.Node) {
	if value != nil {
		value = plain(value)
	}
	d.ops = append(d.ops, Op{Op: op, Path: path, Value: value})
}

// test guards what follows by the value that was seen, once.
func (d *differ) test(value *yaml.Node, path []string) {
	key := pointer(path)
	if value.Kind != yaml.ScalarNode || d.tests[key] {
		return
	}
	if d.tests == nil {
		d.tests = map[string]bool{}
	}
	d.tests[key] = true
	d.op("test", path, value)
}

func join(path []string, step string) []string {
	return append(append(make([]string, 0, len(path)+1), path...), step)
}

// plain copies a node without comments, anchors and the style that it was written in.
func plain(n *yaml.Node) *yaml.Node {
	n = manifest.Resolve(n)
	c := &yaml.Node{Kind: n.Kind, Tag: n.ShortTag(), Value: n.Value}
	for _, child := range n.Content {
		c.Content = append(c.Content, plain(child))
	}
	return c
}
